//! `POST /oauth2/par`: authorization requests that the client sends itself, RFC 9126, so that nobody in between reads
//! or changes them, and the client has proven who it is before the person is asked anything.

use super::address::Address;
use super::authorization_request::{Problem, Via, check};
use super::error::{Refusal, no_store_json};
use super::params::{Form, Params};
use super::pending::Pending;
use super::{App, Route, answer, sender, throttle};
use crate::client_auth;
use crate::dpop;
use crate::grants::seconds;
use crate::model::{Client, Digest};
use crate::pages::Trouble;
use crate::secret;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use std::sync::Arc;

/// What every `request_uri` of this server begins with (RFC 9126 §2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// RFC 9126 §2.2.
#[derive(Serialize)]
struct Pushed {
    request_uri: String,
    expires_in: i64,
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let response = push(&app, address, &headers, &params).await.unwrap_or_else(|refusal| refusal.into_response());
    answer::any_origin(sender::with_nonce(&app, &headers, response))
}

async fn push(app: &App, address: Address, headers: &HeaderMap, params: &Params) -> Result<Response, Refusal> {
    let client = client_auth::authenticate(app, headers, params).await?;
    // RFC 9126 §2.1.
    if params.get("request_uri").is_some() {
        return Err(Refusal::new("invalid_request", "request_uri cannot be pushed"));
    }
    let mut pending = check(app, &client, params, Via::Pushed).await?;
    // RFC 9449 §10.1: a proof here binds the code as dpop_jkt does; both have to be of one key.
    if let Some(jkt) = dpop::thumbprint(app, headers, &Method::POST, Route::Par).await? {
        if pending.dpop_jkt.as_ref().is_some_and(|named| *named != jkt) {
            return Err(Refusal::new("invalid_dpop_proof", "dpop_jkt is not the key of the DPoP proof"));
        }
        pending.dpop_jkt = Some(jkt);
    }
    throttle::stored_request(app, &client, address).await?;
    let reference = secret::generate(app.env.random.as_ref(), secret::PUSHED_REQUEST);
    let lifetime = seconds(app.config.authorization.pushed_request_lifetime);
    let expires_at = app.env.clock.now().saturating_add(lifetime);
    let stored = serde_json::to_string(&pending).map_err(|_| Refusal::server_error())?;
    app.store.push_request(&Digest::of(&reference), &client.id, &stored, expires_at).await?;
    let body = Pushed { request_uri: format!("{URN}{}", reference.as_str()), expires_in: lifetime };
    Ok(no_store_json(StatusCode::CREATED, &body))
}

/// The request behind a `request_uri`, for the client that pushed it, once.
pub(super) async fn take(app: &App, client: &Client, request_uri: &str) -> Result<Pending, Trouble> {
    let reference = request_uri.strip_prefix(URN).filter(|text| secret::well_formed(secret::PUSHED_REQUEST, text));
    let reference = Digest::of(reference.ok_or(Trouble::RequestUri)?);
    let stored = app.store.take_pushed_request(&reference, &client.id, app.env.clock.now()).await?;
    let pending: Pending = serde_json::from_str(&stored.ok_or(Trouble::RequestUri)?).map_err(|_| Trouble::Broken)?;
    // What the person waits for begins now, not when the client asked.
    let now = app.env.clock.now();
    Ok(Pending { asked_at: now, at: now, ..pending })
}

/// RFC 9126 §2.3: what the authorization endpoint would say on a page or by redirect is said to the client itself.
impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Client { error, description, .. } => Self::new(error, description),
            Problem::Page(Trouble::RedirectUri) => {
                Self::new("invalid_request", "redirect_uri is not one that the client has registered")
            }
            Problem::Page(Trouble::RedirectUriMissing) => {
                Self::new("invalid_request", "redirect_uri is missing, and the client has not registered exactly one")
            }
            Problem::Page(Trouble::RequestObject) => Self::new(
                "invalid_request_object",
                "the request object is not signed by a key of the client, or not for this server, or it expired",
            ),
            Problem::Page(Trouble::Request(description)) => Self::new("invalid_request", description),
            Problem::Page(Trouble::Unavailable) => {
                Self::new("temporarily_unavailable", "the server cannot reach its data at the moment; try again")
            }
            Problem::Page(_) => Self::server_error(),
        }
    }
}
