//! An access token, believed step by step: RFC 9068 §4, RFC 8725.
//!
//! [`Unverified`] → [`Unverified::check`] → [`Checked`] → [`Checked::verify`] → [`Verified`]. Each step costs more than
//! the one before and may only refuse; nothing but the last one says yes, so a caller can't use a claim too early.

use crate::claims::{ACCESS_TOKEN_TYPE, Claims};
use crate::feed::Subject;
use crate::jwk::PublicKey;
use crate::jws::{Algorithm, Compact, Header};
use crate::refusal::Refusal;
use crate::signature::{SignatureError, SignatureVerifier};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a provider expects of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The issuer, compared exactly.
    pub issuer: String,
    /// The audiences that are served here; a token must be for one of them.
    pub audiences: Vec<String>,
    /// How far clocks may be apart, in seconds.
    pub clock_skew: u64,
}

/// A token that was read; nothing in it is to be believed.
#[derive(Debug)]
pub struct Unverified<'a> {
    compact: &'a Compact<'a>,
    header: Header<'a>,
    claims: Claims<'a>,
    limits: Limits,
    algorithm: Algorithm,
}

/// Claims that only refuse, so they are nobody's to read.
#[derive(Debug, Deserialize)]
struct Limits {
    #[serde(default)]
    nbf: Option<u64>,
    #[serde(default)]
    cnf: Option<IgnoredAny>,
}

impl<'a> Unverified<'a> {
    /// Reads the header and the claims of a token that was taken apart.
    ///
    /// # Errors
    /// [`Refusal`] if it can't be an access token that is accepted here, whatever its issuer.
    pub fn parse(compact: &'a Compact<'a>) -> Result<Self, Refusal> {
        let header: Header<'a> = serde_json::from_slice(&compact.header).map_err(|_| Refusal::MalformedToken)?;
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let algorithm = Algorithm::from_name(&header.alg).ok_or(Refusal::Algorithm)?;
        if !header.typ.as_deref().is_some_and(is_access_token_type) {
            return Err(Refusal::TokenType);
        }
        let claims: Claims<'a> = serde_json::from_slice(&compact.payload).map_err(|_| Refusal::MalformedToken)?;
        let limits: Limits = serde_json::from_slice(&compact.payload).map_err(|_| Refusal::MalformedToken)?;
        if limits.cnf.is_some() {
            return Err(Refusal::Bound);
        }
        Ok(Self { compact, header, claims, limits, algorithm })
    }

    /// The issuer it claims, by which its provider is found.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Checks what costs little: issuer, audience and times.
    ///
    /// `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn check(self, expected: &Expectation, now: u64) -> Result<Checked<'a>, Refusal> {
        let latest = now.saturating_add(expected.clock_skew);
        if *self.claims.iss != *expected.issuer {
            return Err(Refusal::Issuer);
        }
        if now >= self.claims.exp.saturating_add(expected.clock_skew) {
            return Err(Refusal::Expired);
        }
        // A token from the future could slip under the cutoff of a later revocation.
        if self.claims.iat > latest || self.limits.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(Refusal::NotYetValid);
        }
        if !self.claims.aud.iter().any(|aud| expected.audiences.iter().any(|ours| ours == aud)) {
            return Err(Refusal::Audience);
        }
        Ok(Checked(self))
    }
}

/// `at+jwt`, alone or as a media type (RFC 9068 §4), in any case (RFC 7515 §4.1.9).
fn is_access_token_type(typ: &str) -> bool {
    let name = match typ.split_at_checked(12) {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case("application/") => name,
        _ => typ,
    };
    name.eq_ignore_ascii_case(ACCESS_TOKEN_TYPE)
}

/// A token that would be good if its signature were.
#[derive(Debug)]
pub struct Checked<'a>(Unverified<'a>);

impl<'a> Checked<'a> {
    /// The key it names.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.header.kid.as_deref()
    }

    /// The algorithm it claims; for finding the key of a token that names none.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Checks the signature with the issuer's key.
    ///
    /// # Errors
    /// [`Refusal::Algorithm`] if the key is for another; [`Refusal::Signature`]; [`Refusal::Unavailable`] if the
    /// verifier could not tell.
    pub fn verify(self, key: &PublicKey, verifier: &impl SignatureVerifier) -> Result<Verified<'a>, Refusal> {
        let Self(token) = self;
        if key.algorithm() != token.algorithm {
            return Err(Refusal::Algorithm);
        }
        match verifier.verify(key, token.compact.signing_input, &token.compact.signature) {
            Ok(()) => Ok(Verified { claims: token.claims }),
            Err(SignatureError::Invalid) => Err(Refusal::Signature),
            Err(SignatureError::Unavailable) => Err(Refusal::Unavailable),
        }
    }
}

/// A token whose issuer said what it says.
#[derive(Debug)]
pub struct Verified<'a> {
    claims: Claims<'a>,
}

impl<'a> Verified<'a> {
    /// The claims.
    #[must_use]
    pub fn claims(&self) -> &Claims<'a> {
        &self.claims
    }

    /// What a revocation could name it by.
    #[must_use]
    pub fn handle(&self) -> Handle {
        let token = Subject::Token(&self.claims.jti).key();
        Handle {
            keys: [
                token,
                self.claims.gid.as_deref().map_or(token, |gid| Subject::Grant(gid).key()),
                Subject::Client(&self.claims.client_id).key(),
                Subject::Person(&self.claims.sub).key(),
            ],
            iat: self.claims.iat,
        }
    }
}

/// What a revocation could name a token by: the feed's keys of its `jti`, `gid`, `client_id` and `sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle {
    /// The keys; a token without a grant has its own twice.
    pub keys: [u64; 4],
    /// When it was issued; Unix time in seconds.
    pub iat: u64,
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
