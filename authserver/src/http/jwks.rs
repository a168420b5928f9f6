//! `GET /oauth2/jwks`: the public keys, RFC 7517 §5.

use super::{App, answer};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::Arc;

/// Shorter than any sensible `keys.publish_ahead`, so that every verifier has a key before it signs.
const CACHE: &str = "public, max-age=60";

pub(super) async fn get(State(app): State<Arc<App>>) -> Response {
    let headers = [(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, CACHE)];
    answer::any_origin((headers, app.keys.jwks().to_string()).into_response())
}
