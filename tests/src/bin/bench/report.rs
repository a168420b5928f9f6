//! docs/benchmarks.md.

use crate::Args;
use crate::authserver::Figures;
use crate::document::Section;
use crate::gateway::{Figure, Variant};
use crate::tokens::Algorithm;

pub(crate) const INTRO: &str = "# Benchmarks

Written by `make bench` (which needs `wrk`); run it again rather than compare figures of different machines. `make bench ARGS=revocation`,
`ARGS=gateway` and `ARGS=authserver` measure one part again and leave the others as they are.
";

pub(crate) fn gateway(args: &Args, gateway: &[Figure], wasm: u64) -> Section {
    let rows: String = Variant::ALL.iter().map(|variant| row(*variant, gateway)).collect();
    let text = format!(
        r#"Processor time (user and system) of the Envoy process per request, in microseconds: median of {rounds} rounds of {seconds} s,
least to most in brackets, and the ratio to Envoy alone in the same run; on {machine}. One worker, `wrk -t1 -c16`, a direct response.
All variants run side by side and are measured in turns. Ours has rules, revocation feed and identity headers on;
jwt_authn checks issuer, audience, time and signature, and nothing else.

| | ES256 | ratio | RS256 | ratio | budget |
|---|---|---|---|---|---|
{rows}
Where ours costs more than jwt_authn does: with its cache, jwt_authn compares a token and leaves the request as it is. For a token seen
before, ours enters a VM, has all headers copied into it, takes the credential and what claims to be an identity out of the request, and
puts three headers in. How the cost divides among these was not measured. Look at the brackets before comparing: where jwt_authn with its
cache comes out beside or below Envoy alone, what it adds is smaller than the noise of the run.

The filter is {wasm_kb} KB of WebAssembly; the budget is 500 KB.
"#,
        machine = machine(),
        rounds = args.rounds,
        seconds = args.seconds,
        wasm_kb = wasm / 1000,
    );
    Section { heading: "What a request costs in Envoy", text }
}

pub(crate) fn authserver(authserver: &Figures) -> Section {
    let text = format!(
        r#"Client credentials with HTTP Basic, a JWT by ES256, SQLite, release build, one `wrk -t1 -c16` on the same machine ({machine}).

| | measured | budget |
|---|---|---|
| processor time per token | {micros:.0} µs | 75 µs |
| tokens per second | {rate:.0} | – |
"#,
        machine = machine(),
        micros = authserver.micros,
        rate = authserver.rate,
    );
    Section { heading: "What a token costs in the authserver", text }
}

/// This machine, in words.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores, {}", cpu_model())
}

fn row(variant: Variant, gateway: &[Figure]) -> String {
    let micros = |algorithm, variant| {
        let figure = gateway.iter().find(|figure| figure.algorithm == algorithm && figure.variant == variant);
        figure.map_or((0.0, (0.0, 0.0)), |figure| (figure.micros, figure.range))
    };
    let cells: String = Algorithm::ALL
        .iter()
        .map(|algorithm| {
            let (median, (least, most)) = micros(*algorithm, variant);
            let ratio = median / micros(*algorithm, Variant::Alone).0;
            format!(" {median:.1} [{least:.1}–{most:.1}] | {ratio:.2} |")
        })
        .collect();
    let added = |variant, algorithm| micros(algorithm, variant).0 - micros(algorithm, Variant::Alone).0;
    let (es, rs) = (Algorithm::Es256, Algorithm::Rs256);
    let (name, budget) = match variant {
        Variant::Alone => ("Envoy alone", "–".to_owned()),
        Variant::JwtAuthnCached => ("jwt_authn with its cache", "–".to_owned()),
        Variant::JwtAuthn => ("jwt_authn without (its default)", "–".to_owned()),
        Variant::Seen => {
            let cached = Variant::JwtAuthnCached;
            let budget = format!(
                "adds no more than jwt_authn with its cache: {:.1} of {:.1}, {:.1} of {:.1}",
                added(variant, es),
                added(cached, es),
                added(variant, rs),
                added(cached, rs)
            );
            ("our filter, token seen before", budget)
        }
        Variant::NeverSeen => {
            let without = Variant::JwtAuthn;
            let budget = format!(
                "no more than jwt_authn without: {:.0} of {:.0}, {:.0} of {:.0}",
                micros(es, variant).0,
                micros(es, without).0,
                micros(rs, variant).0,
                micros(rs, without).0
            );
            ("our filter, token never seen", budget)
        }
    };
    format!("| {name} |{cells} {budget} |\n")
}

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unnamed processor", |(_, name)| name).to_owned()
}
