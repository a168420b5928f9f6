//! Signing keys, and sealing under the master key.

pub mod lifecycle;
pub mod reseal;
mod ring;
mod seal;
mod signing;
#[cfg(test)]
mod tests;

pub use ring::KeyRing;
pub use seal::{Sealer, open_under_token, seal_under_token};
pub use signing::ALGORITHMS;

use crate::jwt::Algorithm;
use crate::storage::StoreError;
use bearward_token::claims::{ACCESS_TOKEN_TYPE, Claims};

/// Why a key operation failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key is not the one the database was sealed under, or stored bytes were changed.
    #[error("the master key does not open what the database holds")]
    Sealed,
    /// One text that neither of two master keys opens.
    #[error("neither master_key nor other_master_key opens the {what} {name}")]
    Unopened {
        /// What it is.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// The cryptographic library refused.
    #[error("cryptography: {0}")]
    Crypto(&'static str),
}

/// Signs, publishes and verifies with the keys in the database; kept up to date with [`crate::storage::Changes`].
pub trait Keys: Send + Sync + 'static {
    /// A signed access token (`typ: at+jwt`) over these claims, with the key that is active now.
    ///
    /// # Errors
    /// [`KeyError`] if no key can sign.
    fn sign(&self, claims: &Claims<'_>) -> Result<String, KeyError> {
        let payload = serde_json::to_vec(claims).map_err(|_| KeyError::Crypto("claims that are no JSON"))?;
        self.sign_as(ACCESS_TOKEN_TYPE, &payload)
    }
    /// A signed JWT of this `typ` over these claims (JSON text), with the key that is active now.
    ///
    /// # Errors
    /// [`KeyError`] if no key can sign.
    fn sign_as(&self, typ: &str, payload: &[u8]) -> Result<String, KeyError> {
        self.sign_with(None, typ, payload)
    }
    /// The same with a key of this algorithm; `None` for the usual one.
    ///
    /// # Errors
    /// [`KeyError`] if no key can sign, or none of this algorithm.
    fn sign_with(&self, algorithm: Option<Algorithm>, typ: &str, payload: &[u8]) -> Result<String, KeyError>;
    /// The payload (JSON) of a token that one of the published keys signed; `None` otherwise. Checks `alg`, `kid`,
    /// `typ`, `crit` and the signature; not time, issuer or audience.
    fn verify(&self, token: &str) -> Option<Vec<u8>>;
    /// The algorithms (JWA names) that it signs with, the usual one first.
    fn algorithms(&self) -> Vec<&'static str>;
    /// The JWK Set (RFC 7517 §5) to publish, JSON text.
    fn jwks(&self) -> std::sync::Arc<str>;
}
