//! A running authserver, and its command line.

use crate::child::Child;
use crate::error::{Error, Result};
use crate::stack::local;
use crate::tempdir::TempDir;
use crate::{demo, metrics, ports, wait};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How to run one.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program.
    pub binary: PathBuf,
    /// The URL clients see: the gateway's.
    pub issuer: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its metrics are.
    pub management: SocketAddr,
    /// `sqlite:///…` or `postgres://…`.
    pub database: String,
    /// The file with the master key.
    pub master_key: PathBuf,
    /// Whether to load the demo data.
    pub demo: bool,
    /// More settings, by the names that the authserver reads from its environment.
    pub more: Vec<(String, String)>,
    /// Where its log goes.
    pub log: PathBuf,
}

/// An authserver, ended with its handle.
#[derive(Debug)]
pub struct Authserver {
    settings: Settings,
    /// The process; `None` while it is down.
    pub child: Option<Child>,
}

impl Authserver {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::Ended`] with its own words if it does not stay up.
    pub async fn start(settings: Settings) -> Result<Self> {
        let mut server = Self { settings, child: None };
        server.up().await?;
        Ok(server)
    }

    /// Starts it again after [`Authserver::kill`].
    ///
    /// # Errors
    /// As for [`Authserver::start`].
    pub async fn up(&mut self) -> Result<()> {
        let mut command = self.settings.command();
        command.arg("serve");
        if self.settings.demo {
            command.arg("--demo");
        }
        let mut child = Child::start("the authserver", &mut command, &self.settings.log)?;
        let url = format!("http://{}/readyz", self.settings.management);
        child
            .until_ready(async || match reqwest::get(&url).await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(error.to_string()),
            })
            .await?;
        self.child = Some(child);
        Ok(())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child = None;
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.settings.listen
    }

    /// Runs a command of `bearward` on the same configuration, beside the running server; what it wrote.
    ///
    /// # Errors
    /// [`Error::Failed`] with its words if it does not succeed.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        self.settings.cli(args)
    }

    /// How many requests it answered at this route.
    ///
    /// # Errors
    /// [`Error::Http`].
    pub async fn requests(&self, route: &str) -> Result<f64> {
        let url = format!("http://{}/metrics", self.settings.management);
        let text = reqwest::get(url).await?.text().await?;
        Ok(metrics::sum(&text, "bearward_http_requests_total", &[&format!("route=\"{route}\"")]))
    }

    /// Waits until it has answered a request at this route.
    ///
    /// # Errors
    /// [`Error::Timeout`].
    pub async fn until_asked(&self, route: &str) -> Result<()> {
        wait::until(&format!("a request to {route}"), Duration::from_secs(10), async || {
            let count = self.requests(route).await.map_err(|error| error.to_string())?;
            if count > 0.0 { Ok(()) } else { Err("none yet".to_owned()) }
        })
        .await
    }
}

impl Settings {
    /// Runs a command of `bearward`; what it wrote.
    ///
    /// # Errors
    /// [`Error::Failed`] with its words if it does not succeed.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        let what = format!("bearward {}", args.join(" "));
        let output = self.command().args(args).output().map_err(Error::io(what.as_str()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let output = [output.stdout, output.stderr].concat();
        Err(Error::Failed { what, output: String::from_utf8_lossy(&output).into_owned() })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        // What this shell happens to have set for another authserver must not reach this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BEARWARD_") {
                command.env_remove(name);
            }
        }
        command
            .env("BEARWARD_ISSUER", &self.issuer)
            .env("BEARWARD_LISTEN", self.listen.to_string())
            .env("BEARWARD_MANAGEMENT_LISTEN", self.management.to_string())
            .env("BEARWARD_DATABASE__URL", &self.database)
            .env("BEARWARD_MASTER_KEY_FILE", &self.master_key)
            .env("BEARWARD_TOKENS__AUDIENCE", demo::AUDIENCE)
            .env("BEARWARD_GATEWAY__SECRET", demo::GATEWAY_SECRET)
            .envs(self.more.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Makes a master key in `file`, unless there is one.
///
/// # Errors
/// [`Error::Failed`] if `bearward` does not make one.
pub fn master_key(binary: &Path, file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    let what = "bearward keys generate-master";
    let output = Command::new(binary).args(["keys", "generate-master"]).output().map_err(Error::io(what))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Failed { what: what.to_owned(), output });
    }
    write_private(file, &output.stdout)
}

fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let what = format!("writing {}", file.display());
    let options = std::fs::File::options().create_new(true).write(true).mode(0o600).to_owned();
    let mut file = options.open(file).map_err(Error::io(what.as_str()))?;
    file.write_all(bytes).map_err(Error::io(what))
}

/// An authserver with the demo data and no gateway before it, for what concerns it alone.
#[derive(Debug)]
pub struct Alone {
    /// Where it is, which is also its issuer.
    pub url: String,
    /// The server.
    pub server: Authserver,
    _dir: TempDir,
}

impl Alone {
    /// Starts one on an SQLite file.
    ///
    /// # Errors
    /// As for [`Authserver::start`].
    pub async fn start(binary: PathBuf) -> Result<Self> {
        let dir = TempDir::new()?;
        let database = format!("sqlite://{}", dir.path().join("bearward.db").display());
        Self::start_in(binary, dir, database).await
    }

    /// Starts one on this database.
    ///
    /// # Errors
    /// As for [`Authserver::start`].
    pub async fn on(binary: PathBuf, database: String) -> Result<Self> {
        Self::start_in(binary, TempDir::new()?, database).await
    }

    async fn start_in(binary: PathBuf, dir: TempDir, database: String) -> Result<Self> {
        let master_key = dir.path().join("master.key");
        self::master_key(&binary, &master_key)?;
        let (listen, management) = (local(ports::free()?), local(ports::free()?));
        // By a name: browsers bind no passkey to an address.
        let url = format!("http://localhost:{}", listen.port());
        let settings = Settings {
            binary,
            issuer: url.clone(),
            listen,
            management,
            database,
            master_key,
            demo: true,
            // No gateway, so whoever plays one has no secret.
            more: vec![("BEARWARD_GATEWAY__OPEN_FEED".to_owned(), "true".to_owned())],
            log: dir.path().join("authserver.log"),
        };
        Ok(Self { url, server: Authserver::start(settings).await?, _dir: dir })
    }
}
