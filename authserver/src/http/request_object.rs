//! Signed authorization requests, RFC 9101: the parameters come in a JWT that the client signed, so that nobody in between
//! changes them. By value only: a `request_uri` is one that was pushed (RFC 9126), so this server fetches nothing.

use super::{App, Params};
use crate::assertion::{AssertionError, signed_by_client};
use crate::grants::CLOCK_MARGIN;
use crate::jwt::{Audience, Jwt, NumericDate};
use crate::model::Client;
use crate::storage::StoreError;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Why a request object was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestObjectError {
    /// `invalid_request_object` (RFC 9101 §7).
    #[error("{0}")]
    Invalid(&'static str),
    /// The client has to sign its requests.
    #[error("the client has to sign its authorization requests (RFC 9101)")]
    Missing,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The claims that are about the object itself (RFC 9101 §4, RFC 7519 §4.1).
#[derive(Deserialize)]
struct Claims {
    client_id: String,
    #[serde(default)]
    iss: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Option<Audience>,
    #[serde(default)]
    exp: Option<NumericDate>,
    #[serde(default)]
    nbf: Option<NumericDate>,
}

/// The parameters of a request: those in its object, if it has one, and nothing beside (RFC 9101 §6.3).
///
/// # Errors
/// [`RequestObjectError`]
pub(super) async fn unpack<'p>(
    app: &App,
    client: &Client,
    params: &'p Params,
) -> Result<Cow<'p, Params>, RequestObjectError> {
    let Some(text) = params.get("request") else {
        let required = client.options.require_signed_request_object;
        return if required { Err(RequestObjectError::Missing) } else { Ok(Cow::Borrowed(params)) };
    };
    let invalid = RequestObjectError::Invalid;
    let jwt = Jwt::parse(text).map_err(|_| invalid("request is not a well-formed JWT"))?;
    // RFC 9101 §10.8: not another kind of JWT that the same key signed. Older clients send no typ, or JWT.
    if !matches!(jwt.typ().as_deref(), None | Some("jwt" | "oauth-authz-req+jwt")) {
        return Err(invalid("the typ of the request object is not oauth-authz-req+jwt"));
    }
    let payload = match signed_by_client(app, client, &jwt).await {
        Ok(payload) => payload,
        Err(AssertionError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(invalid("the request object is not signed by a key that the client registered")),
    };
    let malformed = |_| invalid("the claims of the request object are not well-formed");
    let claims: Claims = serde_json::from_slice(payload).map_err(malformed)?;
    let all: Map<String, Value> = serde_json::from_slice(payload).map_err(malformed)?;
    check(app, client, &claims, &all)?;
    Ok(Cow::Owned(Params::of(parameters(&all)?)))
}

fn check(app: &App, client: &Client, claims: &Claims, all: &Map<String, Value>) -> Result<(), RequestObjectError> {
    let invalid = |text| Err(RequestObjectError::Invalid(text));
    if claims.client_id != client.id || claims.iss.as_ref().is_some_and(|iss| *iss != client.id) {
        return invalid("the request object is not the client's");
    }
    // RFC 9101 §10.8: with the client as its subject it could be an assertion that proves the client.
    if claims.sub.as_ref().is_some_and(|sub| *sub == client.id) {
        return invalid("the request object must not have the client as its sub");
    }
    // Without an audience a request to another server could be sent here (RFC 9101 §10.8 takes it for given).
    if !claims.aud.as_ref().is_some_and(|aud| aud.any(|aud| aud == app.urls.issuer())) {
        return invalid("aud of the request object is not this server's issuer");
    }
    let now = app.env.now();
    let read = |date: &Option<NumericDate>| date.as_ref().map(|date| date.seconds(false).ok_or(()));
    match (read(&claims.exp).transpose(), read(&claims.nbf).transpose()) {
        (Ok(exp), Ok(nbf)) => {
            if exp.is_some_and(|at| at <= now) || nbf.is_some_and(|at| at > now + CLOCK_MARGIN) {
                return invalid("the request object has expired, or is not good yet");
            }
        }
        _ => return invalid("exp and nbf of the request object have to be numbers"),
    }
    // RFC 9101 §4.
    if all.contains_key("request") || all.contains_key("request_uri") {
        return invalid("a request object must not hold another");
    }
    Ok(())
}

/// Claims as parameters: texts as they are, numbers, `authorization_details` and `custom_claims` as JSON writes them, lists of `resource`
/// one by one.
fn parameters(all: &Map<String, Value>) -> Result<Vec<(String, String)>, RequestObjectError> {
    const ABOUT_THE_OBJECT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
    let mut pairs = Vec::new();
    for (name, value) in all.iter().filter(|(name, _)| !ABOUT_THE_OBJECT.contains(&name.as_str())) {
        match value {
            Value::String(text) if text.contains('\0') => {
                return Err(RequestObjectError::Invalid("a parameter of the request object holds a NUL"));
            }
            Value::String(text) => pairs.push((name.clone(), text.clone())),
            Value::Number(number) => pairs.push((name.clone(), number.to_string())),
            Value::Array(items) if name == "resource" => {
                let texts = items.iter().filter_map(Value::as_str);
                pairs.extend(texts.map(|text| (name.clone(), text.to_owned())));
            }
            Value::Array(_) if name == "authorization_details" => pairs.push((name.clone(), value.to_string())),
            Value::Object(_) if name == "custom_claims" => pairs.push((name.clone(), value.to_string())),
            // Not a parameter of this server.
            _ => {}
        }
    }
    Ok(pairs)
}
