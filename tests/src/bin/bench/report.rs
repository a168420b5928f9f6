//! docs/benchmarks.md.

use crate::Args;
use crate::authserver::Figures;
use crate::document::Section;
use crate::gateway::{Figure, Variant};
use crate::probe::{self, Probe};
use crate::tokens::Algorithm;

pub(crate) const INTRO: &str = "# Benchmarks

Written by `make bench` (which needs `wrk`); run it again rather than compare figures of different machines. `make bench ARGS=revocation`,
`ARGS=gateway`, `ARGS=host-calls`, `ARGS=authserver` and `ARGS=console` measure one part again and leave the others as they are.
";

pub(crate) fn gateway(args: &Args, gateway: &[Figure], wasm: u64) -> Section {
    let table = table(args, gateway);
    let text = format!(
        r#"Processor time (user and system) of the Envoy process per request, in microseconds: median of {rounds} rounds of {seconds} s,
least to most in brackets, and the ratio to Envoy alone in the same run; on {machine}. One worker, `wrk -t1 -c16`, a direct response.
All variants run side by side and are measured in turns. Ours has rules, revocation feed and identity headers on;
jwt_authn checks issuer, audience, time and signature, and nothing else.

{table}
Where ours costs more than jwt_authn does: with its cache, jwt_authn compares a token and leaves the request as it is. For a token seen
before, ours asks the host for the time, all headers and what is new of keys and revocations, takes the credential out and puts three
headers in. By `perf record`, code in WebAssembly takes 6 % of Envoy's time (0.7 µs a request) with it; built for speed instead of size
it costs the same within the noise (`make bench ARGS="--beside other.wasm"` compares builds). The rest is the way to the host and back,
measured below. A token never seen costs what jwt_authn takes for it and some 5 µs for base64 and JSON in WebAssembly, on top of that.
Look at the brackets before comparing: where jwt_authn with its cache comes out beside or below Envoy alone, what it adds is
smaller than the noise of the run.

The filter is {wasm_kb} KB of WebAssembly; the budget is 500 KB.
"#,
        machine = machine(),
        rounds = args.rounds,
        seconds = args.seconds,
        wasm_kb = wasm / 1000,
    );
    Section { heading: "What a request costs in Envoy", text }
}

pub(crate) fn host_calls(figures: &[Figure]) -> Section {
    let micros = |wanted| figures.iter().find(|figure| figure.variant == wanted).map_or(0.0, |figure| figure.micros);
    let nothing = micros(Variant::Does(Probe::Nothing));
    let entered = nothing - micros(Variant::Alone);
    let rows: String = Probe::ALL
        .into_iter()
        .filter(|probe| *probe != Probe::Nothing)
        .map(|probe| {
            let each = (micros(Variant::Does(probe)) - nothing) / f64::from(probe::TIMES);
            format!("| {} | {each:.2} µs |\n", probe.name())
        })
        .collect();
    let text = format!(
        r#"Modules of a few lines that make one call {times} times a request, against one that makes none; otherwise as above, and as noisy.

| | each |
|---|---|
| a filter that does nothing | {entered:.2} µs |
{rows}
A decision on a token seen before reads the clock, the headers and shared data once each, removes a header and adds three.
"#,
        times = probe::TIMES,
    );
    Section { heading: "What the way from Wasm to Envoy costs", text }
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

/// The table of what requests cost.
pub(crate) fn table(args: &Args, gateway: &[Figure]) -> String {
    let of_one = gateway.iter().filter(|figure| figure.algorithm == Algorithm::Es256);
    let rows: String = of_one.map(|figure| row(args, figure.variant, gateway)).collect();
    format!("| | ES256 | ratio | RS256 | ratio | budget |\n|---|---|---|---|---|---|\n{rows}")
}

fn row(args: &Args, variant: Variant, gateway: &[Figure]) -> String {
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
    let beside = |which: usize| args.beside.get(which).map(|file| file.display().to_string()).unwrap_or_default();
    // Builds that are compared have no budget but each other.
    let (name, mut budget) = match variant {
        Variant::Alone => ("Envoy alone".to_owned(), "–".to_owned()),
        Variant::JwtAuthnCached => ("jwt_authn with its cache".to_owned(), "–".to_owned()),
        Variant::JwtAuthn => ("jwt_authn without (its default)".to_owned(), "–".to_owned()),
        Variant::Does(probe) => (probe.name().to_owned(), "–".to_owned()),
        Variant::Beside(which) => (beside(which) + ", token seen before", "–".to_owned()),
        Variant::BesideNeverSeen(which) => (beside(which) + ", token never seen", "–".to_owned()),
        Variant::Seen => {
            let cached = Variant::JwtAuthnCached;
            let budget = format!(
                "adds no more than jwt_authn with its cache: {:.1} of {:.1}, {:.1} of {:.1}",
                added(variant, es),
                added(cached, es),
                added(variant, rs),
                added(cached, rs)
            );
            ("our filter, token seen before".to_owned(), budget)
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
            ("our filter, token never seen".to_owned(), budget)
        }
    };
    if !args.beside.is_empty() {
        "–".clone_into(&mut budget);
    }
    format!("| {name} |{cells} {budget} |\n")
}

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unnamed processor", |(_, name)| name).to_owned()
}
