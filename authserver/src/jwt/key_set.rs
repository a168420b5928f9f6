//! The keys of one signer: a JWK Set (RFC 7517 §5), or certificates.

use super::{Algorithm, PublicKey};
use crate::x509;
use serde_json::Value;

/// The largest JWK Set that is read, in bytes.
pub(super) const MAX_SET: usize = 256 * 1024;
/// The most keys of a set.
const MAX_KEYS: usize = 256;

/// Public keys of one signer.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

/// Why there is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Over 256 KiB or 256 keys.
    #[error("the JWK Set is too large")]
    TooLarge,
    /// Not a JSON object with an array `keys`.
    #[error("not a JWK Set: a JSON object with an array named keys")]
    Syntax,
    /// A JWK Set without a key that is of use, or with a private one.
    #[error("the JWK Set holds no public key of use, or a private one")]
    Empty,
    /// Not a certificate, or with a key that is of no use.
    #[error("not a PEM certificate with an RSA key of 2048 bits or more, P-256, P-384 or Ed25519")]
    Certificate,
}

impl KeySet {
    /// Reads a JWK Set. Entries of no use are left out; a private key spoils the set, because whoever handed it over
    /// has to make another.
    ///
    /// # Errors
    /// [`KeySetError`]
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_SET {
            return Err(KeySetError::TooLarge);
        }
        Self::from_value(&serde_json::from_slice(json).map_err(|_| KeySetError::Syntax)?)
    }

    /// The same, of JSON that was read already.
    ///
    /// # Errors
    /// [`KeySetError`]
    pub fn from_value(set: &Value) -> Result<Self, KeySetError> {
        let entries = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Syntax)?;
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooLarge);
        }
        let read: Vec<_> = entries.iter().map(PublicKey::from_jwk).collect();
        if read.iter().any(|key| matches!(key, Err(super::JwkError::Private))) {
            return Err(KeySetError::Empty);
        }
        let keys: Vec<_> = read.into_iter().flatten().collect();
        if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(Self { keys }) }
    }

    /// Reads PEM certificates: their keys. Neither their times nor their issuers matter: they are pinned.
    ///
    /// # Errors
    /// [`KeySetError::Certificate`] if one is not a certificate or has no key of use.
    pub fn from_certificates<'a>(certificates: impl IntoIterator<Item = &'a str>) -> Result<Self, KeySetError> {
        let key = |pem: &str| {
            let certificate = x509::from_pem(pem).map_err(|_| KeySetError::Certificate)?;
            let spki = x509::public_key(&certificate).map_err(|_| KeySetError::Certificate)?;
            PublicKey::from_spki(&spki).map_err(|_| KeySetError::Certificate)
        };
        Ok(Self { keys: certificates.into_iter().map(key).collect::<Result<_, _>>()? })
    }

    /// A set of one.
    #[must_use]
    pub fn of(key: PublicKey) -> Self {
        Self { keys: vec![key] }
    }

    /// The keys of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that a signature with this `kid` and `alg` can be by: those of that name, and those without one.
    pub(super) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &PublicKey> {
        let named = move |key: &&PublicKey| kid.is_none() || key.kid().is_none() || key.kid() == kid;
        self.keys.iter().filter(named).filter(move |key| key.is_for(algorithm))
    }
}
