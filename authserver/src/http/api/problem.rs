//! Errors as problem details, RFC 9457: one mapping from what went wrong to what is said.

use crate::admin::AdminError;
use crate::passwords::PasswordError;
use crate::storage::StoreError;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// Problem details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    #[schema(value_type = u16)]
    #[serde(serialize_with = "number")]
    status: StatusCode,
    /// The status in words.
    title: &'static str,
    /// What is wrong, in words.
    detail: String,
    /// The field that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip)]
    challenge: Option<&'static str>,
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { status, title, detail: detail.into(), field: None, challenge: None }
    }

    /// With a challenge, RFC 6750 §3.
    pub(super) fn challenged(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The server cannot reach its data at the moment; try again.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Ok(json) = serde_json::to_vec(&self) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let mut response = (self.status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let detail = error.to_string();
        match error {
            AdminError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, detail),
            AdminError::Invalid { field, problem } => {
                Self { field: Some(field), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, problem) }
            }
            AdminError::Exists(_) | AdminError::Refused(_) => Self::new(StatusCode::CONFLICT, detail),
            AdminError::Changed => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            AdminError::Store(error) => error.into(),
            AdminError::Password(PasswordError::Busy) => Self::unavailable(),
            AdminError::Key(_) | AdminError::Password(_) => {
                tracing::error!(error = detail, "the admin API failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The server could not do this; its log says why.")
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed the admin API");
        match error {
            StoreError::Database(_) => Self::unavailable(),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The server could not do this; its log says why."),
        }
    }
}
