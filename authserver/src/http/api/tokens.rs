//! Tokens: looked at, and revoked.

use super::auth::Caller;
use super::body::{Json, done, ok};
use super::problem::Problem;
use super::{App, admin};
use crate::activity::Kind;
use crate::admin::{AdminError, TokenView};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// A token to revoke.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenName {
    /// The token's `jti`.
    jti: String,
}

/// A token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "a description")]
pub(super) struct TokenText {
    /// The token, as its client has it.
    token: String,
}

/// Look at a token: what it is, whether it is good now, and if not, why.
///
/// An access token in any form, a refresh token, or whatever else somebody has before them: it is told apart by what it
/// is. It is not stored, not logged, and not repeated.
#[utoipa::path(
    post,
    path = "/tokens/lookup",
    tag = "Grants and tokens",
    request_body = TokenText,
    responses((status = 200, body = TokenView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn look_up(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    // Not into a struct: what does not fit one is repeated in the error, and here that may be the token.
    let token = body.as_object().filter(|body| body.len() == 1).and_then(|body| body.get("token")?.as_str());
    let wrong = || AdminError::Invalid { field: "token", problem: "has to be a text, and all there is".to_owned() };
    Ok(ok(&admin(&app, caller).look_up_token(token.ok_or_else(wrong)?, app.keys.as_ref()).await?))
}

/// Revoke one access token by its `jti`.
#[utoipa::path(
    post,
    path = "/tokens/revoke",
    tag = "Grants and tokens",
    request_body = TokenName,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(token): Json<TokenName>,
) -> Result<Response, Problem> {
    admin(&app, caller).revoke_token(&token.jti).await?;
    app.counters.count(Kind::Revoked);
    Ok(done())
}
