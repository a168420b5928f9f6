//! An access token, believed step by step: RFC 9068 §4, RFC 8725.
//!
//! [`Unverified`] → [`Unverified::check`] → [`Checked`] → [`Checked::verify`] → [`Verified`]. Each step costs more than
//! the one before and may only refuse; nothing but the last one says yes, so a caller can't use a claim too early. What
//! an introspection endpoint says of a token becomes the same [`Verified`], by the same checks.

use crate::binding::Binding;
use crate::claim_set::{ClaimSet, WrongType};
use crate::claims::ACCESS_TOKEN_TYPE;
use crate::feed::Subject;
use crate::jwk::PublicKey;
use crate::jws::{Algorithm, Compact};
use crate::refusal::Refusal;
use crate::signature::{SignatureError, SignatureVerifier};

/// What a provider expects of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The issuer, compared exactly.
    pub issuer: String,
    /// The audiences that are served here; a token must be for one of them.
    pub audiences: Vec<String>,
    /// How far clocks may be apart, in seconds.
    pub clock_skew: u64,
    /// The media types that a JWT's header may name (`typ`); the empty one stands for a header that names none.
    pub types: Vec<String>,
    /// Claims that a JWT must have besides `iss`, `aud` and `exp`.
    pub required_claims: Vec<String>,
    /// Claims that an introspection answer must have: all of them are optional there (RFC 7662 §2.2), so none unless said.
    pub required_of_answers: Vec<String>,
}

impl Expectation {
    /// What RFC 9068 asks of an access token: `typ` is `at+jwt` (§4), and `sub`, `client_id`, `iat` and `jti` are there
    /// (§2.2). Clocks may be a minute apart.
    #[must_use]
    pub fn rfc9068(issuer: String, audiences: Vec<String>) -> Self {
        let required_claims = ["sub", "client_id", "iat", "jti"].map(str::to_owned).to_vec();
        let types = vec![ACCESS_TOKEN_TYPE.to_owned()];
        Self { issuer, audiences, clock_skew: 60, types, required_claims, required_of_answers: Vec::new() }
    }

    fn accepts_type(&self, typ: &str) -> bool {
        // RFC 7515 §4.1.9: a media type without its `application/`, in any case.
        let name = match typ.split_at_checked(12) {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case("application/") => name,
            _ => typ,
        };
        self.types.iter().any(|accepted| accepted.eq_ignore_ascii_case(name))
    }

    /// Checks audience and times. `now` is Unix time in seconds.
    fn check(&self, claims: &ClaimSet, now: u64) -> Result<(), Refusal> {
        let latest = now.saturating_add(self.clock_skew);
        let passed = |exp: u64| now >= exp.saturating_add(self.clock_skew);
        if claims.seconds("exp")?.is_some_and(passed) {
            return Err(Refusal::Expired);
        }
        // A token from the future could slip under the cutoff of a later revocation.
        let ahead = |time: Option<u64>| time.is_some_and(|time| time > latest);
        if ahead(claims.seconds("iat")?) || ahead(claims.seconds("nbf")?) {
            return Err(Refusal::NotYetValid);
        }
        let audiences = claims.texts("aud")?;
        if !audiences.iter().any(|aud| self.audiences.iter().any(|ours| ours == aud)) {
            return Err(Refusal::Audience);
        }
        // Read by type once, so that whoever asks later is told.
        for name in ["sub", "client_id", "jti", "gid", "acr"] {
            claims.text(name)?;
        }
        claims.texts("exchanged_from")?;
        claims.texts("exchanged_by")?;
        claims.seconds("auth_time")?;
        Ok(())
    }
}

impl From<WrongType> for Refusal {
    fn from(_: WrongType) -> Self {
        Self::MalformedToken
    }
}

/// A token that was read; nothing in it is to be believed.
#[derive(Debug)]
pub struct Unverified<'a> {
    compact: &'a Compact<'a>,
    header: ClaimSet,
    claims: ClaimSet,
    algorithm: Algorithm,
}

impl<'a> Unverified<'a> {
    /// Reads the header and the claims of a token that was taken apart.
    ///
    /// # Errors
    /// [`Refusal`] if it can't be an access token that is accepted here, whatever its issuer.
    pub fn parse(compact: &'a Compact<'a>) -> Result<Self, Refusal> {
        let header = ClaimSet::parse(&compact.header).ok_or(Refusal::MalformedToken)?;
        if header.get("crit").is_some() {
            return Err(Refusal::Critical);
        }
        header.text("kid")?;
        header.text("typ")?;
        let name = header.text("alg")?.ok_or(Refusal::MalformedToken)?;
        let algorithm = Algorithm::from_name(name).ok_or(Refusal::Algorithm)?;
        let claims = ClaimSet::parse(&compact.payload).ok_or(Refusal::MalformedToken)?;
        if claims.text("iss")?.is_none() || claims.seconds("exp")?.is_none() {
            return Err(Refusal::MalformedToken);
        }
        Ok(Self { compact, header, claims, algorithm })
    }

