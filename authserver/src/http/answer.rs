//! Answers that several endpoints give: authorization responses (RFC 6749 §4.1.2, §4.2.2) and redirects.

use super::App;
use super::pending::{Pending, ResponseMode};
use crate::pages;
use axum::response::{IntoResponse as _, Response};
use form_urlencoded::Serializer;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, LOCATION, PRAGMA, REFERRER_POLICY,
};
use http::{HeaderValue, StatusCode};

/// Sends the browser back to the client with these parameters, `state` and `iss` (RFC 9207 §2) among them.
pub(super) fn to_client(app: &App, pending: &Pending, params: &[(&str, &str)]) -> Response {
    let mut params = params.to_vec();
    params.extend(pending.state.as_ref().map(|state| ("state", state.as_str())));
    params.push(("iss", app.urls.issuer()));
    let uri = &pending.redirect_uri;
    let encoded = || Serializer::new(String::new()).extend_pairs(&params).finish();
    match pending.response_mode {
        ResponseMode::Query => {
            let separator = if uri.contains('?') { '&' } else { '?' };
            see_other(&format!("{uri}{separator}{}", encoded()))
        }
        // A registered URI has no fragment of its own.
        ResponseMode::Fragment => see_other(&format!("{uri}#{}", encoded())),
        ResponseMode::FormPost => pages::form_post(app, uri, &params),
    }
}

/// An error response of RFC 6749 §4.1.2.1.
pub(super) fn error_to_client(app: &App, pending: &Pending, error: &str, description: &str) -> Response {
    to_client(app, pending, &[("error", error), ("error_description", description)])
}

/// 303: the browser goes on with GET and never repeats what it posted (RFC 9700 §4.12).
pub(super) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        tracing::error!("a redirect is not a header value");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    // RFC 6749 §5.1 wants both where there is a code or a token.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What a browser asks before a script of another site sends an `Authorization` or a `DPoP` header.
pub(super) async fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP"),
        (ACCESS_CONTROL_MAX_AGE, "7200"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Lets scripts of any site read an answer. For endpoints that look at no cookie: a browser app is a client like any
/// other.
pub(super) fn any_origin(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
