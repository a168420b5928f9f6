//! Proof Key for Code Exchange, RFC 7636, method S256 only.

use crate::model::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// Why a code verifier was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// The code had a challenge, the request has no verifier.
    #[error("code_verifier is missing")]
    Missing,
    /// The verifier does not give the challenge.
    #[error("code_verifier does not match the code_challenge")]
    Mismatch,
    /// A verifier for a code without challenge: a downgrade (RFC 9700 §4.8.2).
    #[error("code_verifier was sent for a code that had no code_challenge")]
    Downgrade,
}

/// Whether this can be an S256 challenge: 32 bytes as base64url.
#[must_use]
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Checks a token request's verifier against the code's challenge.
///
/// # Errors
/// [`PkceError`]
pub(crate) fn check(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), PkceError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(PkceError::Downgrade),
        (Some(_), None) => Err(PkceError::Missing),
        (Some(challenge), Some(verifier)) => {
            let computed = URL_SAFE_NO_PAD.encode(Digest::of(verifier).0);
            let matches: bool = computed.as_bytes().ct_eq(challenge.as_bytes()).into();
            if is_verifier(verifier) && matches { Ok(()) } else { Err(PkceError::Mismatch) }
        }
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_holds() {
        assert!(is_challenge(CHALLENGE));
        assert_eq!(check(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
        assert_eq!(check(None, None), Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(check(Some(CHALLENGE), None), Err(PkceError::Missing));
        assert_eq!(check(Some(CHALLENGE), Some(CHALLENGE)), Err(PkceError::Mismatch));
        assert_eq!(check(None, Some(VERIFIER)), Err(PkceError::Downgrade));
        // Short enough to guess, although it gives the challenge.
        let short = URL_SAFE_NO_PAD.encode(Digest::of("short").0);
        assert_eq!(check(Some(&short), Some("short")), Err(PkceError::Mismatch));
        assert!(!is_challenge("short") && !is_challenge(&"=".repeat(43)));
    }
}
