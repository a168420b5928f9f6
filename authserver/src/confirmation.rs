//! `cnf`: the key that whoever uses a token must hold (RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.1).

use serde::{Deserialize, Serialize};

/// What a token is bound to. Both may hold at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The RFC 7638 thumbprint of a DPoP key, base64url (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The SHA-256 of a certificate in DER, base64url (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

impl Confirmation {
    /// Whether nothing is bound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether whoever showed these keys may use what is bound to those.
    #[must_use]
    pub fn is_met_by(&self, shown: &Self) -> bool {
        let met = |bound: &Option<String>, shown: &Option<String>| bound.is_none() || bound == shown;
        met(&self.jkt, &shown.jkt) && met(&self.x5t_s256, &shown.x5t_s256)
    }

    /// `token_type` of a token with this binding (RFC 9449 §5).
    #[must_use]
    pub fn token_type(&self) -> &'static str {
        if self.jkt.is_some() { "DPoP" } else { "Bearer" }
    }
}
