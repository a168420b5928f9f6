//! Everything at once: a database, authservers on it, an upstream, and Envoy with the filter before both.

use crate::authserver::{self, Authserver, Settings};
use crate::echo::{self, Echo};
use crate::envoy::{self, Envoy, config};
use crate::error::Result;
use crate::tempdir::TempDir;
use crate::{artifacts, demo, ports, wait};
use serde::Deserialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What is built or fetched once and then used by many stacks.
#[derive(Debug, Clone)]
pub struct Parts {
    /// `bearward`.
    pub authserver: PathBuf,
    /// The filter.
    pub filter: PathBuf,
    /// Envoy.
    pub envoy: PathBuf,
}

impl Parts {
    /// Builds the filter and the authserver, and finds or fetches Envoy. `say` hears each step before it is done.
    ///
    /// # Errors
    /// [`Error`](crate::Error) with what to do.
    pub fn get(profile: artifacts::Profile, say: &dyn Fn(&str)) -> Result<Self> {
        say("building the filter (WebAssembly)");
        let filter = artifacts::filter()?;
        say("building the authserver");
        let authserver = artifacts::authserver(profile)?;
        let envoy = envoy::binary::find(say)?;
        Ok(Self { authserver, filter, envoy })
    }
}

/// How a stack is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// One database URL for each replica of the authserver, all of the same database; `None`: one replica on SQLite.
    pub databases: Option<Vec<String>>,
    /// Envoy's worker threads.
    pub workers: u32,
    /// More settings for the authservers, by the names they read from their environment.
    pub more: Vec<(String, String)>,
    /// What is done to the shipped configuration of Envoy before it starts.
    pub gateway: fn(&mut Value),
}

impl Default for Options {
    fn default() -> Self {
        Self { databases: None, workers: 2, more: Vec::new(), gateway: |_| {} }
    }
}

/// A running stack, ended with its handle.
pub struct Stack {
    /// The replicas of the authserver.
    pub authservers: Vec<Authserver>,
    /// The gateway.
    pub envoy: Envoy,
    /// Where the gateway is, as clients write it: `http://127.0.0.1:<port>`, which is also the issuer.
    pub url: String,
    /// Talks to the gateway; follows no redirects.
    pub http: reqwest::Client,
    _echo: echo::Server,
    _dir: TempDir,
}

impl Stack {
    /// Starts one with the demo data and waits until a token opens a route.
    ///
    /// # Errors
    /// Whatever part does not start says so.
    pub async fn start(parts: &Parts, options: &Options) -> Result<Self> {
        let dir = TempDir::new()?;
        let gateway = local(ports::free()?);
        let url = format!("http://{gateway}");
        let master_key = dir.path().join("master.key");
        authserver::master_key(&parts.authserver, &master_key)?;
        let sqlite = || vec![format!("sqlite://{}", dir.path().join("bearward.db").display())];
        let mut authservers = Vec::new();
        for (number, database) in options.databases.clone().unwrap_or_else(sqlite).into_iter().enumerate() {
            let settings = Settings {
                binary: parts.authserver.clone(),
                issuer: url.clone(),
                listen: local(ports::free()?),
                management: local(ports::free()?),
                database,
                master_key: master_key.clone(),
                demo: true,
                more: options.more.clone(),
                log: dir.path().join(format!("authserver-{number}.log")),
            };
            authservers.push(Authserver::start(settings).await?);
        }
        let addresses = authservers.iter().map(Authserver::address).collect();
        let places = Addresses { gateway, authservers: addresses, issuer: url.clone() };
        let (envoy, echo) = gateway_with(parts, places, options.workers, &dir, options.gateway).await?;
        let stack = Self { authservers, envoy, url, http: client()?, _echo: echo, _dir: dir };
        stack.until_open().await?;
        Ok(stack)
    }

    /// Waits until the filter has keys and feed: a fresh token opens a route.
    async fn until_open(&self) -> Result<()> {
        wait::until("a token to open a route", Duration::from_secs(20), async || {
            first_call(&self.http, &self.url).await
        })
        .await
    }

    /// `GET` at the gateway with this bearer token.
    ///
    /// # Errors
    /// [`Error::Http`](crate::Error::Http).
    pub async fn get(&self, path: &str, token: &str) -> Result<reqwest::Response> {
        Ok(self.http.get(format!("{}{path}", self.url)).bearer_auth(token).send().await?)
    }

    /// The status of `GET` at the gateway with this bearer token.
    ///
    /// # Errors
    /// [`Error::Http`](crate::Error::Http).
    pub async fn status(&self, path: &str, token: &str) -> Result<u16> {
        Ok(self.get(path, token).await?.status().as_u16())
    }

    /// What the upstream saw of a `GET`; the gateway must have let it pass.
    ///
    /// # Errors
    /// [`Error::Http`](crate::Error::Http), also for any status but 2xx.
    pub async fn echo(&self, path: &str, token: &str) -> Result<Echo> {
        Ok(self.get(path, token).await?.error_for_status()?.json().await?)
    }
}

/// Where a gateway is, and before what.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where it listens.
    pub gateway: SocketAddr,
    /// Every replica of the authserver.
    pub authservers: Vec<SocketAddr>,
    /// The issuer whose tokens it takes.
    pub issuer: String,
}

/// Envoy with the filter and an upstream, before authservers that run already; a second gateway, or one before an
/// issuer of the tests' own. `change` is made to Envoy's configuration.
///
/// # Errors
/// Whatever part does not start says so.
pub async fn gateway_with(
    parts: &Parts,
    addresses: Addresses,
    workers: u32,
    dir: &TempDir,
    change: impl FnOnce(&mut Value),
) -> Result<(Envoy, echo::Server)> {
    let Addresses { gateway, authservers, issuer } = addresses;
    let echo = echo::Server::start(local(ports::free()?), echo::router()).await?;
    let admin = local(ports::free()?);
    let wasm = parts.filter.clone();
    let places = config::Places { gateway, admin, authservers, echo: echo.address, wasm, issuer };
    let mut config = config::moved(config::shipped()?, &places)?;
    change(&mut config);
    let envoy = Envoy::start(&parts.envoy, &config, admin, workers, dir.path()).await?;
    Ok((envoy, echo))
}

/// A client that follows no redirects and gives up after ten seconds.
///
/// # Errors
/// [`Error::Http`](crate::Error::Http).
pub fn client() -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    Ok(builder.timeout(Duration::from_secs(10)).no_proxy().build()?)
}

/// A token for the demo service, and a call with it: `Ok` once both work.
///
/// # Errors
/// What did not work yet.
pub async fn first_call(http: &reqwest::Client, url: &str) -> std::result::Result<(), String> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
    }
    let words = |error: reqwest::Error| error.to_string();
    let request = http.post(format!("{url}/oauth2/token")).basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.map_err(words)?;
    if !answer.status().is_success() {
        return Err(format!("the token endpoint answers {}: {}", answer.status(), answer.text().await.map_err(words)?));
    }
    let token = answer.json::<Answer>().await.map_err(words)?.access_token;
    let answer = http.get(format!("{url}/orders/1")).bearer_auth(token).send().await.map_err(words)?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(format!("the gateway answers {}: {}", answer.status(), answer.text().await.map_err(words)?))
}

/// This port on loopback.
#[must_use]
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
