//! Processor time per request in Envoy, one worker, answering directly: with nothing before it, with jwt_authn, and
//! with our filter. All are the shipped configuration with another list of filters and without the access log.

use crate::probe::{self, Probe};
use crate::tokens::{self, Algorithm};
use crate::{Args, median, say, wrk};
use bearward_tests::envoy::{Envoy, config};
use bearward_tests::issuer::Issuer;
use bearward_tests::stack::{Parts, client, local};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{Error, Result, cpu, demo, echo, ports, wait};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Alone,
    JwtAuthnCached,
    JwtAuthn,
    /// A filter in Wasm that does only this.
    Does(Probe),
    Seen,
    NeverSeen,
    /// Another build of the filter: which of those in [`Args::beside`], with a token seen before.
    Beside(usize),
    /// The same with tokens never seen.
    BesideNeverSeen(usize),
}

impl Variant {
    /// Those that docs/benchmarks.md compares.
    pub(crate) const ALL: [Self; 6] =
        [Self::Alone, Self::JwtAuthnCached, Self::JwtAuthn, Self::Does(Probe::Nothing), Self::Seen, Self::NeverSeen];

    fn never_seen(self) -> bool {
        matches!(self, Self::NeverSeen | Self::BesideNeverSeen(_))
    }
}

/// Our filter and the builds that the arguments name.
pub(crate) fn beside(args: &Args) -> Vec<Variant> {
    let others = (0..args.beside.len()).flat_map(|which| [Variant::Beside(which), Variant::BesideNeverSeen(which)]);
    let ours = [Variant::Alone, Variant::Does(Probe::Nothing), Variant::Seen, Variant::NeverSeen];
    ours.into_iter().chain(others).collect()
}

/// Filters that do one thing each.
pub(crate) fn probes() -> Vec<Variant> {
    [Variant::Alone].into_iter().chain(Probe::ALL.map(Variant::Does)).collect()
}

/// A variant's median.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) algorithm: Algorithm,
    pub(crate) variant: Variant,
    /// Microseconds of processor time per request.
    pub(crate) micros: f64,
    /// The least and the most of all rounds.
    pub(crate) range: (f64, f64),
}

struct Runner {
    algorithm: Algorithm,
    variant: Variant,
    envoy: Envoy,
    url: String,
    token: String,
    /// For [`Variant::NeverSeen`].
    fresh: Option<Fresh>,
    micros: Vec<f64>,
    _dir: TempDir,
}

struct Fresh {
    file: PathBuf,
    count: usize,
    used: u64,
}

/// One realm for all: it need not be where the gateways are.
const REALM: &str = "http://127.0.0.1:8080";
/// Signing one takes half a millisecond (RSA), so these are fewer; both are more than the filter's cache holds.
const TOKENS: [(Algorithm, usize); 2] = [(Algorithm::Es256, 150_000), (Algorithm::Rs256, 100_000)];

pub(crate) async fn measure(parts: &Parts, args: &Args, wanted: &[Variant], with: &[Algorithm]) -> Result<Vec<Figure>> {
    let dir = TempDir::new()?;
    let issuer = Issuer::new()?;
    let authserver = echo::Server::start(local(ports::free()?), issuer.router()).await?;
    let script = dir.path().join("fresh.lua");
    std::fs::write(&script, FRESH).map_err(Error::io("writing a script for wrk"))?;
    let mut runners = Vec::new();
    for (algorithm, count) in TOKENS.into_iter().filter(|(algorithm, _)| with.contains(algorithm)) {
        let mut file = PathBuf::new();
        if wanted.iter().any(|variant| variant.never_seen()) {
            say(&format!("signing {count} tokens with {}", algorithm.name()));
            file = tokens::file(&issuer, algorithm, REALM, count, dir.path())?;
        }
        let token = algorithm.sign(&issuer, &tokens::claims(REALM, "seen"))?;
        for variant in wanted.iter().copied() {
            let fresh = variant.never_seen().then(|| Fresh { file: file.clone(), count, used: 0 });
            let wasm = match variant {
                Variant::Does(probe) => probe::file(probe, dir.path())?,
                Variant::Beside(which) | Variant::BesideNeverSeen(which) => {
                    args.beside.get(which).cloned().unwrap_or_default()
                }
                _ => parts.filter.clone(),
            };
            let (envoy, url, dir) = start(parts, &issuer, authserver.address, variant, wasm).await?;
            let token = token.clone();
            let mut runner = Runner { algorithm, variant, envoy, url, token, fresh, micros: Vec::new(), _dir: dir };
            runner.until_open().await?;
            runner.round(1, &script).await?;
            runner.micros.clear();
            runners.push(runner);
        }
    }
    for round in 1..=args.rounds {
        say(&format!("gateway: round {round} of {}", args.rounds));
        for runner in &mut runners {
            runner.round(args.seconds, &script).await?;
        }
    }
    Ok(runners.iter().map(Runner::figure).collect())
}

