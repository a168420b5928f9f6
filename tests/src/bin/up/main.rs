//! `make up`: everything on this machine, with the demo data, until Ctrl-C.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

mod callback;
mod guide;

use bearward_tests::authserver::{self, Authserver, Settings};
use bearward_tests::envoy::{Envoy, config};
use bearward_tests::stack::{self, Parts, local};
use bearward_tests::{Error, Result, artifacts, echo, ports, wait, workspace};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the gateway, the authserver and an upstream on loopback, with the demo data.
#[derive(Parser, Debug, Clone)]
struct Args {
    /// Envoy: what clients talk to.
    #[arg(long, env = "GATEWAY_PORT", default_value_t = 8080)]
    gateway_port: u16,
    /// The authserver.
    #[arg(long, env = "AUTHSERVER_PORT", default_value_t = 9000)]
    authserver_port: u16,
    /// The authserver's health and metrics.
    #[arg(long, env = "MANAGEMENT_PORT", default_value_t = 9090)]
    management_port: u16,
    /// Envoy's admin interface.
    #[arg(long, env = "ENVOY_ADMIN_PORT", default_value_t = 9901)]
    envoy_admin_port: u16,
    /// The upstream, which answers with the request it got.
    #[arg(long, env = "ECHO_PORT", default_value_t = 8000)]
    echo_port: u16,
    /// Where the demo clients' people are sent back to.
    #[arg(long, env = "CALLBACK_PORT", default_value_t = 8400)]
    callback_port: u16,
    /// The host in every URL: 127.0.0.1, or localhost, to which browsers also bind passkeys.
    #[arg(long, env = "UP_HOST", default_value = "127.0.0.1", value_parser = ["127.0.0.1", "localhost"])]
    host: String,
    /// Where the database, the master key and the logs are (default: .bearward/up).
    #[arg(long, env = "UP_DIR")]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nbearward: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(step: &str) {
    println!("bearward: {step}");
}

async fn run(args: &Args) -> Result<()> {
    args.check_ports()?;
    let parts = Parts::get(artifacts::Profile::Dev, &say)?;
    let dir = args.dir.clone().map_or_else(|| workspace::state("up"), Ok)?;
    let mut running = Running::start(args, &parts, &dir).await?;
    let outcome = match wait_until_open(args, &mut running).await {
        Ok(()) => {
            println!("{}", guide::text(args, &dir));
            running.until_told().await
        }
        Err(error) => Err(error),
    };
    say("stopping");
    running.stop();
    outcome
}

impl Args {
    fn check_ports(&self) -> Result<()> {
        let wanted = [
            ("GATEWAY_PORT", self.gateway_port),
            ("AUTHSERVER_PORT", self.authserver_port),
            ("MANAGEMENT_PORT", self.management_port),
            ("ENVOY_ADMIN_PORT", self.envoy_admin_port),
            ("ECHO_PORT", self.echo_port),
            ("CALLBACK_PORT", self.callback_port),
        ];
        for (position, (name, port)) in wanted.into_iter().enumerate() {
            if let Some((other, _)) = wanted.iter().take(position).find(|(_, taken)| *taken == port) {
                return Err(Error::Missing(format!("{other} and {name} are both {port}: give one another port")));
            }
            if !ports::is_free(port) {
                let advice = format!("stop what listens there, or choose another: make up {name}=<port>");
                return Err(Error::Missing(format!("port {port} is taken: {advice}")));
            }
        }
        Ok(())
    }

    fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.gateway_port)
    }
}

struct Running {
    authserver: Authserver,
    envoy: Envoy,
    _echo: echo::Server,
    _callback: echo::Server,
}

impl Running {
    async fn start(args: &Args, parts: &Parts, dir: &Path) -> Result<Self> {
        // A log that is read when something ends should be about this run.
        for log in ["authserver.log", "envoy.log"] {
            let _ = std::fs::remove_file(dir.join(log));
        }
        let master_key = dir.join("master.key");
        authserver::master_key(&parts.authserver, &master_key)?;
        say(&format!("starting the authserver on 127.0.0.1:{} (SQLite, demo data)", args.authserver_port));
        let settings = Settings {
            binary: parts.authserver.clone(),
            issuer: args.url(),
            listen: local(args.authserver_port),
            management: local(args.management_port),
            database: format!("sqlite://{}", dir.join("bearward.db").display()),
            master_key,
            demo: true,
            more: Vec::new(),
            log: dir.join("authserver.log"),
        };
        let authserver = Authserver::start(settings).await?;
        say(&format!("starting the upstream on 127.0.0.1:{}", args.echo_port));
        let echo = echo::Server::start(local(args.echo_port), echo::router()).await?;
        let callback = echo::Server::start(local(args.callback_port), callback::router(args)).await?;
        say(&format!("starting Envoy with the filter on 127.0.0.1:{}", args.gateway_port));
        let places = config::Places {
            gateway: local(args.gateway_port),
            admin: local(args.envoy_admin_port),
            authservers: vec![authserver.address()],
            echo: echo.address,
            wasm: parts.filter.clone(),
            issuer: args.url(),
        };
        let config = config::moved(config::shipped()?, &places)?;
        let envoy = Envoy::start(&parts.envoy, &config, places.admin, 2, dir).await?;
        Ok(Self { authserver, envoy, _echo: echo, _callback: callback })
    }

    /// Waits for Ctrl-C (or a request to end), or for a part to end that should not.
    async fn until_told(&mut self) -> Result<()> {
        let what = "listening for signals";
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io(what))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Error::io(what))?;
        let mut hangup = signal(SignalKind::hangup()).map_err(Error::io(what))?;
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = hangup.recv() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(200)) => self.check()?,
            }
        }
    }

    fn check(&mut self) -> Result<()> {
        if let Some(child) = &mut self.authserver.child {
            child.check()?;
        }
        self.envoy.child.check()
    }

    fn stop(&mut self) {
        self.envoy.child.stop();
        if let Some(child) = &mut self.authserver.child {
            child.stop();
        }
    }
}

async fn wait_until_open(args: &Args, running: &mut Running) -> Result<()> {
    say("waiting until a token opens a route");
    let http = stack::client()?;
    let url = args.url();
    let open =
        wait::until("a token to open a route", Duration::from_secs(30), async || stack::first_call(&http, &url).await);
    let outcome = open.await;
    running.check()?;
    outcome
}
