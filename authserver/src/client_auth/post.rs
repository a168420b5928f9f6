//! `client_secret_post`: id and secret in the form body, RFC 6749 §2.3.1.

use super::{AuthError, Credentials, Proof};
use crate::http::Params;
use zeroize::Zeroizing;

/// The credentials in the body, if it holds a secret.
pub(super) fn credentials(params: &Params) -> Option<Result<Credentials, AuthError>> {
    let secret = Zeroizing::new(params.get("client_secret")?.to_owned());
    let client_id = params.get("client_id").map(str::to_owned).ok_or(AuthError::Missing);
    Some(client_id.map(|client_id| Credentials { client_id, proof: Proof::Post(secret) }))
}
