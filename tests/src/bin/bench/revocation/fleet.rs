//! What a revocation passes through: a database, the authserver, and gateways.

use super::worker::Worker;
use bearward_tests::authserver::{self, Authserver, Settings};
use bearward_tests::envoy::{Envoy, config};
use bearward_tests::pg::Postgres;
use bearward_tests::stack::{Parts, client, local};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{Error, Result, demo, ports};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// One realm for all: it need not be where the gateways are.
const REALM: &str = "http://127.0.0.1:8080";
/// A snapshot of a million takes a while.
const OPEN: Duration = Duration::from_secs(60);

/// A database, and how other revocations get into it.
pub(crate) enum Database<'a> {
    Sqlite { dir: TempDir },
    Postgres { server: &'a Postgres, url: String },
}

impl<'a> Database<'a> {
    pub(crate) fn sqlite() -> Result<Self> {
        Ok(Self::Sqlite { dir: TempDir::new()? })
    }

    pub(crate) fn postgres(server: &'a Postgres) -> Result<Self> {
        Ok(Self::Postgres { server, url: server.database()? })
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite { dir } => format!("sqlite://{}", dir.path().join("bearward.db").display()),
            Self::Postgres { url, .. } => url.clone(),
        }
    }

    /// Adds revocations of tokens that nobody has, live for a day, numbered from `from` on; in one transaction.
    pub(crate) fn load(&self, from: u64, count: u64) -> Result<()> {
        let to = from.saturating_add(count);
        if count == 0 {
            return Ok(());
        }
        match self {
            Self::Postgres { server, url } => server.sql(
                url,
                &format!(
                    "INSERT INTO revocations (key, kind, name, cutoff, expires_at, created_at)
                     SELECT ('x' || substr(md5(n::text), 1, 16))::bit(64)::bigint, 'token', 'bench ' || n, 4294967295,
                         extract(epoch FROM now())::bigint + 86400, extract(epoch FROM now())::bigint
                     FROM generate_series({from}, {to} - 1) n"
                ),
            ),
            Self::Sqlite { dir } => {
                let script = format!(
                    "import sqlite3,hashlib,time\n\
                     db=sqlite3.connect({:?},timeout=60)\n\
                     now=int(time.time())\n\
                     key=lambda n:int.from_bytes(hashlib.md5(str(n).encode()).digest()[:8],'big',signed=True)\n\
                     db.executemany(\"INSERT INTO revocations (key,kind,name,cutoff,expires_at,created_at) \
                     VALUES (?,'token',?,4294967295,?,?)\",((key(n),f'bench {{n}}',now+86400,now) for n in range({from},{to})))\n\
                     db.commit()",
                    dir.path().join("bearward.db").display().to_string()
                );
                let what = "loading revocations";
                let output = Command::new("python3").args(["-c", &script]).output().map_err(Error::io(what))?;
                if output.status.success() {
                    return Ok(());
                }
                let output = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(Error::Failed { what: what.to_owned(), output })
            }
        }
    }
}

/// The authserver, as a client of it sees it.
pub(crate) struct Authority {
    server: Authserver,
    http: reqwest::Client,
    _dir: TempDir,
}

impl Authority {
    pub(crate) async fn start(parts: &Parts, database: &Database<'_>) -> Result<Self> {
        let dir = TempDir::new()?;
        let master_key = dir.path().join("master.key");
        authserver::master_key(&parts.authserver, &master_key)?;
        let settings = Settings {
            binary: parts.authserver.clone(),
            issuer: REALM.to_owned(),
            listen: local(ports::free()?),
            management: local(ports::free()?),
            database: database.url(),
            master_key,
            demo: true,
            // The followers that only hold a poll have no secret.
            more: vec![("BEARWARD_GATEWAY__OPEN_FEED".to_owned(), "true".to_owned())],
            log: dir.path().join("authserver.log"),
        };
        Ok(Self { server: Authserver::start(settings).await?, http: client()?, _dir: dir })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Has the feed begin anew: every follower reads a snapshot.
    pub(crate) fn reset_feed(&self) -> Result<()> {
        self.server.cli(&["feed", "reset"]).map(drop)
    }

    /// An access token of its own.
    pub(crate) async fn token(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
        }
        let answer = self.post("/oauth2/token", &[("grant_type", "client_credentials")]).await?;
        Ok(answer.json::<Answer>().await?.access_token)
    }

