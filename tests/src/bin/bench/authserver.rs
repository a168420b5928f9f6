//! Processor time per token by client credentials, and tokens per second.

use crate::{Args, median, say, wrk};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bearward_tests::authserver::Alone;
use bearward_tests::stack::Parts;
use bearward_tests::tempdir::TempDir;
use bearward_tests::{Error, Result, cpu, demo};

/// Medians.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// Microseconds of processor time per token.
    pub(crate) micros: f64,
    /// Tokens per second.
    pub(crate) rate: f64,
}

pub(crate) async fn measure(parts: &Parts, args: &Args) -> Result<Figures> {
    let dir = TempDir::new()?;
    let Alone { url, server, .. } = &Alone::start(parts.authserver.clone()).await?;
    let pid = server.child.as_ref().map_or(0, bearward_tests::child::Child::pid);
    let script = dir.path().join("token.lua");
    let basic = STANDARD.encode(format!("{}:{}", demo::SERVICE, demo::SERVICE_SECRET));
    std::fs::write(&script, SCRIPT.replace("BASIC", &basic)).map_err(Error::io("writing a script for wrk"))?;
    let url = format!("{url}/oauth2/token");
    let more = ["-s".to_owned(), script.display().to_string()];
    wrk::run(&url, 1, &more, &[]).await?;
    let (mut micros, mut rates) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        say(&format!("authserver: round {round} of {}", args.rounds));
        let before = (cpu::time(pid)?, server.requests("/oauth2/token").await?);
        wrk::run(&url, args.seconds, &more, &[]).await?;
        let after = (cpu::time(pid)?, server.requests("/oauth2/token").await?);
        let done = (after.1 - before.1).max(1.0);
        micros.push(after.0.saturating_sub(before.0).as_secs_f64() * 1e6 / done);
        #[allow(clippy::cast_precision_loss, reason = "a few seconds")]
        rates.push(done / args.seconds.max(1) as f64);
    }
    Ok(Figures { micros: median(&micros), rate: median(&rates) })
}

const SCRIPT: &str = r#"
wrk.method = "POST"
wrk.body = "grant_type=client_credentials"
wrk.headers["authorization"] = "Basic BASIC"
wrk.headers["content-type"] = "application/x-www-form-urlencoded"
"#;
