//! `/clients`.

use super::auth::Caller;
use super::body::{Asked, IfMatch, Json, Named, created, done, ok, versioned};
use super::problem::Problem;
use super::{App, ListQuery, admin, limit};
use crate::admin::{ClientSpec, ClientView, NewKeys, NewSecret, SecretEdit, ShownSecret};
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of clients.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description")]
struct Clients {
    items: Vec<ClientView>,
    /// What to give as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// A client and the secret it was just given.
#[derive(Serialize, ToSchema)]
struct WithSecret {
    #[serde(flatten)]
    client: ClientView,
    /// The secret, this once; absent if it proves itself otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// Clients in order of id.
#[utoipa::path(
    get,
    path = "/clients",
    tag = "Clients",
    params(ListQuery),
    responses((status = 200, body = Clients), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, Problem> {
    let page = admin(&app, caller).clients(query.q.as_deref(), query.after.as_deref(), limit(query.limit)).await?;
    Ok(ok(&page))
}

/// Register a client. A secret is made and shown, this once.
#[utoipa::path(
    post,
    path = "/clients",
    tag = "Clients",
    request_body = ClientSpec,
    responses((status = 201, body = WithSecret), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(spec): Json<ClientSpec>,
) -> Result<Response, Problem> {
    let (client, secret) = admin(&app, caller).create_client(spec).await?;
    let (version, location) =
        (client.version, format!("{}/v1/clients/{}", app.urls.path(super::Route::AdminApi), client.client_id));
    Ok(created(&WithSecret { client, client_secret: secret.map(|s| s.client_secret) }, version, &location))
}

/// One client.
#[utoipa::path(
    get,
    path = "/clients/{id}",
    tag = "Clients",
    params(("id" = String, Path)),
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).client(&id).await?;
    Ok(versioned(&client, client.version))
}

/// Replace what a client is registered with; its secrets stay.
#[utoipa::path(
    put,
    path = "/clients/{id}",
    tag = "Clients",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    request_body = ClientSpec,
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
    IfMatch(version): IfMatch,
    Json(spec): Json<ClientSpec>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).edit_client(&id, version, spec).await?;
    Ok(versioned(&client, client.version))
}

/// Delete a client with its grants and consents; its tokens are revoked.
#[utoipa::path(
    delete,
    path = "/clients/{id}",
    tag = "Clients",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The `ETag` that was read")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    admin(&app, caller).delete_client(&id, version).await?;
    Ok(done())
}

/// Refuse a client, and every token it has, from now on.
#[utoipa::path(
    post,
    path = "/clients/{id}/disable",
    tag = "Clients",
    params(("id" = String, Path)),
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn disable(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).set_client_disabled(&id, true).await?;
    Ok(versioned(&client, client.version))
}

/// Let a disabled client ask for tokens again; those it had stay revoked.
#[utoipa::path(
    post,
    path = "/clients/{id}/enable",
    tag = "Clients",
    params(("id" = String, Path)),
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn enable(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).set_client_disabled(&id, false).await?;
    Ok(versioned(&client, client.version))
}

/// Add public keys, beside those it has: a JWK Set, a JWK, or public keys or certificates in PEM.
#[utoipa::path(
    post,
    path = "/clients/{id}/keys",
    tag = "Clients",
    params(("id" = String, Path)),
    request_body = NewKeys,
    responses((status = 201, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn add_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
    Json(new): Json<NewKeys>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).add_keys(&id, new).await?;
    let location = format!("{}/v1/clients/{id}", app.urls.path(super::Route::AdminApi));
    Ok(created(&client, client.version, &location))
}

/// Switch a key on or off.
#[utoipa::path(
    put,
    path = "/clients/{id}/keys/{key}",
    tag = "Clients",
    params(("id" = String, Path), ("key" = String, Path)),
    request_body = SecretEdit,
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn set_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named((id, key)): Named<(String, String)>,
    Json(edit): Json<SecretEdit>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).set_key(&id, &key, &edit).await?;
    Ok(versioned(&client, client.version))
}

/// Remove a key.
#[utoipa::path(
    delete,
    path = "/clients/{id}/keys/{key}",
    tag = "Clients",
    params(("id" = String, Path), ("key" = String, Path)),
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn delete_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named((id, key)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).delete_key(&id, &key).await?;
    Ok(versioned(&client, client.version))
}

/// Another secret, shown this once. The others stay good, for as long as `others_expire_in` says.
#[utoipa::path(
    post,
    path = "/clients/{id}/secrets",
    tag = "Clients",
    params(("id" = String, Path)),
    request_body = NewSecret,
    responses((status = 201, body = ShownSecret), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn add_secret(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named(id): Named<String>,
    Json(new): Json<NewSecret>,
) -> Result<Response, Problem> {
    let (client, shown) = admin(&app, caller).add_secret(&id, new).await?;
    let location = format!("{}/v1/clients/{id}/secrets/{}", app.urls.path(super::Route::AdminApi), shown.id);
    Ok(created(&shown, client.version, &location))
}

/// Switch a secret on or off.
#[utoipa::path(
    put,
    path = "/clients/{id}/secrets/{secret}",
    tag = "Clients",
    params(("id" = String, Path), ("secret" = String, Path)),
    request_body = SecretEdit,
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn set_secret(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named((id, secret)): Named<(String, String)>,
    Json(edit): Json<SecretEdit>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).set_secret(&id, &secret, &edit).await?;
    Ok(versioned(&client, client.version))
}

/// Delete a secret; the last one stays.
#[utoipa::path(
    delete,
    path = "/clients/{id}/secrets/{secret}",
    tag = "Clients",
    params(("id" = String, Path), ("secret" = String, Path)),
    responses((status = 200, body = ClientView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn delete_secret(
    State(app): State<Arc<App>>,
    caller: Caller,
    Named((id, secret)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let client = admin(&app, caller).delete_secret(&id, &secret).await?;
    Ok(versioned(&client, client.version))
}
