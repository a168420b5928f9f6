//! `POST /oauth2/introspect`, RFC 7662: for clients that prove who they are.

use super::App;
use super::error::{Refusal, no_store_json};
use super::params::{Form, Params};
use super::presented;
use crate::client_auth;
use crate::model::{Client, ClientAuthMethod, Digest};
use crate::secret;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bearward_token::claims::Claims;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use std::sync::Arc;

pub(super) async fn post(State(app): State<Arc<App>>, headers: HeaderMap, Form(params): Form) -> Response {
    introspect(&app, &headers, &params).await.unwrap_or_else(|refusal| refusal.into_response())
}

/// RFC 7662 §2.2, for an access token: its claims.
#[derive(Serialize)]
struct AccessToken<'a> {
    active: bool,
    token_type: &'static str,
    #[serde(flatten)]
    claims: Claims<'a>,
}

/// RFC 7662 §2.2, for a refresh token.
#[derive(Serialize)]
struct RefreshToken<'a> {
    active: bool,
    iss: &'a str,
    client_id: &'a str,
    sub: &'a str,
    scope: String,
    exp: i64,
}

async fn introspect(app: &App, headers: &HeaderMap, params: &Params) -> Result<Response, Refusal> {
    let client = client_auth::authenticate(app, headers, params).await?;
    // RFC 7662 §2.1: the caller must be authorized, or tokens could be tried out.
    if client.auth_method == ClientAuthMethod::None {
        return Err(Refusal::new("invalid_client", "introspection is for clients that authenticate"));
    }
    let token = params.get("token").ok_or_else(|| Refusal::new("invalid_request", "token is missing"))?;
    let active = if secret::well_formed(secret::REFRESH_TOKEN, token) {
        refresh_token(app, &client, token).await?
    } else {
        access_token(app, token).await?
    };
    Ok(active.unwrap_or_else(|| no_store_json(StatusCode::OK, &serde_json::json!({ "active": false }))))
}

async fn access_token(app: &App, token: &str) -> Result<Option<Response>, Refusal> {
    let Some(payload) = presented::payload(app, token) else { return Ok(None) };
    let Some(claims) = presented::current(app, &payload) else { return Ok(None) };
    if presented::is_revoked(app, &claims).await? {
        return Ok(None);
    }
    Ok(Some(no_store_json(StatusCode::OK, &AccessToken { active: true, token_type: "Bearer", claims })))
}

/// Only the client that a refresh token was issued to learns anything about it.
async fn refresh_token(app: &App, client: &Client, token: &str) -> Result<Option<Response>, Refusal> {
    let Some(stored) = app.store.refresh_token(&Digest::of(token)).await? else { return Ok(None) };
    let grant = &stored.grant;
    let good = grant.client_id == client.id
        && grant.revoked_at.is_none()
        && stored.spent.is_none()
        && stored.expires_at > app.env.clock.now();
    let body = RefreshToken {
        active: true,
        iss: app.urls.issuer(),
        client_id: &grant.client_id,
        sub: &grant.person_id,
        scope: grant.scope.to_string(),
        exp: stored.expires_at,
    };
    Ok(good.then(|| no_store_json(StatusCode::OK, &body)))
}
