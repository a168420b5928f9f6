//! The one place where a failure becomes an answer: status, the RFC's error code, the text a client may see.

use super::answer;
use super::params::ParamsError;
use crate::assertion::AssertionError;
use crate::client_auth::AuthError;
use crate::grants::details::DetailsRefused;
use crate::grants::resource::InvalidTarget;
use crate::grants::scope::ScopeRefused;
use crate::grants::{ExchangeError, GrantError};
use crate::keys::KeyError;
use crate::storage::StoreError;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use std::borrow::Cow;

/// An error answer of RFC 6749 §5.2: JSON, never cached. Its text is never taken from the request and keeps to the
/// characters that §5.2 allows: no double quote, no backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
    header: Option<(http::HeaderName, Cow<'static, str>)>,
}

impl Refusal {
    /// An error with the status that its code has: 401 for `invalid_client`, 400 for all others of RFC 6749 §5.2.
    #[must_use]
    pub fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, error, description: description.into(), header: None }
    }

    /// The RFC's error code.
    #[must_use]
    pub fn error(&self) -> &'static str {
        self.error
    }

    /// The words for a developer.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Something broke that the client cannot mend; what it was is in the log.
    #[must_use]
    pub fn server_error() -> Self {
        Self::new("server_error", "the server could not answer this request")
    }
}

/// The error that a response tells, for whoever adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ErrorCode(pub(super) &'static str);

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body { error: self.error, error_description: &self.description };
        let mut response = no_store_json(self.status, &body);
        response.extensions_mut().insert(ErrorCode(self.error));
        if let Some((name, value)) = self.header {
            // Digits or a text of ours: always a header value.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A JSON answer that no cache keeps (RFC 6749 §5.1).
pub(super) fn no_store_json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(json) = serde_json::to_vec(body) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{\"error\":\"server_error\"}").into_response();
    };
    let mut response = (status, json).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

impl From<ParamsError> for Refusal {
    fn from(error: ParamsError) -> Self {
        let mut refusal = Self::new("invalid_request", error.to_string());
        if error == ParamsError::TooLarge {
            refusal.status = StatusCode::PAYLOAD_TOO_LARGE;
        }
        refusal
    }
}

impl IntoResponse for ParamsError {
    fn into_response(self) -> Response {
        // Before an endpoint looked at anything: what it says is of no use but to a page's developer.
        answer::any_origin(Refusal::from(self).into_response())
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let description = error.to_string();
        match error {
            AuthError::Several | AuthError::Contradiction => Self::new("invalid_request", description),
            AuthError::Missing => Self::new("invalid_client", description),
            AuthError::Malformed => Self::new("invalid_client", description).with_challenge(),
            AuthError::Refused { reason, basic } => {
                tracing::info!(reason, "client authentication refused");
                let refusal = Self::new("invalid_client", "client authentication failed");
                if basic { refusal.with_challenge() } else { refusal }
            }
            AuthError::Assertion(error) => Self::new("invalid_client", error.to_string()),
            AuthError::Store(error) => error.into(),
        }
    }
}

impl From<GrantError> for Refusal {
    fn from(error: GrantError) -> Self {
        let description = error.to_string();
        match error {
            GrantError::MissingParameter(_) => Self::new("invalid_request", description),
            GrantError::UnsupportedGrantType => Self::new("unsupported_grant_type", description),
            GrantError::UnauthorizedClient => Self::new("unauthorized_client", description),
            GrantError::Scope(error) => error.into(),
            GrantError::InvalidGrant(reason) => {
                tracing::info!(reason, "grant refused");
                Self::new(
                    "invalid_grant",
                    "the code or refresh token is not valid: unknown, expired, used before, revoked, or issued to another client",
                )
            }
            GrantError::RedirectUri | GrantError::Pkce(_) => Self::new("invalid_grant", description),
            GrantError::Assertion(AssertionError::Store(error)) => error.into(),
            GrantError::Assertion(_) => {
                tracing::info!(reason = %description, "an assertion was refused");
                Self::new("invalid_grant", description)
            }
            GrantError::Device(error) => Self::new(error.code(), description),
            GrantError::Exchange(ExchangeError::Policy) => Self::new("unauthorized_client", description),
            GrantError::Exchange(_) => Self::new("invalid_request", description),
            GrantError::Password => Self::new("invalid_grant", description),
            GrantError::TooMany { retry_after } => Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                header: Some((RETRY_AFTER, retry_after.max(1).to_string().into())),
                ..Self::new("temporarily_unavailable", description)
            },
            GrantError::Busy => {
                Self { header: Some((RETRY_AFTER, "1".into())), ..Self::new("temporarily_unavailable", description) }
            }
            GrantError::InvalidTarget(error) => error.into(),
            GrantError::Details(error) => error.into(),
            GrantError::Unbound(_) | GrantError::Claims(_) => Self::new("invalid_request", description),
            GrantError::Store(error) => error.into(),
            GrantError::Keys(error) => error.into(),
        }
    }
}

impl From<ScopeRefused> for Refusal {
    fn from(error: ScopeRefused) -> Self {
        Self::new("invalid_scope", error.to_string())
    }
}

impl From<InvalidTarget> for Refusal {
    fn from(error: InvalidTarget) -> Self {
        Self::new("invalid_target", error.to_string())
    }
}

impl From<DetailsRefused> for Refusal {
    fn from(error: DetailsRefused) -> Self {
        match error {
            DetailsRefused::Invalid(error) => Self::new("invalid_authorization_details", error.to_string()),
            DetailsRefused::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed a request");
        match error {
            StoreError::Database(_) => Self {
                header: Some((RETRY_AFTER, "1".into())),
                ..Self::new("temporarily_unavailable", "the server cannot reach its data at the moment; try again")
            },
            StoreError::Exists(_) | StoreError::Migrate(_) | StoreError::Corrupt(_) => Self::server_error(),
        }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        tracing::error!(%error, "the keys failed a request");
        Self::server_error()
    }
}

impl Refusal {
    /// 404: what is asked for is not there, or off.
    pub(super) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::new("invalid_request", "there is no such endpoint") }
    }

    /// 403: who asks for the revocation feed is no gateway of ours.
    pub(crate) fn feed_needs_secret() -> Self {
        let text = "the feed is for gateways: revocations.gateway_secret in the filter's configuration has to be this server's gateway.secret, and the clocks right";
        Self { status: StatusCode::FORBIDDEN, ..Self::new("access_denied", text) }
    }

    /// 401 with the challenge of RFC 6750 §3, which names an error only if there was a token (§3.1).
    pub(super) fn with_bearer_challenge(mut self, token: bool) -> Self {
        let error = if token { ", error=\"invalid_token\"" } else { "" };
        self.status = StatusCode::UNAUTHORIZED;
        self.header = Some((WWW_AUTHENTICATE, format!("Bearer realm=\"bearward\"{error}").into()));
        self
    }

    fn with_challenge(mut self) -> Self {
        self.header = Some((WWW_AUTHENTICATE, "Basic realm=\"bearward\", charset=\"UTF-8\"".into()));
        self
    }
}
