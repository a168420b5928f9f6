//! `POST /oauth2/revoke`, RFC 7009. `token_type_hint` is not needed: every token says what it is.

use super::App;
use super::error::Refusal;
use super::params::{Form, Params};
use super::{answer, presented};
use crate::activity::Kind;
use crate::client_auth;
use crate::grants::{CLOCK_MARGIN, revoke_grant};
use crate::model::{Client, Digest, Revocation};
use crate::secret;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bearward_token::claims::Claims;
use bearward_token::feed::Subject;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

pub(super) async fn post(State(app): State<Arc<App>>, headers: HeaderMap, Form(params): Form) -> Response {
    let response = match revoke(&app, &headers, &params).await {
        // RFC 7009 §2.2: an unknown token is an answered request too; the body does not matter.
        Ok(()) => {
            app.counters.count(Kind::Revoked);
            (StatusCode::OK, [(CACHE_CONTROL, "no-store")]).into_response()
        }
        Err(refusal) => refusal.into_response(),
    };
    answer::any_origin(response)
}

async fn revoke(app: &App, headers: &HeaderMap, params: &Params) -> Result<(), Refusal> {
    let client = client_auth::authenticate(app, headers, params).await?;
    let token = params.get("token").ok_or_else(|| Refusal::new("invalid_request", "token is missing"))?;
    if secret::well_formed(secret::REFRESH_TOKEN, token) {
        refresh_token(app, &client, token).await
    } else {
        access_token(app, &client, token).await
    }
}

/// RFC 7009 §2.1: the grant ends, and with it every access token that came from it.
async fn refresh_token(app: &App, client: &Client, token: &str) -> Result<(), Refusal> {
    let Some(stored) = app.store.refresh_token(&Digest::of(token)).await? else { return Ok(()) };
    own(client, &stored.grant.client_id)?;
    // Said once, it holds: asking again and again wakes no filter (RFC 7009 §5).
    if stored.grant.revoked_at.is_some() {
        return Ok(());
    }
    Ok(revoke_grant(app, &stored.grant.id).await?)
}

async fn access_token(app: &App, client: &Client, token: &str) -> Result<(), Refusal> {
    let Some(payload) = presented::payload(app, token).await? else { return Ok(()) };
    let Some(claims) = presented::current(app, &payload) else { return Ok(()) };
    own(client, &claims.client_id)?;
    Ok(app.store.revoke(&revocation(&claims, app.env.clock.now())).await?)
}

fn revocation(claims: &Claims<'_>, now: i64) -> Revocation {
    let expires_at = i64::try_from(claims.exp).unwrap_or(i64::MAX).saturating_add(CLOCK_MARGIN);
    Revocation::always(Subject::Token(&claims.jti), now, expires_at)
}

/// RFC 7009 §2.1: a token of another client is refused; the code is the one that RFC 6749 §5.2 has for a token that
/// was issued to another client.
fn own(client: &Client, owner: &str) -> Result<(), Refusal> {
    if client.id == owner {
        Ok(())
    } else {
        Err(Refusal::new("invalid_grant", "the token was issued to another client"))
    }
}
