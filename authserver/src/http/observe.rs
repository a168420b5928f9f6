//! What surrounds every request: it is counted and timed, it ends in time, and a panic becomes an answer.

use super::App;
use super::mishap::Mishap;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a request may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// `bearward_http_requests_total` and `bearward_http_request_duration_seconds`, by the route's pattern: never by
/// what a client wrote.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method(request.method());
    let response = next.run(request).await;
    let route = route.map_or_else(|| "none".to_owned(), |r| r.as_str().to_owned());
    let status = response.status().as_u16().to_string();
    metrics::counter!(
        "bearward_http_requests_total", "route" => route.clone(), "method" => method, "status" => status
    )
    .increment(1);
    metrics::histogram!("bearward_http_request_duration_seconds", "route" => route, "method" => method)
        .record(started.elapsed());
    response
}

/// Ends what takes too long; whatever the database had not committed by then did not happen.
pub(super) async fn time_limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    match timeout(app.time_limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!(
                route = route.as_ref().map(MatchedPath::as_str),
                "a request took too long, and was given up"
            );
            Mishap::Slow.answer()
        }
    }
}

/// The answer to a request whose handler panicked; what it said may hold anything, so only its place is logged (by
/// the panic hook).
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    Mishap::Panicked.answer()
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    #[tokio::test]
    async fn a_panic_is_an_answer_that_says_nothing() {
        async fn handler() -> &'static str {
            panic!("a secret")
        }
        let router = Router::new().route("/", get(handler)).layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert!(body.starts_with(b"{\"error\":\"server_error\"") && !body.windows(6).any(|w| w == b"secret"));
    }
}
