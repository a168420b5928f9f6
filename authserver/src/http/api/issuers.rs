//! `/issuers`. An issuer is most often a URL, which does not travel well as a segment of a path: proxies take `%2F` apart. So
//! one of them is `/issuers/one?issuer=…`.

use super::auth::Caller;
use super::body::{Asked, IfMatch, Json, created, done, ok, versioned};
use super::problem::Problem;
use super::{App, Route, admin};
use crate::admin::{AdminError, IssuerSpec, IssuerView};
use axum::extract::State;
use axum::response::Response;
use form_urlencoded::byte_serialize;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// All trusted issuers.
#[derive(Serialize, ToSchema)]
struct Issuers {
    items: Vec<IssuerView>,
}

/// Which issuer.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerQuery {
    /// Its `iss`, or its entity ID.
    issuer: String,
}

/// Whose assertions are believed (RFC 7523, RFC 7522), in order of their `iss`.
#[utoipa::path(get, path = "/issuers", tag = "Trusted issuers", responses((status = 200, body = Issuers), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    Ok(ok(&Issuers { items: admin(&app, caller).issuers().await? }))
}

/// Trust an issuer.
#[utoipa::path(post, path = "/issuers", tag = "Trusted issuers", request_body = IssuerSpec, responses((status = 201, body = IssuerView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(spec): Json<IssuerSpec>,
) -> Result<Response, Problem> {
    let issuer = admin(&app, caller).create_issuer(spec).await?;
    let name: String = byte_serialize(issuer.issuer.as_bytes()).collect();
    let location = format!("{}/v1/issuers/one?issuer={name}", app.urls.path(Route::AdminApi));
    Ok(created(&issuer, issuer.version, &location))
}

/// One trusted issuer.
#[utoipa::path(get, path = "/issuers/one", tag = "Trusted issuers", params(IssuerQuery), responses((status = 200, body = IssuerView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<IssuerQuery>,
) -> Result<Response, Problem> {
    let issuer = admin(&app, caller).issuer(&query.issuer).await?;
    Ok(versioned(&issuer, issuer.version))
}

/// Change what is believed of an issuer.
#[utoipa::path(
    put,
    path = "/issuers/one",
    tag = "Trusted issuers",
    params(IssuerQuery, ("If-Match" = String, Header, description = "The `ETag` that was read")),
    request_body = IssuerSpec,
    responses((status = 200, body = IssuerView), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<IssuerQuery>,
    IfMatch(version): IfMatch,
    Json(spec): Json<IssuerSpec>,
) -> Result<Response, Problem> {
    if spec.issuer != query.issuer {
        let problem = "is not the one in the query".to_owned();
        return Err(AdminError::Invalid { field: "issuer", problem }.into());
    }
    let issuer = admin(&app, caller).edit_issuer(version, spec).await?;
    Ok(versioned(&issuer, issuer.version))
}

/// Trust an issuer no more. Tokens that it brought stay good until they expire or are revoked.
#[utoipa::path(
    delete,
    path = "/issuers/one",
    tag = "Trusted issuers",
    params(IssuerQuery, ("If-Match" = String, Header, description = "The `ETag` that was read")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json"), (status = "5XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<IssuerQuery>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    admin(&app, caller).remove_issuer(&query.issuer, version).await?;
    Ok(done())
}