    /// Revokes it; returns when the 200 is there.
    pub(crate) async fn revoke(&self, token: &str) -> Result<()> {
        self.post("/oauth2/revoke", &[("token", token)]).await?.bytes().await?;
        Ok(())
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<reqwest::Response> {
        let request = self.http.post(format!("http://{}{path}", self.address())).form(form);
        Ok(request.basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET)).send().await?.error_for_status()?)
    }
}

/// An Envoy: the shipped configuration without its access log, answering for the service itself but for [`super::STREAM`].
pub(crate) struct Gateway {
    pub(crate) envoy: Envoy,
    address: SocketAddr,
    _dir: TempDir,
}

impl Gateway {
    pub(crate) async fn start(parts: &Parts, authority: &Authority, workers: u32, service: SocketAddr) -> Result<Self> {
        let dir = TempDir::new()?;
        let (gateway, admin) = (local(ports::free()?), local(ports::free()?));
        let places = config::Places {
            gateway,
            admin,
            authservers: vec![authority.address()],
            echo: service,
            wasm: parts.filter.clone(),
            issuer: REALM.to_owned(),
        };
        let mut config = config::moved(config::shipped()?, &places)?;
        // Each new connection goes to the worker that has the fewest: so many connections reach so many workers.
        let balanced = json!({ "exact_balance": {} });
        set(&mut config, "/static_resources/listeners/0", "connection_balance_config", balanced)?;
        let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        set(&mut config, manager, "access_log", json!([]))?;
        let answer = json!({ "name": "api", "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
        let stream = json!({ "match": { "path": super::STREAM }, "route": { "cluster": "echo", "timeout": "0s" } });
        set(&mut config, &format!("{manager}/route_config/virtual_hosts/0"), "routes", json!([stream, answer]))?;
        // Else Envoy keeps a connection for a second more on which nothing comes, so that its client may close it.
        set(&mut config, manager, "delayed_close_timeout", json!("0s"))?;
        // A request that has only just begun may be ended, too.
        let plugin = config::filter(&mut config)?.pointer_mut("/configuration/value").and_then(Value::as_object_mut);
        plugin
            .ok_or_else(|| Error::Config("no configuration of the filter".to_owned()))?
            .insert("open_streams".to_owned(), json!({ "grace": 0 }));
        // How long each turn of each thread's loop takes.
        set(&mut config, "", "enable_dispatcher_stats", json!(true))?;
        set(&mut config, "", "stats_flush_interval", json!("0.5s"))?;
        let envoy = Envoy::start(&parts.envoy, &config, admin, workers, dir.path()).await?;
        Ok(Self { envoy, address: gateway, _dir: dir })
    }

    /// A connection to each worker, beside the `more` that it has; Envoy's own counts prove that it is so.
    pub(crate) async fn connect_each_worker(&self, workers: u32, more: u64) -> Result<Vec<Worker>> {
        self.each_worker_has(workers, more).await?;
        let mut connected = Vec::new();
        for _ in 0..workers {
            connected.push(Worker::connect(self.address).await?);
        }
        self.each_worker_has(workers, more.saturating_add(1)).await?;
        Ok(connected)
    }

    async fn each_worker_has(&self, workers: u32, connections: u64) -> Result<()> {
        for number in 0..workers {
            let name = format!("_{}.worker_{number}.downstream_cx_active", self.address.port());
            self.envoy.until_stat(&name, |count| count == connections).await?;
        }
        Ok(())
    }
}

/// Waits until the token opens the route at every worker.
pub(crate) async fn until_all_open(workers: &mut [Worker], token: &str) -> Result<()> {
    for worker in workers {
        worker.until_open(token, OPEN).await?;
    }
    Ok(())
}

fn set(config: &mut Value, pointer: &str, name: &str, value: Value) -> Result<()> {
    let object = config.pointer_mut(pointer).and_then(Value::as_object_mut);
    object.ok_or_else(|| Error::Config(format!("nothing at {pointer}")))?.insert(name.to_owned(), value);
    Ok(())
}
