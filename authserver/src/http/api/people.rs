//! `/people`.

use super::auth::Caller;
use super::body::{Asked, IfMatch, Json, Named, created, done, ok, versioned};
use super::problem::Problem;
use super::{App, ListQuery, admin, limit};
use crate::admin::{NewPerson, PersonEdit, PersonView};
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of people.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description")]
struct People {
    items: Vec<PersonView>,
    /// What to give as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// People in order of username.
#[utoipa::path(
    get,
    path = "/people",
    tag = "People",
    params(ListQuery),
    responses((status = 200, body = People), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, Problem> {
    let page = admin(&app, caller).people(query.q.as_deref(), query.after.as_deref(), limit(query.limit)).await?;
    Ok(ok(&page))
}

/// Add a person.
#[utoipa::path(
    post,
    path = "/people",
    tag = "People",
    request_body = NewPerson,
    responses((status = 201, body = PersonView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(new): Json<NewPerson>,
) -> Result<Response, Problem> {
    let person = admin(&app, caller).add_person(new, &app.passwords).await?;
    let location = format!("{}/v1/people/{}", app.urls.path(super::Route::AdminApi), person.id);
    Ok(created(&person, person.version, &location))
}

/// One person.
#[utoipa::path(
    get,
    path = "/people/{id}",
    tag = "People",
    params(("id" = String, Path)),
    responses((status = 200, body = PersonView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let person = admin(&app, caller).person(&id).await?;
    Ok(versioned(&person, person.version))
}

/// Change a person; what is left out stays.
#[utoipa::path(
    patch,
    path = "/people/{id}",
    tag = "People",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    request_body = PersonEdit,
    responses((status = 200, body = PersonView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
    IfMatch(version): IfMatch,
    Json(edit): Json<PersonEdit>,
) -> Result<Response, Problem> {
    let person = admin(&app, caller).edit_person(&id, version, edit, &app.passwords).await?;
    Ok(versioned(&person, person.version))
}

/// Delete a person with everything they granted.
#[utoipa::path(
    delete,
    path = "/people/{id}",
    tag = "People",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    admin(&app, caller).delete_person(&id, version).await?;
    Ok(done())
}

/// End every session of a person, and revoke every token they gave.
#[utoipa::path(
    post,
    path = "/people/{id}/sign-out",
    tag = "People",
    params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    admin(&app, caller).sign_out_everywhere(&id).await?;
    Ok(done())
}

/// Take the authenticator app of a person away who lost it.
#[utoipa::path(
    delete,
    path = "/people/{id}/totp",
    tag = "People",
    params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn remove_totp(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    admin(&app, caller).remove_factor(&id).await?;
    Ok(done())
}

/// Take the passkeys of a person away who lost them.
#[utoipa::path(
    delete,
    path = "/people/{id}/passkeys",
    tag = "People",
    params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn remove_passkeys(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    admin(&app, caller).remove_passkeys(&id).await?;
    Ok(done())
}
