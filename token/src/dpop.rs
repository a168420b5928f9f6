//! DPoP proofs, RFC 9449 §4: that whoever sends a token holds the key it is bound to.

use crate::binding::Digest;
use crate::claim_set::ClaimSet;
use crate::jwk::{PublicKey, thumbprint};
use crate::jws::{Algorithm, Compact};
use crate::signature::{SignatureError, SignatureVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// The algorithms of proofs: those that a host checks quickly, and EdDSA.
pub const ALGORITHMS: [Algorithm; 6] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::RS256, Algorithm::PS256, Algorithm::RS512];
/// The longest `jti` of a proof, in bytes.
const MAX_JTI: usize = 256;

/// The request that a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The method.
    pub method: &'a str,
    /// The scheme, host and port that the client sees: `https://api.example`.
    pub origin: &'a str,
    /// The path as it was sent, without its query.
    pub path: &'a str,
    /// The token that comes with it.
    pub token: &'a str,
    /// Unix time in seconds.
    pub now: u64,
    /// How old a proof may be, and how far in the future, in seconds.
    pub window: u64,
}

/// What a good proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of the key that signed it.
    pub key: Digest,
    /// A digest of its `jti` and key, which may be used once.
    pub id: Digest,
    /// When it was made; Unix time in seconds.
    pub iat: u64,
    /// The nonce that it carries.
    pub nonce: Option<String>,
}

/// Why a proof is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not a DPoP proof, or not for this request, token or time.
    #[error("the DPoP proof is not valid")]
    Invalid,
    /// Nobody could check its signature.
    #[error("no verifier for signatures")]
    Unavailable,
}

impl From<crate::claim_set::WrongType> for ProofError {
    fn from(_: crate::claim_set::WrongType) -> Self {
        Self::Invalid
    }
}

impl Proof {
    /// Checks a proof (RFC 9449 §4.3), all but that it is used once and that its nonce is one of ours.
    ///
    /// # Errors
    /// [`ProofError`]
    pub fn check(proof: &str, expected: &Expected<'_>, verifier: &impl SignatureVerifier) -> Result<Self, ProofError> {
        let compact = Compact::parse(proof).map_err(|_| ProofError::Invalid)?;
        let header = ClaimSet::parse(&compact.header).ok_or(ProofError::Invalid)?;
        let claims = ClaimSet::parse(&compact.payload).ok_or(ProofError::Invalid)?;
        let algorithm = header.text("alg")?.and_then(Algorithm::from_name).ok_or(ProofError::Invalid)?;
        let jwk = header.get("jwk").ok_or(ProofError::Invalid)?;
        let public = jwk.get("d").is_none() && jwk.get("k").is_none();
        let typed = header.text("typ")?.is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt"));
        if !typed || !public || header.get("crit").is_some() || !ALGORITHMS.contains(&algorithm) {
            return Err(ProofError::Invalid);
        }
        let iat = claims.seconds("iat")?.ok_or(ProofError::Invalid)?;
        let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(expected.token));
        let jti = claims.text("jti")?.filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI);
        let for_this = claims.text("htm")? == Some(expected.method)
            && claims.text("htu")?.is_some_and(|htu| same_uri(htu, expected.origin, expected.path))
            && claims.text("ath")? == Some(ath.as_str())
            && iat <= expected.now.saturating_add(expected.window)
            && expected.now <= iat.saturating_add(expected.window);
        let (Some(jti), true) = (jti, for_this) else { return Err(ProofError::Invalid) };
        let thumbprint = thumbprint(jwk).ok_or(ProofError::Invalid)?;
        let accepted = Some([algorithm].into_iter().collect());
        let key = PublicKey::from_jwk(jwk, accepted).map_err(|_| ProofError::Invalid)?;
        match verifier.verify(&key, algorithm, compact.signing_input, &compact.signature) {
            Ok(()) => {}
            Err(SignatureError::Invalid) => return Err(ProofError::Invalid),
            Err(SignatureError::Unavailable) => return Err(ProofError::Unavailable),
        }
        let id = Sha256::new().chain_update(thumbprint).chain_update(jti).finalize().into();
        let nonce = claims.text("nonce")?.map(str::to_owned);
        Ok(Self { key: thumbprint, id, iat, nonce })
    }
}

/// A URI with its escapes written in one way (RFC 3986 §6.2.2.1, §6.2.2.2): none for what needs none, the others in
/// capitals. What is no escape stays as it is.
#[must_use]
pub fn plain_escapes(uri: &str) -> Cow<'_, str> {
    let Some((first, rest)) = uri.split_once('%') else { return Cow::Borrowed(uri) };
    let mut plain = first.to_owned();
    for part in rest.split('%') {
        let byte = part.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match (byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()), part.get(2..)) {
            (Some(byte), Some(after)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
                plain.push_str(after);
            }
            (Some(_), Some(after)) => {
                plain.push('%');
                plain.push_str(&byte.unwrap_or_default().to_ascii_uppercase());
                plain.push_str(after);
            }
            _ => {
                plain.push('%');
                plain.push_str(part);
            }
        }
    }
    Cow::Owned(plain)
}

/// Whether `htu` names this origin and path (RFC 9449 §4.3, items 9 and 12): scheme and host in any case, a default port
/// or none (RFC 3986 §6.2.3), escapes in one way (§6.2.2), query and fragment left aside.
fn same_uri(htu: &str, origin: &str, path: &str) -> bool {
    let parts = |uri: &'_ str| {
        let (scheme, rest) = uri.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at_checked(end)?;
        let path = plain_escapes(path.split(['?', '#']).next().unwrap_or_default()).into_owned();
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let port = match scheme.as_str() {
            "https" => ":443",
            "http" => ":80",
            _ => return None,
        };
        let host = host.strip_suffix(port).unwrap_or(&host).to_owned();
        Some((scheme, host, if path.is_empty() { "/".to_owned() } else { path }))
    };
    let (said, is) = (parts(htu), parts(&format!("{origin}{path}")));
    said.is_some() && said == is
}

#[cfg(test)]
#[path = "dpop_tests.rs"]
mod tests;
