//! The second port, for operators: `/healthz`, `/readyz`, `/metrics`. Nothing here is for the outside.

use crate::env::Env;
use crate::storage::Store;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a write may take before the server counts as not ready.
const READY_WITHIN: Duration = Duration::from_secs(5);
/// Seconds; from one signature to a request that waited for a password.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What the answers take.
pub struct Management {
    store: Arc<dyn Store>,
    env: Env,
    metrics: PrometheusHandle,
    shutdown: watch::Receiver<bool>,
}

/// Collects the metrics of this process from now on; once per process.
///
/// # Errors
/// [`BuildError`] if something collects them already.
pub fn collect_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &BUCKETS)?
        .install_recorder()
}

impl Management {
    /// The answers about a server on this database.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, env: Env, metrics: PrometheusHandle, shutdown: watch::Receiver<bool>) -> Self {
        Self { store, env, metrics, shutdown }
    }

    /// The routes of the management port.
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Arc::new(self))
    }
}

/// Ready is who can write: a full disk or a lost database shows here. Why, is in the log.
async fn ready(State(management): State<Arc<Management>>) -> Response {
    if *management.shutdown.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    let write = management.store.check_write(management.env.now());
    match tokio::time::timeout(READY_WITHIN, write).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database cannot be written");
            (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be written\n").into_response()
        }
        Err(_) => {
            tracing::warn!("not ready: a write to the database takes too long");
            (StatusCode::SERVICE_UNAVAILABLE, "the database is too slow\n").into_response()
        }
    }
}

async fn metrics(State(management): State<Arc<Management>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], management.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn operators_are_told_of_each_metric() {
        let page = include_str!("../../docs/operations.md");
        let mut found = 0;
        each_source(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |source| {
            // What is between quotes is every second piece, give or take those in comments.
            let names = source.split('"').filter(|text| text.len() > 9 && text.starts_with("bearward_"));
            for name in names.filter(|text| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
                found += 1;
                assert!(page.contains(&format!("| `{name}` |")), "{name}");
            }
        });
        assert!(found >= 9, "{found}");
    }

    fn each_source(dir: &Path, look: &mut impl FnMut(&str)) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                each_source(&path, look);
            } else {
                look(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
}
