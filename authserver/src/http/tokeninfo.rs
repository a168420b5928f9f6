//! `POST /oauth2/tokeninfo`: what an access token says, for whoever holds it. Its shape is older than RFC 7662:
//! `audience` is the client, `user_id` the person (or the client itself), the operator's own claims stand beside them, and
//! a token that is not good is a 400.

use super::App;
use super::error::{Refusal, no_store_json};
use super::params::{Form, Params};
use super::presented;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

#[derive(Serialize)]
struct TokenInfo<'a> {
    audience: &'a str,
    client_id: &'a str,
    user_id: &'a str,
    scope: &'a str,
    expires_in: i64,
    #[serde(flatten)]
    custom: Map<String, Value>,
}

pub(super) async fn post(State(app): State<Arc<App>>, Form(params): Form) -> Response {
    token_info(&app, &params).await.unwrap_or_else(|refusal| refusal.into_response())
}

async fn token_info(app: &App, params: &Params) -> Result<Response, Refusal> {
    let missing = || Refusal::new("invalid_request", "access_token is missing");
    let invalid = || Refusal::new("invalid_token", "the access token is unknown, expired or revoked");
    let token = params.get("access_token").ok_or_else(missing)?;
    let payload = presented::payload(app, token).await?.ok_or_else(invalid)?;
    let claims = presented::current(app, &payload).ok_or_else(invalid)?;
    if presented::is_revoked(app, &claims).await? {
        return Err(invalid());
    }
    let says = presented::everything(&payload);
    let info = TokenInfo {
        audience: &claims.client_id,
        client_id: &claims.client_id,
        user_id: &claims.sub,
        scope: &claims.scope,
        expires_in: presented::remaining(app, &claims),
        custom: presented::custom(&says).map(|(name, value)| (name.clone(), value.clone())).collect(),
    };
    Ok(no_store_json(StatusCode::OK, &info))
}
