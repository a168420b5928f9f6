//! `wrk`, the load generator: one thread, sixteen connections.

use bearward_tests::{Error, Result};
use std::process::Command;

/// Runs it on a URL; its report.
pub(crate) async fn run(url: &str, seconds: u64, more: &[String], env: &[(&str, String)]) -> Result<String> {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c16", &format!("-d{seconds}s")]).args(more).arg(url);
    command.envs(env.iter().map(|(name, value)| (*name, value)));
    let what = format!("wrk {url}");
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.map_err(|error| Error::Missing(error.to_string()))?.map_err(Error::io(what.as_str()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && !text.contains("Non-2xx") && !text.contains("Socket errors") {
        return Ok(text);
    }
    Err(Error::Failed { what, output: format!("{text}{}", String::from_utf8_lossy(&output.stderr)) })
}
