//! The person for clients in other languages: a small server that does with a browser what it is asked.

use super::{Callback, person};
use crate::error::Result;
use crate::stack::local;
use crate::{echo, ports};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::sync::Mutex;
use url::form_urlencoded::Serializer;

/// `GET /redirect_uri` gives where the person will come back to; `POST /visit` with a link as its body has them follow
/// it, and gives the URL they came back with; `POST /device` has them agree to a device.
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
        let visit = async move |link: String| {
            let callback = waiting.lock().await.take();
            let callback = callback.ok_or((StatusCode::CONFLICT, "ask for redirect_uri".to_owned()))?;
            browsing(async move || {
                person::visit(&link, &callback).await?;
                let answer = Serializer::new(String::new()).extend_pairs(callback.answer().await).finish();
                Ok(format!("{}?{answer}", callback.url))
            })
            .await
        };
        let device = async |link: String| browsing(async move || person::agree(&link).await).await;
        let router = Router::new()
            .route("/redirect_uri", get(redirect_uri))
            .route("/visit", post(visit))
            .route("/device", post(device));
        let server = echo::Server::start(local(ports::free()?), router).await?;
        Ok(Self { url: format!("http://{}", server.address), _server: server })
    }
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
