//! `GET /.well-known/oauth-authorization-server`: what this server can do, RFC 8414. What it says works, and what works
//! it says; what only some clients may do counts, because their registration is theirs to ask for.

use super::error::Refusal;
use super::flow::ACR_VALUES;
use super::pending::{ResponseMode, ResponseType};
use super::{App, Route, answer};
use crate::client_auth;
use crate::grants;
use crate::jwt::{Algorithm, Hmac};
use crate::model::{ClientAuthMethod, GrantType};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use std::sync::Arc;

/// The members of RFC 8414 §2, and of each extension behind its name.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    revocation_endpoint: String,
    introspection_endpoint: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'a str; 2],
    response_modes_supported: [&'a str; 3],
    grant_types_supported: Vec<&'a str>,
    token_endpoint_auth_methods_supported: Vec<&'a str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'a str>,
    revocation_endpoint_auth_methods_supported: Vec<&'a str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'a str>,
    introspection_endpoint_auth_methods_supported: Vec<&'a str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'a str>,
    code_challenge_methods_supported: [&'a str; 1],
    /// RFC 8628 §4.
    device_authorization_endpoint: String,
    /// RFC 8705 §3.3.
    tls_client_certificate_bound_access_tokens: bool,
    /// RFC 9101 §10.5, with the names of OpenID Connect Discovery 1.0.
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    request_object_signing_alg_values_supported: Vec<&'a str>,
    require_signed_request_object: bool,
    /// RFC 9126 §5.
    pushed_authorization_request_endpoint: String,
    require_pushed_authorization_requests: bool,
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
    /// RFC 9396 §10.
    authorization_details_types_supported: Vec<String>,
    /// RFC 9449 §5.1.
    dpop_signing_alg_values_supported: Vec<&'a str>,
    /// RFC 9470 §7, with the name of OpenID Connect Discovery 1.0.
    acr_values_supported: &'a [&'a str],
    /// RFC 9701 §7.
    introspection_signing_alg_values_supported: Vec<&'a str>,
    /// Of nobody's specification: what a client's access tokens can be signed with, by its registration.
    access_token_signing_alg_values_supported: Vec<&'a str>,
}

pub(super) async fn get(State(app): State<Arc<App>>) -> Response {
    let response = match metadata(&app).await {
        Ok(body) => ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=60")], body).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    answer::any_origin(response)
}

async fn metadata(app: &App) -> Result<String, Refusal> {
    let url = |route| app.urls.absolute(route);
    let certificates = app.config.gateway.secret.is_some();
    let methods = methods(certificates);
    let proving: Vec<_> = methods.iter().copied().filter(|name| *name != ClientAuthMethod::None.wire_name()).collect();
    let public_key: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let assertions: Vec<_> = public_key.iter().copied().chain(Hmac::ALL.iter().map(|a| a.name())).collect();
    let types = app.store.authorization_types().await?;
    let metadata = Metadata {
        issuer: app.urls.issuer(),
        authorization_endpoint: url(Route::Authorize),
        token_endpoint: url(Route::Token),
        jwks_uri: url(Route::Jwks),
        registration_endpoint: app.config.registration.enabled.then(|| url(Route::Register)),
        revocation_endpoint: url(Route::Revoke),
        introspection_endpoint: url(Route::Introspect),
        scopes_supported: app.store.scopes().await?.into_iter().map(|s| s.name).collect(),
        response_types_supported: ResponseType::ALL.map(ResponseType::wire_name),
        response_modes_supported: ResponseMode::ALL.map(ResponseMode::wire_name),
        grant_types_supported: grants::supported().chain([GrantType::Implicit]).map(GrantType::wire_name).collect(),
        token_endpoint_auth_methods_supported: methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: assertions.clone(),
        revocation_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_signing_alg_values_supported: assertions.clone(),
        introspection_endpoint_auth_methods_supported: proving,
        introspection_endpoint_auth_signing_alg_values_supported: assertions,
        code_challenge_methods_supported: ["S256"],
        device_authorization_endpoint: url(Route::DeviceAuthorization),
        tls_client_certificate_bound_access_tokens: certificates,
        request_parameter_supported: true,
        // Only what was pushed here: this server fetches no requests.
        request_uri_parameter_supported: false,
        request_object_signing_alg_values_supported: public_key.clone(),
        require_signed_request_object: false,
        pushed_authorization_request_endpoint: url(Route::Par),
        require_pushed_authorization_requests: app.config.authorization.require_pushed_requests,
        authorization_response_iss_parameter_supported: true,
        authorization_details_types_supported: types.into_iter().map(|kind| kind.name).collect(),
        dpop_signing_alg_values_supported: public_key,
        acr_values_supported: ACR_VALUES,
        introspection_signing_alg_values_supported: app.keys.algorithms().into_iter().take(1).collect(),
        access_token_signing_alg_values_supported: app.keys.algorithms(),
    };
    serde_json::to_string(&metadata).map_err(|_| Refusal::server_error())
}

/// Certificates are believed only where a gateway vouches for them.
fn methods(certificates: bool) -> Vec<&'static str> {
    let by_certificate = [ClientAuthMethod::TlsClientAuth, ClientAuthMethod::SelfSignedTlsClientAuth];
    let by_certificate = by_certificate.map(ClientAuthMethod::wire_name);
    client_auth::supported().into_iter().filter(|name| certificates || !by_certificate.contains(name)).collect()
}
