//! What a token is bound to: its `cnf` (RFC 7800 §3.1).

use crate::claim_set::ClaimSet;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// What must be shown along with a token. With nothing, it is a bearer token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Binding {
    /// The thumbprint of the key that must have signed a DPoP proof (`jkt`, RFC 9449 §6.1).
    pub key: Option<Digest>,
    /// The digest of the certificate that the client must have authenticated its connection with (`x5t#S256`, RFC 8705
    /// §3.1).
    pub certificate: Option<Digest>,
}

impl Binding {
    /// Reads the `cnf` of a token.
    ///
    /// # Errors
    /// [`Refusal::Bound`] if it binds the token to something that is not checked here: taken as a bearer token it would
    /// be worth more than its issuer meant.
    pub fn of(claims: &ClaimSet) -> Result<Self, Refusal> {
        let Some(cnf) = claims.get("cnf") else { return Ok(Self::default()) };
        let members = cnf.as_object().filter(|members| !members.is_empty()).ok_or(Refusal::Bound)?;
        let mut binding = Self::default();
        for (name, value) in members {
            let digest = value.as_str().and_then(digest).ok_or(Refusal::Bound)?;
            match name.as_str() {
                "jkt" => binding.key = Some(digest),
                "x5t#S256" => binding.certificate = Some(digest),
                _ => return Err(Refusal::Bound),
            }
        }
        Ok(binding)
    }
}

fn digest(text: &str) -> Option<Digest> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_not_checked_here_is_refused() {
        let digest = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        let of = |cnf: Value| Binding::of(&ClaimSet::parse(json!({ "cnf": cnf }).to_string().as_bytes()).unwrap());
        assert_eq!(of(Value::Null), Ok(Binding::default()));
        assert!(of(json!({ "jkt": digest })).is_ok_and(|b| b.key.is_some() && b.certificate.is_none()));
        assert!(of(json!({ "x5t#S256": digest })).is_ok_and(|b| b.key.is_none() && b.certificate.is_some()));
        for bad in [
            json!({}),
            json!("x"),
            json!({ "jkt": "short" }),
            json!({ "jkt": 7 }),
            json!({ "kid": digest }),
            json!({ "jkt": digest, "jwk": {} }),
        ] {
            assert_eq!(of(bad.clone()), Err(Refusal::Bound), "{bad}");
        }
    }
}
