//! Client authentication, RFC 6749 §2.3: one file per method, exactly one method per request.

mod basic;
mod none;
mod post;

use crate::http::{App, Params};
use crate::model::{Client, ClientAuthMethod, Digest};
use crate::storage::StoreError;
use http::HeaderMap;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Why a client was not authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// RFC 6749 §2.3: not more than one method in a request.
    #[error("the client authenticates in more than one way")]
    Several,
    /// The `Authorization` header and the body name different clients.
    #[error("the Authorization header and client_id name different clients")]
    Contradiction,
    /// Nothing in the request says who the client is.
    #[error("the request does not say who the client is")]
    Missing,
    /// An `Authorization` header that is not RFC 7617 Basic with RFC 6749 §2.3.1 encoding inside.
    #[error("the Authorization header is not well-formed HTTP Basic")]
    Malformed,
    /// Unknown client, wrong secret, wrong method or disabled client: the answer does not say which.
    #[error("{reason}")]
    Refused {
        /// For the log only.
        reason: &'static str,
        /// HTTP Basic was used, so the answer carries a challenge (RFC 6749 §5.2).
        basic: bool,
    },
    /// The registry could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a request shows to prove who the client is.
struct Credentials {
    client_id: String,
    secret: Option<String>,
    basic: bool,
}

/// The client that sent a request.
///
/// # Errors
/// [`AuthError`] if it does not say who it is, does not prove it, or is disabled.
pub async fn authenticate(app: &App, headers: &HeaderMap, params: &Params) -> Result<Arc<Client>, AuthError> {
    let shown = credentials(headers, params)?;
    let client = app.clients.get(app.store.as_ref(), &app.env, &shown.client_id).await?;
    let refused = |reason| AuthError::Refused { reason, basic: shown.basic };
    let proven = proves(client.as_deref(), &shown, app.env.now());
    let client = client.ok_or(refused("no such client"))?;
    if !proven {
        return Err(refused("the secret or the method is wrong"));
    }
    if client.disabled_at.is_some() {
        return Err(refused("the client is disabled"));
    }
    Ok(client)
}

fn credentials(headers: &HeaderMap, params: &Params) -> Result<Credentials, AuthError> {
    let basic = basic::credentials(headers)?;
    let post = post::credentials(params);
    match (basic, post) {
        (Some(_), Some(_)) => Err(AuthError::Several),
        (Some(basic), None) => match params.get("client_id") {
            Some(other) if other != basic.client_id => Err(AuthError::Contradiction),
            _ => Ok(basic),
        },
        (None, Some(post)) => post,
        (None, None) => none::credentials(params).ok_or(AuthError::Missing),
    }
}

/// Whether this is the client's own proof. A client that does not exist takes as long as one that does.
fn proves(client: Option<&Client>, shown: &Credentials, now: i64) -> bool {
    let given = shown.secret.as_deref().map(Digest::of);
    let by_secret = |client: &Client| given.is_some_and(|given| client.accepts(&given, now));
    match client.map(|c| (c.auth_method, c)) {
        Some((ClientAuthMethod::None, _)) => given.is_none(),
        Some((ClientAuthMethod::ClientSecret, client)) => by_secret(client),
        Some((ClientAuthMethod::ClientSecretBasic, client)) => shown.basic && by_secret(client),
        Some((ClientAuthMethod::ClientSecretPost, client)) => !shown.basic && by_secret(client),
        // Shown as assertions or certificates.
        Some(_) => false,
        None => {
            let never = given.unwrap_or(Digest([0; 32]));
            let _: bool = never.0.ct_eq(&[0; 32]).into();
            false
        }
    }
}
