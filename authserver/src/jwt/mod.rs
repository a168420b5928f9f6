//! JWTs that others sign: assertions (RFC 7523), request objects (RFC 9101), DPoP proofs (RFC 9449). One verifier for
//! all of them, on aws-lc.
//!
//! A [`Jwt`] is taken apart by [`Jwt::parse`]; nothing in it is believed until [`Jwt::verify`] (public keys) or
//! [`Jwt::verify_hmac`] gave its payload. Which algorithms a signature may use is the key's to say (RFC 8725 §3.1):
//! `alg` can only agree with it. `none` is no algorithm here, and a public key is never an HMAC secret.
//!
//! Whose keys: [`KeySet`] from a JWK Set, from certificates, or by URL through [`RemoteKeys`]. What the claims must
//! say is the caller's; [`NumericDate`] and [`Audience`] read the two that come in several forms.

mod algorithm;
mod claims;
mod destinations;
mod key;
mod key_set;
mod remote;
#[cfg(test)]
mod tests;

pub use algorithm::{Algorithm, Hmac};
pub use claims::{Audience, NumericDate};
pub use destinations::Destinations;
pub use key::{JwkError, PublicKey};
pub use key_set::{KeySet, KeySetError};
pub use remote::{FetchError, RemoteKeys};

use aws_lc_rs::hmac;
use bearward_token::jws::{Compact, Extensions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// How many keys of a set are tried for a signature that names none.
pub(crate) const MAX_TRIED: usize = 8;

/// A JWT in compact form, taken apart. It is not believed.
#[derive(Debug)]
pub struct Jwt<'a> {
    compact: Compact<'a>,
    header: Header,
}

/// The members of a JOSE header that are looked at (RFC 7515 §4.1).
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    jwk: Option<serde_json::Value>,
    #[serde(default)]
    crit: Option<Extensions>,
}

/// Why a JWT is not believed. None of the texts repeats anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not three parts of base64url with JSON objects in the first two, or over 8 KiB; or a member is there twice.
    #[error("not a well-formed JWT")]
    Malformed,
    /// It names extensions that must be understood (`crit`), and none is.
    #[error("the JWT has critical extensions")]
    Critical,
    /// `alg` is `none`, or one that is not verified here, or of the wrong kind.
    #[error("the JWT's alg is not one that is accepted")]
    Algorithm,
    /// No key fits `kid` and `alg`. New keys may have been published since they were fetched.
    #[error("no key fits the JWT's kid and alg")]
    NoKey,
    /// A key fits, and the signature is not by it.
    #[error("the JWT's signature is wrong")]
    Signature,
}

impl<'a> Jwt<'a> {
    /// Takes a JWT apart.
    ///
    /// # Errors
    /// [`JwtError::Malformed`], [`JwtError::Critical`].
    pub fn parse(text: &'a str) -> Result<Self, JwtError> {
        let compact = Compact::parse(text).map_err(|_| JwtError::Malformed)?;
        let header: Header = serde_json::from_slice(&compact.header).map_err(|_| JwtError::Malformed)?;
        if header.crit.is_some() {
            return Err(JwtError::Critical);
        }
        Ok(Self { compact, header })
    }

    /// `alg`, as the header says it.
    #[must_use]
    pub fn alg(&self) -> &str {
        &self.header.alg
    }

    /// `typ` in lower case and without `application/` before it (RFC 7515 §4.1.9).
    #[must_use]
    pub fn typ(&self) -> Option<Cow<'_, str>> {
        let typ = self.header.typ.as_deref()?.to_ascii_lowercase();
        Some(typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ).into())
    }

    /// The key in the header (RFC 7515 §4.1.3), for proofs of possession: it says who signed only if something else
    /// says that the key is theirs. `None` if there is none.
    ///
    /// # Errors
    /// [`JwkError`] if it is not a public key that is of use.
    pub fn embedded_key(&self) -> Option<Result<PublicKey, JwkError>> {
        self.header.jwk.as_ref().map(PublicKey::from_jwk)
    }

    /// What was signed: the header and the payload, still encoded.
    #[must_use]
    pub fn signing_input(&self) -> &str {
        str::from_utf8(self.compact.signing_input).unwrap_or_default()
    }

    /// The claims, to find out whose keys to verify with. Nothing else may be done with them.
    ///
    /// # Errors
    /// [`JwtError::Malformed`] if they are not as `T` has them.
    pub fn unverified<T: DeserializeOwned>(&self) -> Result<T, JwtError> {
        serde_json::from_slice(&self.compact.payload).map_err(|_| JwtError::Malformed)
    }

    /// The payload (JSON), if one of these keys signed it.
    ///
    /// # Errors
    /// [`JwtError::Algorithm`], [`JwtError::NoKey`], [`JwtError::Signature`].
    pub fn verify(&self, keys: &KeySet) -> Result<&[u8], JwtError> {
        let algorithm = Algorithm::from_name(&self.header.alg).ok_or(JwtError::Algorithm)?;
        let mut candidates = keys.candidates(self.header.kid.as_deref(), algorithm).take(MAX_TRIED).peekable();
        candidates.peek().ok_or(JwtError::NoKey)?;
        let signed = candidates.any(|key| self.is_signed_by(key, algorithm));
        if signed { Ok(&self.compact.payload) } else { Err(JwtError::Signature) }
    }

    /// The payload (JSON), if this key signed it, whatever `kid` says.
    ///
    /// # Errors
    /// [`JwtError::Algorithm`] if the key is not for that algorithm, [`JwtError::Signature`].
    pub fn verify_with(&self, key: &PublicKey) -> Result<&[u8], JwtError> {
        let algorithm = Algorithm::from_name(&self.header.alg).ok_or(JwtError::Algorithm)?;
        if !key.is_for(algorithm) {
            return Err(JwtError::Algorithm);
        }
        if self.is_signed_by(key, algorithm) { Ok(&self.compact.payload) } else { Err(JwtError::Signature) }
    }

    /// The payload (JSON), if it carries an HMAC under this secret (RFC 7518 §3.2).
    ///
    /// # Errors
    /// [`JwtError::Algorithm`] if `alg` is not an HMAC, [`JwtError::Signature`].
    pub fn verify_hmac(&self, secret: &[u8]) -> Result<&[u8], JwtError> {
        let algorithm = Hmac::from_name(&self.header.alg).ok_or(JwtError::Algorithm)?;
        let key = hmac::Key::new(algorithm.parameters(), secret);
        match hmac::verify(&key, self.compact.signing_input, &self.compact.signature) {
            Ok(()) => Ok(&self.compact.payload),
            Err(_) => Err(JwtError::Signature),
        }
    }

    fn is_signed_by(&self, key: &PublicKey, algorithm: Algorithm) -> bool {
        key.verify(algorithm, self.compact.signing_input, &self.compact.signature)
    }
}
