//! `/authorization-types`.

use super::auth::Caller;
use super::body::{Json, Named, done, ok};
use super::problem::Problem;
use super::{App, admin};
use crate::model::AuthorizationType;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// All types.
#[derive(Serialize, ToSchema)]
struct AuthorizationTypes {
    items: Vec<AuthorizationType>,
}

/// The types of `authorization_details` (RFC 9396) that clients can be registered for, in order of name.
#[utoipa::path(get, path = "/authorization-types", tag = "Authorization types", responses((status = 200, body = AuthorizationTypes), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    Ok(ok(&AuthorizationTypes { items: admin(&app, caller).authorization_types().await? }))
}

/// Add a type, or change it.
#[utoipa::path(put, path = "/authorization-types", tag = "Authorization types", request_body = AuthorizationType, responses((status = 200, body = AuthorizationType), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(kind): Json<AuthorizationType>,
) -> Result<Response, Problem> {
    admin(&app, caller).put_authorization_type(&kind).await?;
    Ok(ok(&kind))
}

/// Remove a type: nobody can ask for it any more; what was granted stays granted.
#[utoipa::path(delete, path = "/authorization-types/{name}", tag = "Authorization types", params(("name" = String, Path)), responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    admin(&app, caller).delete_authorization_type(&name).await?;
    Ok(done())
}
