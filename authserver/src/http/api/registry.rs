//! Scopes, keys, grants, tokens, the audit log and the overview.

use super::auth::Caller;
use super::body::{Asked, IfMatch, Json, Named, created, done, ok, versioned};
use super::problem::Problem;
use super::{App, admin, limit};
use crate::activity::Kind;
use crate::admin::{GrantView, KeyView, Overview, RotateSpec, Rotated, ScopeSpec, ScopeView};
use crate::model::{AuditFilter, GrantFilter, Recorded};
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A scope in the list.
#[derive(Serialize, ToSchema)]
struct ScopeWords {
    name: String,
    title: String,
    description: String,
}

/// All scopes.
#[derive(Serialize, ToSchema)]
struct Scopes {
    items: Vec<ScopeWords>,
}

/// All signing keys, the oldest first.
#[derive(Serialize, ToSchema)]
struct Keys {
    items: Vec<KeyView>,
}

/// A page of grants.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description")]
struct Grants {
    items: Vec<GrantView>,
    /// What to give as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// A page of the audit log.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description")]
struct Audit {
    items: Vec<Recorded>,
    /// What to give as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Which grants.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GrantQuery {
    /// Only those of this client.
    client_id: Option<String>,
    /// Only those of this person (their `sub`).
    person_id: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 500; 50 if left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuditQuery {
    /// Only by this person, client or user.
    actor: Option<String>,
    /// Only this action, such as `client.edit`.
    action: Option<String>,
    /// Only about this kind of object, such as `client`.
    object_kind: Option<String>,
    /// Only about this object; with its kind.
    object: Option<String>,
    /// Not before, Unix time in seconds.
    since: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 500; 50 if left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// All scopes, in order of name.
#[utoipa::path(
    get,
    path = "/scopes",
    tag = "Scopes",
    responses((status = 200, body = Scopes), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn scopes(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    let words = |scope: crate::model::Scope| ScopeWords {
        name: scope.name,
        title: scope.title,
        description: scope.description,
    };
    Ok(ok(&Scopes { items: admin(&app, caller).scopes().await?.into_iter().map(words).collect() }))
}

/// Add a scope.
#[utoipa::path(
    post,
    path = "/scopes",
    tag = "Scopes",
    request_body = ScopeSpec,
    responses((status = 201, body = ScopeView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn create_scope(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(spec): Json<ScopeSpec>,
) -> Result<Response, Problem> {
    let scope = admin(&app, caller).create_scope(spec).await?;
    let location =
        format!("{}/v1/scopes/{}", app.urls.path(super::Route::AdminApi), super::super::escaped(&scope.name));
    Ok(created(&scope, scope.version, &location))
}

/// One scope.
#[utoipa::path(
    get,
    path = "/scopes/{name}",
    tag = "Scopes",
    params(("name" = String, Path)),
    responses((status = 200, body = ScopeView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn scope(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    let scope = admin(&app, caller).scope(&name).await?;
    Ok(versioned(&scope, scope.version))
}

/// Change the words people see.
#[utoipa::path(
    put,
    path = "/scopes/{name}",
    tag = "Scopes",
    params(("name" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    request_body = ScopeSpec,
    responses((status = 200, body = ScopeView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn edit_scope(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
    IfMatch(version): IfMatch,
    Json(spec): Json<ScopeSpec>,
) -> Result<Response, Problem> {
    if spec.name != name {
        return Err(crate::admin::AdminError::Invalid {
            field: "name",
            problem: "is not the one in the path".to_owned(),
        }
        .into());
    }
    let scope = admin(&app, caller).edit_scope(version, spec).await?;
    Ok(versioned(&scope, scope.version))
}

/// Delete a scope.
#[utoipa::path(
    delete,
    path = "/scopes/{name}",
    tag = "Scopes",
    params(("name" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn delete_scope(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(name): Named<String>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    admin(&app, caller).delete_scope(&name, version).await?;
    Ok(done())
}

/// All signing keys.
#[utoipa::path(
    get,
    path = "/keys",
    tag = "Signing keys",
    responses((status = 200, body = Keys), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn keys(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    Ok(ok(&Keys { items: admin(&app, caller).keys().await? }))
}

/// Let the next key sign, once it has been published for long enough, or at once.
#[utoipa::path(
    post,
    path = "/keys/rotate",
    tag = "Signing keys",
    request_body = RotateSpec,
    responses((status = 200, body = Rotated), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(spec): Json<RotateSpec>,
) -> Result<Response, Problem> {
    Ok(ok(&admin(&app, caller).rotate_keys(spec).await?))
}

/// Grants, the newest first.
#[utoipa::path(
    get,
    path = "/grants",
    tag = "Grants and tokens",
    params(GrantQuery),
    responses((status = 200, body = Grants), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn grants(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<GrantQuery>,
) -> Result<Response, Problem> {
    let filter = GrantFilter { client_id: query.client_id, person_id: query.person_id };
    Ok(ok(&admin(&app, caller).grants(&filter, query.after.as_deref(), limit(query.limit)).await?))
}

/// Revoke a grant, with every token that came from it.
#[utoipa::path(
    delete,
    path = "/grants/{id}",
    tag = "Grants and tokens",
    params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn revoke_grant(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    admin(&app, caller).revoke_grant(&id).await?;
    app.counters.count(Kind::Revoked);
    Ok(done())
}

/// The audit log, the newest first.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "Audit log",
    params(AuditQuery),
    responses((status = 200, body = Audit), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<AuditQuery>,
) -> Result<Response, Problem> {
    let AuditQuery { actor, action, object_kind, object, since, after, limit: asked } = query;
    let filter = AuditFilter { actor, action, object_kind, object, since };
    Ok(ok(&admin(&app, caller).audit(&filter, after.as_deref(), limit(asked)).await?))
}

/// What happened in the last day, and who follows the feed.
#[utoipa::path(
    get,
    path = "/overview",
    tag = "Overview",
    responses((status = 200, body = Overview), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn overview(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    Ok(ok(&admin(&app, caller).overview().await?))
}
