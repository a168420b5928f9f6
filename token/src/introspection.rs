//! Signed answers of an introspection endpoint, RFC 9701 §5: a JWT whose `token_introspection` is what RFC 7662 §2.2 has.

use crate::claim_set::ClaimSet;
use crate::jwk::KeySet;
use crate::jws::{Algorithm, Compact};
use crate::signature::SignatureVerifier;
use serde_json::Value;

/// The `typ` of an answer's header.
pub const TYPE: &str = "token-introspection+jwt";
/// The media type to ask for.
pub const MEDIA_TYPE: &str = "application/token-introspection+jwt";
/// How old an answer may be besides what clocks may differ, in seconds: it was asked for a moment ago.
const FRESH: u64 = 60;

/// What a signed answer must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// Who gives it (`iss`).
    pub issuer: String,
    /// Whom it is given to (`aud`): the client that asks.
    pub audience: String,
    /// How far clocks may be apart, in seconds.
    pub clock_skew: u64,
}

/// Why a text is not a good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not a JWS in compact form with JSON in it, or a claim of it is missing or of another type.
    #[error("not a signed answer")]
    Form,
    /// Another kind of JWT, an access token for instance; or one with extensions that must be understood.
    #[error("a JWT that is no introspection answer")]
    Type,
    /// From another issuer, or for another client.
    #[error("an answer of another issuer, or for another client")]
    Address,
    /// From another time.
    #[error("an answer that is not of now")]
    Time,
    /// Signed by a key that is not in the set.
    #[error("an answer signed by an unknown key")]
    Key,
    /// Not signed by that key, or by an algorithm that is not for it.
    #[error("an answer whose signature is not valid")]
    Signature,
}

impl Addressed {
    /// Verifies an answer; gives what it says of the token. `now` is Unix time in seconds; `most` is how long the answer
    /// may be, in bytes.
    ///
    /// # Errors
    /// [`AnswerError`]
    pub fn verify(
        &self,
        answer: &[u8],
        most: usize,
        keys: &KeySet,
        verifier: &impl SignatureVerifier,
        now: u64,
    ) -> Result<ClaimSet, AnswerError> {
        let answer = str::from_utf8(answer).map_err(|_| AnswerError::Form)?.trim_ascii();
        let compact = Compact::parse_up_to(answer, most).map_err(|_| AnswerError::Form)?;
        let (header, claims) = (ClaimSet::parse(&compact.header), ClaimSet::parse(&compact.payload));
        let (header, claims) = header.zip(claims).ok_or(AnswerError::Form)?;
        let typ = text(&header, "typ");
        if !(typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case(MEDIA_TYPE)) || header.get("crit").is_some() {
            return Err(AnswerError::Type);
        }
        let for_us = claims.texts("aud").is_ok_and(|all| all.contains(&self.audience.as_str()));
        if !for_us || text(&claims, "iss") != self.issuer {
            return Err(AnswerError::Address);
        }
        let given = claims.seconds("iat").ok().flatten().ok_or(AnswerError::Form)?;
        let (latest, oldest) = (now.saturating_add(self.clock_skew), given.saturating_add(self.clock_skew));
        if given > latest || now > oldest.saturating_add(FRESH) {
            return Err(AnswerError::Time);
        }
        let algorithm = Algorithm::from_name(text(&header, "alg")).ok_or(AnswerError::Signature)?;
        let kid = header.text("kid").map_err(|_| AnswerError::Form)?;
        let key = keys.find(kid, algorithm).ok_or(AnswerError::Key)?;
        if !key.permits(algorithm) {
            return Err(AnswerError::Signature);
        }
        let signed = verifier.verify(key, algorithm, compact.signing_input, &compact.signature);
        signed.map_err(|_| AnswerError::Signature)?;
        match claims.get("token_introspection") {
            Some(Value::Object(members)) => Ok(ClaimSet::new(members.clone())),
            _ => Err(AnswerError::Form),
        }
    }
}

/// A member that is text; empty if it is not there or something else.
fn text<'a>(claims: &'a ClaimSet, name: &str) -> &'a str {
    claims.text(name).ok().flatten().unwrap_or_default()
}
