//! Chromium without a window, driven through chromedriver.

use crate::child::Child;
use crate::error::{Error, Result};
use crate::tempdir::TempDir;
use crate::{ports, wait, workspace};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use url::Url;

/// A browser with a profile of its own, ended with its handle.
pub struct Browser {
    /// The page.
    pub client: Client,
    _driver: Child,
    _dir: TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Errors
    /// [`Error::Missing`] with what to install if chromedriver or Chromium is not here.
    pub async fn start() -> Result<Self> {
        let advice = "install Chromium and its driver (Debian: apt-get install chromium chromium-driver)";
        let driver = workspace::on_path("chromedriver")
            .ok_or_else(|| Error::Missing(format!("chromedriver is missing: {advice}")))?;
        let dir = TempDir::new()?;
        let port = ports::free()?;
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}"));
        let mut child = Child::start("chromedriver", &mut command, &dir.path().join("chromedriver.log"))?;
        let url = format!("http://127.0.0.1:{port}");
        wait::until("chromedriver", Duration::from_secs(20), async || {
            reqwest::get(format!("{url}/status")).await.map(drop).map_err(|error| error.to_string())
        })
        .await?;
        child.check()?;
        let capabilities = capabilities(&dir.path().join("profile"));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&url)
            .await
            .map_err(|error| Error::Browser(format!("{error}; {advice}")))?;
        Ok(Self { client, _driver: child, _dir: dir })
    }

    /// A command of the Chrome DevTools Protocol.
    ///
    /// # Errors
    /// [`Error::Browser`].
    pub async fn devtools(&self, cmd: &str, params: Value) -> Result<Value> {
        let command = DevTools { cmd: cmd.to_owned(), params };
        self.client.issue_cmd(command).await.map_err(|error| Error::Browser(format!("{cmd}: {error}")))
    }
}

fn capabilities(profile: &Path) -> Capabilities {
    let mut args = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // Containers have little shared memory.
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
    ];
    if nix::unistd::geteuid().is_root() {
        // Chromium's sandbox does not run as root, which CI often is; the pages visited are our own.
        args.push("--no-sandbox".to_owned());
    }
    Capabilities::from_iter([("goog:chromeOptions".to_owned(), json!({ "args": args }))])
}

#[derive(Debug)]
struct DevTools {
    cmd: String,
    params: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> std::result::Result<Url, url::ParseError> {
        base_url.join(&format!("session/{}/goog/cdp/execute", session_id.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.cmd, "params": self.params }).to_string()))
    }
}
