//! The running server: its parts put together, its ports, its background work, its end.

use crate::config::{Config, Log};
use crate::demo;
use crate::env::Env;
use crate::feed::Feed;
use crate::http::{App, router};
use crate::keys::{KeyError, KeyRing, Sealer};
use crate::management::{Management, collect_metrics};
use crate::storage::{self, Store, StoreError};
use axum::Router;
use axum::serve::ListenerExt as _;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// How long requests that run when the server is told to stop may still take.
const GRACE: Duration = Duration::from_secs(10);
/// How often expired rows are looked for, and how many of a kind go in one transaction.
const PRUNE_EVERY: Duration = Duration::from_secs(30);
const PRUNE_BATCH: u32 = 1000;

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Demo data is loaded on loopback addresses only.
    #[error("--demo loads accounts whose secrets everyone knows, so it refuses {0}: set {1} to a loopback address")]
    DemoOutside(SocketAddr, &'static str),
    /// A port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}; set {setting} (or {variable}) to another address")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Which setting says so.
        setting: &'static str,
        /// Its environment variable.
        variable: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Demo data could not be loaded.
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    /// The parts could not be put together.
    #[error("{0}")]
    Start(String),
    /// The operating system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the server until it is told to stop (SIGTERM, SIGINT).
///
/// # Errors
/// [`ServeError`], one line that says what to do.
pub async fn serve(config: Config, demo: bool) -> Result<(), ServeError> {
    log_to_stderr(&config.log);
    if demo {
        refuse_outside(&config)?;
    }
    // Ports before anything else: a second server on the same machine must not touch the first one's database.
    let listener = bind(config.listen, "listen", "BEARWARD_LISTEN").await?;
    let management = bind(config.management_listen, "management_listen", "BEARWARD_MANAGEMENT_LISTEN").await?;
    let metrics = collect_metrics().map_err(|e| ServeError::Start(e.to_string()))?;

    let env = Env::system();
    let store = storage::open(&config.database).await?;
    let sealer = Arc::new(Sealer::of(&config));
    let (policy, lifetime) = (config.keys.clone(), config.tokens.max_access_lifetime);
    let keys = KeyRing::open(Arc::clone(&store), Arc::clone(&sealer), env.clone(), policy, lifetime).await?;
    let app = Arc::new(App::new(config, Arc::clone(&store), keys.clone(), sealer, env.clone()));
    if demo {
        demo::load(&*store, &app.passwords, &env).await?;
        tracing::warn!("demo data is loaded: everyone knows its secrets");
    }

    let (stop, stopping) = watch::channel(false);
    let background = [
        tokio::spawn(keys.run()),
        tokio::spawn(prune(Arc::clone(&store), env.clone())),
        tokio::spawn(crate::activity::run(Arc::clone(&app.counters), Arc::clone(&store), env.clone())),
        tokio::spawn(upkeep(metrics.clone())),
    ];
    let feed = Feed::new(Arc::clone(&store), env.clone(), Arc::clone(&app.counters), stopping.clone()).router();
    let gateways = (Arc::new(app.config.gateway.clone()), app.env.clone());
    let feed = feed.layer(axum::middleware::from_fn_with_state(gateways, crate::gateway::insist));
    let feed = feed.layer(axum::middleware::from_fn(crate::http::count));
    let operators = Management::new(store, env, metrics, stopping.clone()).router();
    tracing::info!(
        issuer = app.urls.issuer(),
        listen = %listener.local_addr()?,
        management_listen = %management.local_addr()?,
        "bearward serves"
    );
    let server = tokio::spawn(run(listener, router(app).merge(feed), stopping.clone()));
    let operators = tokio::spawn(run(management, operators, stopping));

    told_to_stop().await?;
    tracing::info!("stopping: requests that run may finish");
    let _ = stop.send(true);
    if tokio::time::timeout(GRACE, async { (server.await, operators.await) }).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    background.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

async fn run(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    // An answer is one small write; waiting to fill a packet only delays it.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let stop = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "the listener failed");
    }
}

/// Deletes what is over, in batches small enough not to be felt by those who write beside it.
async fn prune(store: Arc<dyn Store>, env: Env) {
    let mut every = tokio::time::interval(PRUNE_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        loop {
            match store.prune(env.now(), PRUNE_BATCH).await {
                Ok(0) => break,
                Ok(gone) => {
                    metrics::counter!("bearward_pruned_rows_total").increment(gone);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => {
                    tracing::error!(%error, "expired rows could not be deleted");
                    break;
                }
            }
        }
    }
}

async fn upkeep(metrics: PrometheusHandle) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    loop {
        every.tick().await;
        metrics.run_upkeep();
    }
}

async fn bind(address: SocketAddr, setting: &'static str, variable: &'static str) -> Result<TcpListener, ServeError> {
    let error = |source| ServeError::Listen { address, setting, variable, source };
    TcpListener::bind(address).await.map_err(error)
}

async fn told_to_stop() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn refuse_outside(config: &Config) -> Result<(), ServeError> {
    for (address, setting) in [(config.listen, "listen"), (config.management_listen, "management_listen")] {
        if !address.ip().is_loopback() {
            return Err(ServeError::DemoOutside(address, setting));
        }
    }
    Ok(())
}

fn log_to_stderr(log: &Log) {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Another logger is there only in tests that start several servers in one process.
    let _ = if log.json { logger.json().try_init() } else { logger.with_ansi(false).try_init() };
    // What a panic says may hold anything, also a secret; its place does not.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
