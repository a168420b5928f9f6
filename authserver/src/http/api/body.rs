//! What requests carry and answers give: JSON, versions, queries.

use super::problem::Problem;
use crate::http::params::MAX_BODY;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !media.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has to be application/json."));
        }
        let bytes = to_bytes(request.into_body(), MAX_BODY)
            .await
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large, or broke off."))?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value: T = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("{}: {}", error.path(), error.inner())))?;
        json.end().map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
        // PostgreSQL has no text with a zero character, and nothing here needs one.
        if bytes.windows(6).any(|six| six.eq_ignore_ascii_case(b"\\u0000")) {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "A text holds a zero character."));
        }
        Ok(Self(value))
    }
}

/// The query of a list.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Problem::new(StatusCode::BAD_REQUEST, rejection.body_text())),
        }
    }
}

/// A name in the path.
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::new(StatusCode::NOT_FOUND, "There is nothing of this name.")),
        }
    }
}

/// The version that an edit must still find: `If-Match`, RFC 9110 §13.1.1.
pub(super) struct IfMatch(pub(super) i64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let header = parts.headers.get(IF_MATCH).ok_or_else(|| {
            Problem::new(StatusCode::PRECONDITION_REQUIRED, "Name the version that you read: If-Match, with its ETag.")
        })?;
        if header.as_bytes().trim_ascii() == b"*" {
            let problem =
                "If-Match: * is any version, and could undo what you have not seen: name the one that you read.";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, problem));
        }
        let tag = header.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        tag.map(Self).ok_or_else(|| Problem::new(StatusCode::PRECONDITION_FAILED, "No version has such an ETag."))
    }
}

/// 200 with JSON.
pub(super) fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

/// 200 with JSON and its version.
pub(super) fn versioned(body: &impl Serialize, version: i64) -> Response {
    tagged(json(StatusCode::OK, body), version)
}

/// 201 with JSON, its version, and where it is now.
pub(super) fn created(body: &impl Serialize, version: i64, location: &str) -> Response {
    let mut response = tagged(json(StatusCode::CREATED, body), version);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// 201 with JSON that has no place of its own.
pub(super) fn shown(body: &impl Serialize) -> Response {
    json(StatusCode::CREATED, body)
}

/// 204.
pub(super) fn done() -> Response {
    (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response()
}

fn tagged(mut response: Response, version: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(json) = serde_json::to_vec(body) else {
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The answer could not be written.").into_response();
    };
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], json).into_response()
}