impl Runner {
    async fn until_open(&self) -> Result<()> {
        let http = client()?;
        wait::until("the gateway to be open", Duration::from_secs(20), async || {
            let request = http.get(&self.url).bearer_auth(&self.token);
            let answer = request.send().await.map_err(|error| error.to_string())?;
            if answer.status().is_success() { Ok(()) } else { Err(format!("it answers {}", answer.status())) }
        })
        .await
    }

    async fn round(&mut self, seconds: u64, script: &std::path::Path) -> Result<()> {
        let pid = self.envoy.child.pid();
        let requests = "http.gateway.downstream_rq_2xx";
        let before = (cpu::time(pid)?, self.envoy.stat(requests).await?);
        match &self.fresh {
            None => {
                let header = format!("authorization: Bearer {}", self.token);
                wrk::run(&self.url, seconds, &["-H".to_owned(), header], &[]).await?;
            }
            Some(fresh) => {
                let start = fresh.used % u64::try_from(fresh.count).unwrap_or(u64::MAX);
                let env = [("TOKENS", fresh.file.display().to_string()), ("START", start.to_string())];
                wrk::run(&self.url, seconds, &["-s".to_owned(), script.display().to_string()], &env).await?;
            }
        }
        let after = (cpu::time(pid)?, self.envoy.stat(requests).await?);
        let done = after.1.saturating_sub(before.1);
        if let Some(fresh) = &mut self.fresh {
            fresh.used = fresh.used.saturating_add(done);
        }
        let spent = after.0.saturating_sub(before.0).as_secs_f64() * 1e6;
        #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
        self.micros.push(spent / done.max(1) as f64);
        Ok(())
    }

    fn figure(&self) -> Figure {
        let fold = |f: fn(f64, f64) -> f64, start: f64| self.micros.iter().copied().fold(start, f);
        Figure {
            algorithm: self.algorithm,
            variant: self.variant,
            micros: median(&self.micros),
            range: (fold(f64::min, f64::MAX), fold(f64::max, 0.0)),
        }
    }
}

async fn start(
    parts: &Parts,
    issuer: &Issuer,
    authserver: SocketAddr,
    variant: Variant,
    wasm: PathBuf,
) -> Result<(Envoy, String, TempDir)> {
    let dir = TempDir::new()?;
    let (gateway, admin) = (local(ports::free()?), local(ports::free()?));
    let places = config::Places {
        gateway,
        admin,
        authservers: vec![authserver],
        echo: local(ports::free()?),
        wasm,
        issuer: REALM.to_owned(),
    };
    let mut config = config::moved(config::shipped()?, &places)?;
    let manager = config
        .pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config")
        .ok_or_else(|| Error::Config("no HTTP connection manager".to_owned()))?;
    let set = |manager: &mut Value, pointer: &str, value: Value| match manager.pointer_mut(pointer) {
        Some(place) => {
            *place = value;
            Ok(())
        }
        None => Err(Error::Config(format!("nothing at {pointer}"))),
    };
    set(manager, "/access_log", json!([]))?;
    let answer = json!({ "name": "api", "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    set(manager, "/route_config/virtual_hosts/0/routes", json!([answer]))?;
    match variant {
        Variant::Does(_) | Variant::Seen | Variant::NeverSeen | Variant::Beside(_) | Variant::BesideNeverSeen(_) => {}
        Variant::Alone => set(manager, "/http_filters", json!([router()]))?,
        Variant::JwtAuthnCached => set(manager, "/http_filters", json!([jwt_authn(issuer, true), router()]))?,
        Variant::JwtAuthn => set(manager, "/http_filters", json!([jwt_authn(issuer, false), router()]))?,
    }
    let envoy = Envoy::start(&parts.envoy, &config, admin, 1, dir.path()).await?;
    Ok((envoy, format!("http://{gateway}/orders/1"), dir))
}

fn router() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    json!({ "name": "envoy.filters.http.router", "typed_config": { "@type": kind } })
}

/// What it can of what our filter does: issuer, audience, time and signature.
fn jwt_authn(issuer: &Issuer, cache: bool) -> Value {
    let mut provider = json!({
        "issuer": REALM,
        "audiences": [demo::AUDIENCE],
        "local_jwks": { "inline_string": issuer.jwks().to_string() },
    });
    if cache && let Some(provider) = provider.as_object_mut() {
        provider.insert("jwt_cache_config".to_owned(), json!({ "jwt_cache_size": 100 }));
    }
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "bearward": provider },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "bearward" } }],
        },
    })
}

const FRESH: &str = r#"
local tokens = {}
for line in io.lines(os.getenv("TOKENS")) do tokens[#tokens + 1] = line end
local at = tonumber(os.getenv("START"))
request = function()
    at = at % #tokens + 1
    return wrk.format(nil, nil, { ["authorization"] = "Bearer " .. tokens[at] })
end
"#;
