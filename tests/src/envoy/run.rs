//! A running Envoy.

use crate::child::Child;
use crate::error::{Error, Result};
use crate::{demo, wait};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Envoy, ended with its handle.
#[derive(Debug)]
pub struct Envoy {
    /// The process.
    pub child: Child,
    admin: SocketAddr,
}

impl Envoy {
    /// Starts Envoy with so many workers, its configuration and its log in `dir`, and waits until it listens.
    ///
    /// # Errors
    /// [`Error::Ended`] with Envoy's own words if it refuses the configuration.
    pub async fn start(binary: &Path, config: &Value, admin: SocketAddr, workers: u32, dir: &Path) -> Result<Self> {
        let file = dir.join("envoy.json");
        std::fs::write(&file, config.to_string()).map_err(Error::io("writing Envoy's configuration"))?;
        let mut command = command(binary);
        command
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", &workers.to_string()])
            // Hot restart is for one Envoy per machine; here several run side by side.
            .arg("--disable-hot-restart")
            .args(["--log-level", "warning", "--component-log-level", "wasm:info"]);
        let child = Child::start("Envoy", &mut command, &dir.join("envoy.log"))?;
        let mut envoy = Self { child, admin };
        let ready = format!("http://{admin}/ready");
        envoy
            .child
            .until_ready(async || match ask(&ready).await {
                Ok(said) if said.trim() == "LIVE" => Ok(()),
                Ok(said) => Err(said),
                Err(error) => Err(error.to_string()),
            })
            .await?;
        Ok(envoy)
    }

    /// Has Envoy read a configuration, the filter's part too, without running it.
    ///
    /// # Errors
    /// [`Error::Failed`] with Envoy's own words if it refuses it.
    pub fn validate(binary: &Path, config: &Value, dir: &Path) -> Result<()> {
        let file = dir.join("validate.json");
        std::fs::write(&file, config.to_string()).map_err(Error::io("writing Envoy's configuration"))?;
        let what = "envoy --mode validate";
        let mut command = command(binary);
        command.args(["--mode", "validate", "--log-level", "error", "--config-path"]).arg(file);
        let output = command.output().map_err(Error::io(what))?;
        if output.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Failed { what: what.to_owned(), output })
    }

    /// What the admin interface answers at this path.
    ///
    /// # Errors
    /// [`Error::Http`].
    pub async fn ask(&self, path: &str) -> Result<String> {
        ask(&format!("http://{}{path}", self.admin)).await
    }

    /// The sum of all counters and gauges whose name has this text in it.
    ///
    /// # Errors
    /// [`Error::Http`].
    pub async fn stat(&self, part: &str) -> Result<u64> {
        let all = self.ask("/stats").await?;
        let value = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            name.contains(part).then(|| value.parse::<u64>().ok()).flatten()
        };
        Ok(all.lines().filter_map(value).sum())
    }

    /// Waits until a stat is what it should be.
    ///
    /// # Errors
    /// [`Error::Timeout`].
    pub async fn until_stat(&self, part: &str, good: impl Fn(u64) -> bool) -> Result<u64> {
        wait::until(part, Duration::from_secs(10), async || {
            let value = self.stat(part).await.map_err(|error| error.to_string())?;
            if good(value) { Ok(value) } else { Err(format!("it is {value}")) }
        })
        .await
    }
}

async fn ask(url: &str) -> Result<String> {
    Ok(reqwest::get(url).await?.text().await?)
}

/// Envoy with what envoy.yaml takes from its environment.
fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env("BEARWARD_GATEWAY_SECRET", demo::GATEWAY_SECRET);
    command
}
