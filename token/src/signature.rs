//! Signatures of JWS, RFC 7518 §3: one trait, and a verifier in pure Rust for where the host has none.

use crate::jwk::{Material, PublicKey};
use p256::ecdsa::Signature as EcdsaSignature;
use p256::ecdsa::signature::Verifier as _;
use rsa::pkcs1v15;
use sha2::Sha256;

/// Checks a signature. Implemented by the host's `verify_signature` in the filter and by [`PureRust`].
pub trait SignatureVerifier {
    /// Whether `signature`, as it stands in the token, is the key's over `message`.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`] if it is not; [`SignatureError::Unavailable`] if nobody could tell.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError>;
}

/// Why a signature did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not the key's, or not a signature.
    #[error("the signature is not valid")]
    Invalid,
    /// The verifier does not work here; another may.
    #[error("no verifier for signatures")]
    Unavailable,
}

/// The verifier in pure Rust: about 1 ms a signature in Envoy, so only where the host has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct PureRust;

impl SignatureVerifier for PureRust {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        match key.material() {
            Material::P256(key) => {
                let signature = EcdsaSignature::from_slice(signature).map_err(|_| SignatureError::Invalid)?;
                key.verify(message, &signature).map_err(|_| SignatureError::Invalid)
            }
            Material::Rsa(key) => {
                let signature = pkcs1v15::Signature::try_from(signature).map_err(|_| SignatureError::Invalid)?;
                let key = pkcs1v15::VerifyingKey::<Sha256>::new(key.as_ref().clone());
                key.verify(message, &signature).map_err(|_| SignatureError::Invalid)
            }
        }
    }
}

/// The signature as X.509 and so the host writes it: ECDSA's `r || s` (RFC 7518 §3.4) becomes a DER sequence of two
/// integers; RSA's stays as it is.
///
/// # Errors
/// [`SignatureError::Invalid`] for what can't be a signature by this key: a wrong length, r or s out of range.
pub fn to_der<'a>(key: &PublicKey, signature: &'a [u8]) -> Result<std::borrow::Cow<'a, [u8]>, SignatureError> {
    match key.material() {
        Material::P256(_) => {
            let signature = EcdsaSignature::from_slice(signature).map_err(|_| SignatureError::Invalid)?;
            Ok(signature.to_der().as_bytes().to_vec().into())
        }
        Material::Rsa(_) => Ok(signature.into()),
    }
}
