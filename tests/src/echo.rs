//! The upstream behind the gateway: it answers with the request it got, so that one sees what a service would see.

use crate::error::{Error, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request as the upstream got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Each header once; several values are joined with a comma (RFC 9110 §5.3).
    pub headers: BTreeMap<String, String>,
}

/// Answers any request with an [`Echo`] of it.
pub fn router() -> Router {
    Router::new().fallback(echo)
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let mut seen = BTreeMap::<String, String>::new();
    for (name, value) in &headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        seen.entry(name.to_string())
            .and_modify(|all| all.push_str(&format!(", {value}")))
            .or_insert(value.into_owned());
    }
    let echo = Echo { method: method.to_string(), path: uri.to_string(), headers: seen };
    ([(CONTENT_TYPE, "application/json")], serde_json::to_string(&echo).unwrap_or_default())
}

/// A server inside this process, ended with its handle.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves a router on an address.
    ///
    /// # Errors
    /// [`Error::Io`] if the address is taken.
    pub async fn start(address: SocketAddr, router: Router) -> Result<Self> {
        let what = format!("listening on {address}");
        let listener = TcpListener::bind(address).await.map_err(Error::io(what.as_str()))?;
        let address = listener.local_addr().map_err(Error::io(what))?;
        let task = tokio::spawn(async move {
            // Serving on a bound listener does not end by itself.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
