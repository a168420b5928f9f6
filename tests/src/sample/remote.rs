//! The person for clients in other languages: a small server that does with a browser what it is asked.

use super::person::{self, End};
use super::{Callback, second_factor};
use crate::error::Result;
use crate::stack::local;
use crate::{echo, ports};
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Mutex;
use url::form_urlencoded::Serializer;

/// `GET /redirect_uri` gives where the person will come back to; `POST /visit` with a link as its body has them follow
/// it, and gives the URL they came back with. A client that listens itself has them follow it with `POST
/// /visit?client=<its URL>`. `POST /device` has them agree to a device, and `POST /second-factor` add an authenticator app
/// to their account, whose page is at the URL in the body.
pub struct Person {
    /// Where it listens, as a URL.
    pub url: String,
    _server: echo::Server,
}

impl Person {
    /// Starts one.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io)
    pub async fn start() -> Result<Self> {
        let waiting: Arc<Mutex<Option<Callback>>> = Arc::default();
        let kept = waiting.clone();
        let redirect_uri = async move || {
            let callback = Callback::start().await.map_err(told)?;
            let url = callback.url.clone();
            *kept.lock().await = Some(callback);
            Ok::<_, (StatusCode, String)>(url)
        };
        let codes: Arc<Mutex<Vec<String>>> = Arc::default();
        let keeping = codes.clone();
        let second_factor = async move |account: String| {
            let shown = browsing(async move || second_factor::set_up(&account).await).await?;
            *keeping.lock().await = shown;
            Ok::<_, (StatusCode, String)>(())
        };
        let visit = async move |Query(Visit { client }): Query<Visit>, link: String| {
            let code = codes.lock().await.pop();
            if let Some(client) = client {
                return browsing(async move || {
                    person::visit(&link, End::At(&client), code.as_deref()).await.map(|()| client)
                })
                .await;
            }
            let callback = waiting.lock().await.take();
            let callback = callback.ok_or((StatusCode::CONFLICT, "ask for redirect_uri".to_owned()))?;
            browsing(async move || {
                person::visit(&link, End::Arrived(&callback), code.as_deref()).await?;
                let answer = Serializer::new(String::new()).extend_pairs(callback.answer().await).finish();
                Ok(format!("{}?{answer}", callback.url))
            })
            .await
        };
        let device = async |link: String| browsing(async move || person::visit(&link, End::Agreed, None).await).await;
        let router = Router::new()
            .route("/redirect_uri", get(redirect_uri))
            .route("/visit", post(visit))
            .route("/device", post(device))
            .route("/second-factor", post(second_factor));
        let server = echo::Server::start(local(ports::free()?), router).await?;
        Ok(Self { url: format!("http://{}", server.address), _server: server })
    }
}

#[derive(Deserialize)]
struct Visit {
    client: Option<String>,
}

/// What drives a browser stays on one thread.
async fn browsing<T: Send + 'static>(
    work: impl AsyncFnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, (StatusCode, String)> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work())).await;
    done.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?.map_err(told)
}

#[allow(clippy::needless_pass_by_value, reason = "what map_err gives")]
fn told(error: crate::Error) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, error.to_string())
}
