//! `POST /oauth2/introspect`, RFC 7662: for clients that prove who they are; as a signed JWT for those that ask for one
//! (RFC 9701).

use super::error::{Refusal, no_store_json};
use super::params::{Form, Params};
use super::{App, presented};
use crate::client_auth;
use crate::grants::resource;
use crate::model::{Client, ClientAuthMethod, Digest};
use crate::secret;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The `typ` of an answer as a JWT (RFC 9701 §5).
const JWT_TYPE: &str = "token-introspection+jwt";
/// Its media type.
const JWT_MEDIA_TYPE: &str = "application/token-introspection+jwt";

pub(super) async fn post(State(app): State<Arc<App>>, headers: HeaderMap, Form(params): Form) -> Response {
    introspect(&app, &headers, &params).await.unwrap_or_else(|refusal| refusal.into_response())
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

/// RFC 9701 §5.
#[derive(Serialize)]
struct SignedAnswer<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    token_introspection: &'a Value,
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
        access_token(app, &client, token).await?
    };
    let answer = active.unwrap_or_else(|| json!({ "active": false }));
    if wants_jwt(headers) { signed(app, &client, &answer) } else { Ok(no_store_json(StatusCode::OK, &answer)) }
}

/// Whether the answer is to be a JWT (RFC 9701 §4): the `Accept` header names its media type.
fn wants_jwt(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let media = |range: &str| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JWT_MEDIA_TYPE);
    values.flat_map(|value| value.split(',')).any(media)
}

fn signed(app: &App, client: &Client, answer: &Value) -> Result<Response, Refusal> {
    let claims =
        SignedAnswer { iss: app.urls.issuer(), aud: &client.id, iat: app.env.clock.now(), token_introspection: answer };
    let payload = serde_json::to_vec(&claims).map_err(|_| Refusal::server_error())?;
    let headers = [(CONTENT_TYPE, JWT_MEDIA_TYPE), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((headers, app.keys.sign_as(JWT_TYPE, &payload)?).into_response())
}

/// All that an access token says, to whom it is for (RFC 7662 §4).
async fn access_token(app: &App, client: &Client, token: &str) -> Result<Option<Value>, Refusal> {
    let Some(payload) = presented::payload(app, token).await? else { return Ok(None) };
    let Some(claims) = presented::current(app, &payload) else { return Ok(None) };
    if !resource::is_for(app, client, &claims) {
        tracing::info!(client = %client.id, "asked about a token that is not for this client");
        return Ok(None);
    }
    if presented::is_revoked(app, &claims).await? {
        return Ok(None);
    }
    let says = presented::everything(&payload);
    let mut answer = Map::new();
    answer.insert("active".to_owned(), true.into());
    answer.insert("token_type".to_owned(), presented::token_type(&says).into());
    answer.extend(says);
    Ok(Some(answer.into()))
}

/// Only the client that a refresh token was issued to learns anything about it.
async fn refresh_token(app: &App, client: &Client, token: &str) -> Result<Option<Value>, Refusal> {
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
    if good { serde_json::to_value(&body).map(Some).map_err(|_| Refusal::server_error()) } else { Ok(None) }
}
