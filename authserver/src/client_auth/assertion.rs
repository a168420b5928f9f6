//! `client_secret_jwt` and `private_key_jwt`: a JWT that the client made for this server, RFC 7523 §2.2.

use super::{AuthError, Credentials, Proof, SECRET};
use crate::assertion::{self, AssertionError};
use crate::http::{App, Params};
use crate::jwt::Jwt;
use crate::model::{Client, ClientAuthMethod};
use serde::Deserialize;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The assertion in the body, if there is one. It names the client (RFC 7521 §4.2), which `client_id` may repeat.
pub(super) fn credentials(params: &Params) -> Option<Result<Credentials, AuthError>> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let (kind, text) = (params.get("client_assertion_type"), params.get("client_assertion"));
    if kind.is_none() && text.is_none() {
        return None;
    }
    let refused = |reason| AuthError::Refused { reason, basic: false };
    let read = || {
        let text = text.ok_or(refused("client_assertion is missing"))?;
        if kind != Some(TYPE) {
            return Err(refused("client_assertion_type is missing or not one that is taken"));
        }
        let jwt = Jwt::parse(text).map_err(|error| AuthError::Assertion(error.into()))?;
        let subject: Subject = jwt.unverified().map_err(|error| AuthError::Assertion(error.into()))?;
        Ok(Credentials { client_id: subject.sub, proof: Proof::Assertion(text.to_owned()) })
    };
    Some(read())
}

/// Whether the client made the assertion, for this server, now, and did not use it before.
pub(super) async fn proves(app: &App, client: &Client, jwt: &Jwt<'_>) -> Result<bool, AuthError> {
    let only = client.options.token_endpoint_auth_signing_alg.as_deref();
    if only.is_some_and(|alg| alg != jwt.alg()) {
        return Ok(false);
    }
    let signed = match client.auth_method {
        ClientAuthMethod::ClientSecretJwt => {
            let Some(sealed) = &client.sealed_secret else { return Ok(false) };
            let Ok(secret) = app.sealer.open(SECRET, client.id.as_bytes(), sealed) else {
                tracing::error!(client = %client.id, "a client's secret does not open under the master key");
                return Ok(false);
            };
            jwt.verify_hmac(&secret).map_err(AssertionError::from)
        }
        _ => assertion::signed_by_client(app, client, jwt).await,
    };
    // What fails up to here could be anybody's guess, so it is answered as a wrong secret is.
    let Ok(payload) = signed else {
        if let Err(error) = signed {
            tracing::info!(client = %client.id, %error, "a client assertion was refused");
        }
        return Ok(false);
    };
    let claims = assertion::accept(app, jwt, payload).await.map_err(|error| match error {
        AssertionError::Store(error) => AuthError::Store(error),
        error => AuthError::Assertion(error),
    })?;
    // RFC 7523 §3: both are the client.
    Ok(claims.iss == client.id && claims.sub == client.id)
}
