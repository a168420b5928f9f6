//! `POST /oauth2/token`, RFC 6749 §3.2.

use super::error::{Refusal, no_store_json};
use super::params::Form;
use super::{App, Route, answer, sender};
use crate::activity::Kind;
use crate::client_auth::AuthError;
use crate::{client_auth, gateway, grants};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

pub(super) async fn post(State(app): State<Arc<App>>, headers: HeaderMap, form: Form) -> Response {
    let answer = answer(&app, &headers, &form).await;
    app.counters.count(if answer.is_ok() { Kind::Issued } else { Kind::Denied });
    let answer = answer.unwrap_or_else(|refusal| refusal.into_response());
    answer::any_origin(sender::with_nonce(&app, &headers, answer))
}

async fn answer(app: &App, headers: &HeaderMap, Form(params): &Form) -> Result<Response, Refusal> {
    let client = match client_auth::authenticate(app, headers, params).await {
        // An assertion of the client's own says who it is, and is checked as a grant.
        Err(AuthError::Missing) => grants::client_of_assertion(app, params).await?.ok_or(AuthError::Missing)?,
        authenticated => authenticated?,
    };
    let confirmation = sender::confirmation(app, headers, Route::Token, &client).await?;
    let response = grants::issue(app, &client, params, confirmation, gateway::address(headers)).await?;
    Ok(no_store_json(StatusCode::OK, &response))
}
