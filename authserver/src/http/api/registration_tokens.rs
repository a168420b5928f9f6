//! `/registration-tokens`.

use super::auth::Caller;
use super::body::{Json, Named, done, ok, shown};
use super::problem::Problem;
use super::{App, admin};
use crate::admin::{NewRegistrationToken, RegistrationTokenView, ShownRegistrationToken};
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Those that are good.
#[derive(Serialize, ToSchema)]
struct RegistrationTokens {
    items: Vec<RegistrationTokenView>,
}

/// The initial access tokens (RFC 7591 §3) that can still register somebody, the first to expire first; there are at most 1,000.
#[utoipa::path(
    get,
    path = "/registration-tokens",
    tag = "Registration tokens",
    responses((status = 200, body = RegistrationTokens), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    Ok(ok(&RegistrationTokens { items: admin(&app, caller).registration_tokens().await? }))
}

/// Make an initial access token, which is shown this once.
#[utoipa::path(
    post,
    path = "/registration-tokens",
    tag = "Registration tokens",
    request_body = NewRegistrationToken,
    responses((status = 201, body = ShownRegistrationToken), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(new): Json<NewRegistrationToken>,
) -> Result<Response, Problem> {
    Ok(shown(&admin(&app, caller).create_registration_token(new).await?))
}

/// Take an initial access token away. The clients that were registered with it stay.
#[utoipa::path(
    delete,
    path = "/registration-tokens/{id}",
    tag = "Registration tokens",
    params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    admin(&app, caller).revoke_registration_token(&id).await?;
    Ok(done())
}
