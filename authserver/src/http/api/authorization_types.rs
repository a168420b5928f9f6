//! `/authorization-types`.

use super::auth::Caller;
use super::body::{IfMatch, Json, Named, created, done, ok, versioned};
use super::problem::Problem;
use super::{App, Route, admin};
use crate::admin::{AdminError, AuthorizationTypeView};
use crate::http::escaped;
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

/// Add a type.
#[utoipa::path(post, path = "/authorization-types", tag = "Authorization types", request_body = AuthorizationType, responses((status = 201, body = AuthorizationTypeView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(kind): Json<AuthorizationType>,
) -> Result<Response, Problem> {
    let kind = admin(&app, caller).create_authorization_type(&kind).await?;
    let location = format!("{}/v1/authorization-types/{}", app.urls.path(Route::AdminApi), escaped(&kind.name));
    Ok(created(&kind, kind.version, &location))
}

/// One type.
#[utoipa::path(get, path = "/authorization-types/{name}", tag = "Authorization types", params(("name" = String, Path)), responses((status = 200, body = AuthorizationTypeView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    let kind = admin(&app, caller).authorization_type(&name).await?;
    Ok(versioned(&kind, kind.version))
}

/// Change a type.
#[utoipa::path(
    put,
    path = "/authorization-types/{name}",
    tag = "Authorization types",
    params(("name" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    request_body = AuthorizationType,
    responses((status = 200, body = AuthorizationTypeView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
    IfMatch(version): IfMatch,
    Json(kind): Json<AuthorizationType>,
) -> Result<Response, Problem> {
    if kind.name != name {
        let problem = "is not the one in the path".to_owned();
        return Err(AdminError::Invalid { field: "name", problem }.into());
    }
    let kind = admin(&app, caller).edit_authorization_type(version, &kind).await?;
    Ok(versioned(&kind, kind.version))
}

/// Remove a type: nobody can ask for it any more; what was granted stays granted.
#[utoipa::path(
    delete,
    path = "/authorization-types/{name}",
    tag = "Authorization types",
    params(("name" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    admin(&app, caller).delete_authorization_type(&name, version).await?;
    Ok(done())
}
