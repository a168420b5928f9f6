//! Client authentication, RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2: one file per method, exactly one method per
//! request, and the one the client is registered for.

mod assertion;
mod basic;
mod certificate;
mod none;
mod post;

use crate::assertion::AssertionError;
use crate::http::{App, Params};
use crate::jwt::Jwt;
use crate::keys::KeyError;
use crate::model::{Client, ClientAuthMethod, Digest};
use crate::storage::StoreError;
use http::HeaderMap;
use http::header::ORIGIN;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The methods that the endpoints take, by their registered names (RFC 8414 §2).
#[must_use]
pub fn supported() -> Vec<&'static str> {
    // Not a name of the registry: what it stands for is there twice anyway.
    let registered = ClientAuthMethod::ALL.iter().filter(|method| **method != ClientAuthMethod::ClientSecret);
    registered.map(|method| method.wire_name()).collect()
}

/// What the secret of a `client_secret_jwt` client is sealed for; the client's id goes with it.
pub(crate) const SECRET: &str = "client secret";

/// Why a client was not authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// RFC 6749 §2.3: not more than one method in a request.
    #[error("the client authenticates in more than one way")]
    Several,
    /// Two parts of the request name different clients.
    #[error("the request names different clients")]
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
    /// The assertion is not good; the client made it, and learns why.
    #[error(transparent)]
    Assertion(AssertionError),
    /// The registry could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a request shows to prove who the client is.
struct Credentials {
    client_id: String,
    proof: Proof,
}

enum Proof {
    /// Only the name: a public client, or one whose proof is its certificate.
    Nothing,
    Basic(Zeroizing<String>),
    Post(Zeroizing<String>),
    /// A JWT.
    Assertion(String),
}

impl Proof {
    fn secret(&self) -> Option<&str> {
        match self {
            Self::Basic(secret) | Self::Post(secret) => Some(secret),
            Self::Nothing | Self::Assertion(_) => None,
        }
    }
}

/// The client that sent a request.
///
/// # Errors
/// [`AuthError`] if it does not say who it is, does not prove it, or is disabled.
pub async fn authenticate(app: &App, headers: &HeaderMap, params: &Params) -> Result<Arc<Client>, AuthError> {
    let shown = credentials(headers, params)?;
    let basic = matches!(shown.proof, Proof::Basic(_));
    let refused = |reason| AuthError::Refused { reason, basic };
    let client = app.clients.get(app.store.as_ref(), &app.env, &shown.client_id).await?;
    let Some(client) = client else {
        // A client that does not exist takes as long as one that does.
        let _: bool = shown.proof.secret().is_some_and(|secret| Digest([0; 32]).matches(&Digest::of(secret)));
        return Err(refused("no such client"));
    };
    if !proves(app, headers, &client, &shown.proof).await? {
        return Err(refused("the secret or the method is wrong"));
    }
    if client.disabled_at.is_some() {
        return Err(refused("the client is disabled"));
    }
    let origin = headers.get(ORIGIN).map(|origin| origin.as_bytes());
    let origins = &client.options.web_origins;
    // Pages of other sites have no business with it, whatever they got hold of. What is no browser names no origin.
    if origin.is_some_and(|origin| !origins.is_empty() && origins.iter().all(|one| one.as_bytes() != origin)) {
        return Err(refused("the request is from a page of another origin"));
    }
    Ok(client)
}

/// Seals the secret of a `client_secret_jwt` client, as its registration stores it.
///
/// # Errors
/// [`KeyError::Crypto`]
pub fn seal_secret(sealer: &crate::keys::Sealer, client_id: &str, secret: &str) -> Result<Vec<u8>, KeyError> {
    sealer.seal(SECRET, client_id.as_bytes(), secret.as_bytes())
}

fn credentials(headers: &HeaderMap, params: &Params) -> Result<Credentials, AuthError> {
    let basic = basic::credentials(headers)?;
    let post = post::credentials(params);
    let assertion = assertion::credentials(params);
    let named = params.get("client_id");
    let shown = match (basic, post, assertion) {
        (Some(basic), None, None) => basic,
        (None, Some(post), None) => post?,
        (None, None, Some(assertion)) => assertion?,
        (None, None, None) => return none::credentials(params).ok_or(AuthError::Missing),
        _ => return Err(AuthError::Several),
    };
    match named {
        Some(other) if other != shown.client_id => Err(AuthError::Contradiction),
        _ => Ok(shown),
    }
}

/// Whether this is the client's own proof, of the kind that it is registered for.
async fn proves(app: &App, headers: &HeaderMap, client: &Client, proof: &Proof) -> Result<bool, AuthError> {
    let by_secret = |secret: &str| {
        let now = app.env.now();
        let found = client.accepts(&Digest::of(secret), now);
        if let Some(switch) = found {
            app.counters.used(&client.id, &switch.id, now);
        }
        found.is_some()
    };
    Ok(match (client.auth_method, proof) {
        (ClientAuthMethod::None, Proof::Nothing) => true,
        (ClientAuthMethod::ClientSecret | ClientAuthMethod::ClientSecretBasic, Proof::Basic(secret))
        | (ClientAuthMethod::ClientSecret | ClientAuthMethod::ClientSecretPost, Proof::Post(secret)) => {
            by_secret(secret)
        }
        (ClientAuthMethod::ClientSecretJwt | ClientAuthMethod::PrivateKeyJwt, Proof::Assertion(text)) => {
            let jwt = Jwt::parse(text).map_err(|error| AuthError::Assertion(error.into()))?;
            assertion::proves(app, client, &jwt).await?
        }
        (ClientAuthMethod::TlsClientAuth, Proof::Nothing) => certificate::of_authority(app, headers, client),
        (ClientAuthMethod::SelfSignedTlsClientAuth, Proof::Nothing) => certificate::is_registered(app, headers, client),
        _ => false,
    })
}
