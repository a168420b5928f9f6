//! `/admin/api/v1`: the admin API. Everything here is one call of [`crate::admin`]; tokens are this very server's, with the
//! scope `admin`. `/admin/api/openapi.json` describes it, made from this code.

mod auth;
mod authorization_types;
mod body;
mod clients;
mod issuers;
mod people;
mod problem;
mod registration_tokens;
mod registry;
mod tokens;

use super::{App, Route, address::Address};
use crate::admin::Admin;
use auth::Caller;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
pub(super) use problem::Problem;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi};

/// The most items on a page, and how many there are if nobody says.
const MOST: u32 = 500;
const USUAL: u32 = 50;

/// What a list is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListQuery {
    /// Only what begins with this text, without case.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 500; 50 if left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

fn limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(USUAL).clamp(1, MOST)
}

fn admin<'a>(app: &'a App, Caller(actor): Caller) -> Admin<'a> {
    Admin { store: app.store.as_ref(), config: &app.config, env: &app.env, actor }
}

/// The routes.
pub(super) fn router(app: &App) -> Router<Arc<App>> {
    let base = app.urls.path(Route::AdminApi);
    let v1 = Router::new()
        .route("/clients", get(clients::list).post(clients::create))
        .route("/clients/{id}", get(clients::one).put(clients::edit).delete(clients::delete))
        .route("/clients/{id}/disable", post(clients::disable))
        .route("/clients/{id}/enable", post(clients::enable))
        .route("/clients/{id}/keys", post(clients::add_keys))
        .route("/clients/{id}/keys/{key}", put(clients::set_key).delete(clients::delete_key))
        .route("/clients/{id}/secrets", post(clients::add_secret))
        .route("/clients/{id}/secrets/{secret}", put(clients::set_secret).delete(clients::delete_secret))
        .route("/scopes", get(registry::scopes).post(registry::create_scope))
        .route("/scopes/{name}", get(registry::scope).put(registry::edit_scope).delete(registry::delete_scope))
        .route("/people", get(people::list).post(people::create))
        .route("/people/{id}", get(people::one).patch(people::edit).delete(people::delete))
        .route("/people/{id}/sign-out", post(people::sign_out))
        .route("/people/{id}/totp", axum::routing::delete(people::remove_totp))
        .route("/people/{id}/passkeys", axum::routing::delete(people::remove_passkeys))
        .route("/keys", get(registry::keys))
        .route("/keys/rotate", post(registry::rotate))
        .route("/grants", get(registry::grants))
        .route("/grants/{id}", axum::routing::delete(registry::revoke_grant))
        .route("/tokens/lookup", post(tokens::look_up))
        .route("/tokens/revoke", post(tokens::revoke_token))
        .route("/issuers", get(issuers::list).post(issuers::create))
        .route("/issuers/one", get(issuers::one).put(issuers::edit).delete(issuers::remove))
        .route("/authorization-types", get(authorization_types::list).post(authorization_types::create))
        .route(
            "/authorization-types/{name}",
            get(authorization_types::one).put(authorization_types::edit).delete(authorization_types::remove),
        )
        .route("/registration-tokens", get(registration_tokens::list).post(registration_tokens::create))
        .route("/registration-tokens/{id}", axum::routing::delete(registration_tokens::revoke))
        .route("/audit", get(registry::audit))
        .route("/overview", get(registry::overview))
        // Not a fallback: that would be the console, whose pages are everything else under its path.
        .route("/{*rest}", axum::routing::any(no_such_path))
        .method_not_allowed_fallback(no_such_method);
    Router::new()
        .nest(&format!("{base}/v1"), v1)
        .route(&format!("{base}/"), axum::routing::any(no_such_path))
        .route(&format!("{base}/{{*rest}}"), axum::routing::any(no_such_path))
        .route(&base, get(description))
        .route(&format!("{base}/openapi.json"), get(description))
}

async fn no_such_path() -> Problem {
    Problem::new(http::StatusCode::NOT_FOUND, "There is nothing at this path.")
}

async fn no_such_method() -> Problem {
    Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "This path does not take this method.")
}

/// `GET /admin/api/openapi.json`; it says nothing that is secret.
async fn description() -> Response {
    match openapi() {
        Ok(text) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the description of the API could not be written");
            http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The API's description, OpenAPI 3.1, as JSON.
///
/// # Errors
/// None that was ever seen: it is made from constants.
pub fn openapi() -> Result<String, serde_json::Error> {
    let mut text = Description::openapi().to_pretty_json()?;
    text.push('\n');
    Ok(text)
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bearward admin API",
        description = "The client registry, people, keys, grants and the audit log. A token of this very server with the \
                       scope `admin` opens it. Lists are read page by page: `next` of one is `after` of the following. What \
                       can be edited has an `ETag`; an edit names it in `If-Match`, so that nobody overwrites what they have \
                       not seen. Errors are problem details (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/admin/api/v1")),
    modifiers(&Token),
    security(("token" = ["admin"])),
    paths(
        clients::list, clients::create, clients::one, clients::edit, clients::delete, clients::disable, clients::enable,
        clients::add_keys, clients::set_key, clients::delete_key,
        clients::add_secret, clients::set_secret, clients::delete_secret,
        authorization_types::list, authorization_types::create, authorization_types::one, authorization_types::edit,
        authorization_types::remove,
        registration_tokens::list, registration_tokens::create, registration_tokens::revoke,
        registry::scopes, registry::create_scope, registry::scope, registry::edit_scope, registry::delete_scope,
        people::list, people::create, people::one, people::edit, people::delete, people::sign_out, people::remove_totp,
        people::remove_passkeys,
        issuers::list, issuers::create, issuers::one, issuers::edit, issuers::remove,
        registry::keys, registry::rotate, registry::grants, registry::revoke_grant,
        tokens::look_up, tokens::revoke_token,
        registry::audit, registry::overview,
    )
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("at+jwt").build();
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("token", SecurityScheme::Http(scheme));
        }
        openapi.info.version = "1".to_owned();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_description_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        let expected = super::openapi().unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, &expected).unwrap();
        }
        let found = std::fs::read_to_string(file).unwrap_or_default();
        assert!(found == expected, "docs/openapi.json is old: UPDATE_DOCS=1 cargo test -p bearward description");
    }
}