    /// The issuer it claims, by which its provider is found.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.claims.text("iss").ok().flatten().unwrap_or_default()
    }

    /// Checks what costs little: type, issuer, audience, times, and that the required claims are there.
    ///
    /// `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn check(self, expected: &Expectation, now: u64) -> Result<Checked<'a>, Refusal> {
        if !expected.accepts_type(self.header.text("typ")?.unwrap_or_default()) {
            return Err(Refusal::TokenType);
        }
        if self.issuer() != expected.issuer {
            return Err(Refusal::Issuer);
        }
        expected.check(&self.claims, now)?;
        has_all(&self.claims, &expected.required_claims)?;
        let binding = Binding::of(&self.claims)?;
        Ok(Checked(self, binding))
    }
}

/// Whether an answer is about a refresh token: endpoints are asked about these too (RFC 7662 §2.1), and servers say so in ways of
/// their own (Ory Hydra `token_use`, Keycloak `typ`).
fn is_refresh_token(claims: &ClaimSet) -> bool {
    let is = |name, kind| claims.text(name).ok().flatten().is_some_and(|text| text.eq_ignore_ascii_case(kind));
    is("token_use", "refresh_token") || is("token_type", "refresh_token") || is("typ", "Refresh")
}

fn has_all(claims: &ClaimSet, required: &[String]) -> Result<(), Refusal> {
    if required.iter().all(|name| claims.get(name).is_some()) { Ok(()) } else { Err(Refusal::MissingClaim) }
}

/// A token that would be good if its signature were.
#[derive(Debug)]
pub struct Checked<'a>(Unverified<'a>, Binding);

impl Checked<'_> {
    /// The key it names.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.header.text("kid").ok().flatten()
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
    pub fn verify(self, key: &PublicKey, verifier: &impl SignatureVerifier) -> Result<Verified, Refusal> {
        let Self(token, binding) = self;
        if !key.permits(token.algorithm) {
            return Err(Refusal::Algorithm);
        }
        match verifier.verify(key, token.algorithm, token.compact.signing_input, &token.compact.signature) {
            Ok(()) => Ok(Verified { claims: token.claims, binding }),
            Err(SignatureError::Invalid) => Err(Refusal::Signature),
            Err(SignatureError::Unavailable) => Err(Refusal::Unavailable),
        }
    }
}

/// A token whose issuer said what it says.
#[derive(Debug)]
pub struct Verified {
    claims: ClaimSet,
    binding: Binding,
}

impl Verified {
    /// What the issuer's introspection endpoint said of a token (RFC 7662 §2.2), checked as a JWT's claims are.
    ///
    /// `iss` and `exp` may be absent there, and `aud` must be there. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`Refusal::Inactive`] unless `active` is true, and nothing else that looks like it; [`Refusal`]
    pub fn introspected(mut claims: ClaimSet, expected: &Expectation, now: u64) -> Result<Self, Refusal> {
        if claims.get("active").and_then(serde_json::Value::as_bool) != Some(true) {
            return Err(Refusal::Inactive);
        }
        if is_refresh_token(&claims) {
            return Err(Refusal::TokenType);
        }
        if claims.text("iss")?.is_some_and(|issuer| issuer != expected.issuer) {
            return Err(Refusal::Issuer);
        }
        claims.insert("iss", expected.issuer.as_str().into());
        expected.check(&claims, now)?;
        has_all(&claims, &expected.required_of_answers)?;
        let binding = Binding::of(&claims)?;
        Ok(Self { claims, binding })
    }

    /// The claims.
    #[must_use]
    pub fn claims(&self) -> &ClaimSet {
        &self.claims
    }

    /// What the token is bound to.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// When it stops being valid, Unix time in seconds; an introspected token may not say.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.claims.seconds("exp").ok().flatten()
    }

    /// When the person signed in; Unix time in seconds (RFC 9068 §2.2.1).
    #[must_use]
    pub fn auth_time(&self) -> Option<u64> {
        self.claims.seconds("auth_time").ok().flatten()
    }

    /// What a revocation could name it by.
    #[must_use]
    pub fn handle(&self) -> Handle {
        let text = |name| self.claims.text(name).ok().flatten();
        Handle {
            keys: [
                text("jti").map(|jti| Subject::Token(jti).key()),
                text("gid").map(|gid| Subject::Grant(gid).key()),
                text("client_id").map(|client| Subject::Client(client).key()),
                text("sub").map(|sub| Subject::Person(sub).key()),
            ],
            exchanged_from: {
                let texts = |name| self.claims.texts(name).unwrap_or_default().into_iter();
                let tokens = texts("exchanged_from").map(|jti| Subject::Token(jti).key());
                tokens.chain(texts("exchanged_by").map(|client| Subject::Client(client).key())).collect()
            },
            // Without a time it is older than any cutoff.
            iat: self.claims.seconds("iat").ok().flatten().unwrap_or(0),
        }
    }
}

/// What a revocation could name a token by: the feed's keys of its `jti`, `gid`, `client_id` and `sub`, and of the tokens
/// that it was exchanged from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// The keys of what the token has.
    pub keys: [Option<u64>; 4],
    /// The keys of the tokens that it was exchanged from (`exchanged_from`), and of the clients those were issued to
    /// (`exchanged_by`).
    pub exchanged_from: Box<[u64]>,
    /// When it was issued; Unix time in seconds.
    pub iat: u64,
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
