//! `GET /.well-known/oauth-authorization-server`: what this server can do, RFC 8414.

use super::error::Refusal;
use super::{App, Route, answer};
use crate::grants;
use crate::model::GrantType;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use std::sync::Arc;

/// RFC 8414 §2; `authorization_response_iss_parameter_supported` is RFC 9207 §3.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'a str; 1],
    response_modes_supported: [&'a str; 1],
    grant_types_supported: Vec<&'a str>,
    token_endpoint_auth_methods_supported: [&'a str; 3],
    revocation_endpoint_auth_methods_supported: [&'a str; 3],
    introspection_endpoint_auth_methods_supported: [&'a str; 2],
    code_challenge_methods_supported: [&'a str; 1],
    authorization_response_iss_parameter_supported: bool,
}

const ALL_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];
const SECRET_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

pub(super) async fn get(State(app): State<Arc<App>>) -> Response {
    let response = match metadata(&app).await {
        Ok(body) => ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=60")], body).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    answer::any_origin(response)
}

async fn metadata(app: &App) -> Result<String, Refusal> {
    let url = |route| app.urls.absolute(route);
    let metadata = Metadata {
        issuer: app.urls.issuer(),
        authorization_endpoint: url(Route::Authorize),
        token_endpoint: url(Route::Token),
        jwks_uri: url(Route::Jwks),
        revocation_endpoint: url(Route::Revoke),
        introspection_endpoint: url(Route::Introspect),
        scopes_supported: app.store.scopes().await?.into_iter().map(|s| s.name).collect(),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: grants::supported().map(GrantType::wire_name).collect(),
        token_endpoint_auth_methods_supported: ALL_METHODS,
        revocation_endpoint_auth_methods_supported: ALL_METHODS,
        introspection_endpoint_auth_methods_supported: SECRET_METHODS,
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
    };
    serde_json::to_string(&metadata).map_err(|_| Refusal::server_error())
}
