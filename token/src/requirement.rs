//! What a rule requires of a token, compiled to facts that are compared by bits.

use crate::claim_set::{ClaimPath, ClaimSet};
use crate::policy::{Facts, RuleError};
use crate::refusal::Refusal;
use crate::scope::is_scope_token;
use serde_json::Value;

/// What a rule requires, as it is configured. Whatever is empty is not asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requirement {
    /// All of these scopes.
    pub scopes: Vec<String>,
    /// One of these scopes.
    pub any_scopes: Vec<String>,
    /// One of these audiences; they must be among the provider's.
    pub audiences: Vec<String>,
    /// One of these providers, by name.
    pub issuers: Vec<String>,
    /// One of these ways of signing in (`acr`), the best first.
    pub acr: Vec<String>,
    /// How long ago the person may have signed in, in seconds.
    pub max_age: Option<u64>,
    /// Claims, each of which must be so.
    pub claims: Vec<(ClaimPath, ClaimTest)>,
}

/// How a claim must be.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimTest {
    /// There, whatever it is.
    Present,
    /// One of these, or a list that holds one of them.
    OneOf(Vec<Value>),
}

/// Something that holds of a token or does not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    Scope(String),
    Audience(String),
    Issuer(String),
    Acr(String),
    Claim(ClaimPath, ClaimTest),
}

impl Fact {
    pub(crate) fn holds(&self, issuer: &str, claims: &ClaimSet) -> bool {
        match self {
            Self::Scope(scope) => claims.scopes().any(|granted| granted == scope),
            Self::Audience(audience) => claims.texts("aud").is_ok_and(|texts| texts.contains(&audience.as_str())),
            Self::Issuer(name) => name == issuer,
            Self::Acr(acr) => claims.text("acr").is_ok_and(|text| text == Some(acr)),
            Self::Claim(path, test) => claims.at(path).is_some_and(|value| test.holds(value)),
        }
    }
}

impl ClaimTest {
    fn holds(&self, value: &Value) -> bool {
        let Self::OneOf(wanted) = self else { return true };
        let listed = value.as_array().map(Vec::as_slice).unwrap_or_default();
        wanted.iter().any(|wanted| same(value, wanted) || listed.iter().any(|item| same(item, wanted)))
    }
}

/// Equality that does not tell `1` from `1.0`: a protobuf `Struct` knows only doubles.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}

/// What a rule requires, compiled.
#[derive(Debug, Clone, Default)]
pub struct Required {
    checks: Vec<Check>,
    max_age: Option<u64>,
    scope: String,
    acr_values: String,
}

/// Some facts, all of which must hold or one of which must, and what is answered where that is not so.
#[derive(Debug, Clone)]
struct Check {
    bits: Box<[u64]>,
    all: bool,
    refusal: Refusal,
}

impl Requirement {
    /// Compiles it; facts that are new are added to the list.
    pub(crate) fn compile(self, facts: &mut Vec<Fact>) -> Result<Required, RuleError> {
        let scopes = || self.scopes.iter().chain(&self.any_scopes);
        if let Some(bad) = scopes().find(|scope| !is_scope_token(scope)) {
            return Err(RuleError::Scope(bad.clone()));
        }
        let scope = scopes().map(String::as_str).collect::<Vec<_>>().join(" ");
        let mut required =
            Required { max_age: self.max_age, acr_values: self.acr.join(" "), scope, ..Required::default() };
        let mut check = |all: bool, refusal: Refusal, wanted: Vec<Fact>| {
            if !wanted.is_empty() {
                let bits = wanted.into_iter().fold(Vec::new(), |bits, fact| with_bit(bits, number(facts, fact)));
                required.checks.push(Check { bits: bits.into(), all, refusal });
            }
        };
        check(false, Refusal::RuleIssuer, self.issuers.into_iter().map(Fact::Issuer).collect());
        check(false, Refusal::Audience, self.audiences.into_iter().map(Fact::Audience).collect());
        check(false, Refusal::Authentication, self.acr.into_iter().map(Fact::Acr).collect());
        check(true, Refusal::InsufficientScope, self.scopes.into_iter().map(Fact::Scope).collect());
        check(false, Refusal::InsufficientScope, self.any_scopes.into_iter().map(Fact::Scope).collect());
        check(true, Refusal::RuleClaim, self.claims.into_iter().map(|(path, test)| Fact::Claim(path, test)).collect());
        Ok(required)
    }
}

fn number(facts: &mut Vec<Fact>, fact: Fact) -> usize {
    if let Some(index) = facts.iter().position(|known| *known == fact) {
        return index;
    }
    facts.push(fact);
    facts.len().saturating_sub(1)
}

fn with_bit(mut bits: Vec<u64>, index: usize) -> Vec<u64> {
    if bits.len() <= index >> 6 {
        bits.resize((index >> 6).saturating_add(1), 0);
    }
    if let Some(word) = bits.get_mut(index >> 6) {
        *word |= 1 << (index & 63);
    }
    bits
}

impl Required {
    /// The scopes, space-delimited, as a challenge names them.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The ways of signing in that do, space-delimited (RFC 9470 §3).
    #[must_use]
    pub fn acr_values(&self) -> &str {
        &self.acr_values
    }

    /// How long ago the person may have signed in, in seconds (RFC 9470 §3).
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        self.max_age
    }

    /// What a token lacks first, if anything.
    pub(crate) fn first_missing(&self, facts: &Facts, auth_time: Option<u64>, now: u64) -> Option<Refusal> {
        let missing = self.checks.iter().find(|check| !check.holds(facts)).map(|check| check.refusal);
        let old = |max_age: u64| auth_time.is_none_or(|time| now > time.saturating_add(max_age));
        missing.or_else(|| self.max_age.is_some_and(old).then_some(Refusal::Authentication))
    }
}

impl Check {
    fn holds(&self, facts: &Facts) -> bool {
        let mut words = self.bits.iter().zip(facts.0.iter().copied().chain(std::iter::repeat(0)));
        if self.all {
            words.all(|(bits, facts)| bits & !facts == 0)
        } else {
            words.any(|(bits, facts)| bits & facts != 0)
        }
    }
}
