//! Route policy: which rule a request falls under, and what that demands. The first rule that matches decides; where none
//! does, the request is denied.
//!
//! Whatever any rule asks of a token is a *fact*: has this scope, is for this audience, has such a claim. All facts of a
//! token are found once, when it is verified ([`Policy::facts`]); a rule then compares bits.

use crate::claim_set::ClaimSet;
use crate::path::{MatchPath, Pattern, PatternError};
use crate::refusal::Refusal;
use crate::requirement::{Fact, Required, Requirement};

/// A rule as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// Which requests.
    pub matches: MatchSpec,
    /// What it takes to be let through.
    pub access: AccessSpec,
}

/// Which requests a rule is for: all that is said must be so.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchSpec {
    /// Which paths.
    pub path: PathSpec,
    /// Which methods, in upper case; empty is all of them.
    pub methods: Vec<String>,
    /// Which hosts, without a port: a name, or `*.` and a name for all below it; empty is all of them.
    pub hosts: Vec<String>,
    /// Which headers there must be: name in lower case, and the value, or any.
    pub headers: Vec<(String, Option<String>)>,
}

/// Which paths a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSpec {
    /// One path, or with `{name}` segments a template: each stands for exactly one segment that is not empty.
    Path(String),
    /// A path and everything below it, by whole segments: `/a` holds `/a` and `/a/b`, not `/ab`.
    Prefix(String),
}

/// What it takes to be let through.
#[derive(Debug, Clone, PartialEq)]
pub enum AccessSpec {
    /// Nothing.
    Anonymous,
    /// Nothing; but a token that does come must be good, and meet these.
    Optional(Requirement),
    /// A good token that meets these.
    Token(Requirement),
    /// What the policy of this name demands.
    Policy(String),
}

/// Why a rule can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The path or prefix.
    #[error(transparent)]
    Path(#[from] PatternError),
    /// A method that is not an upper-case token.
    #[error("{0:?} is not an HTTP method in upper case")]
    Method(String),
    /// A host that is none.
    #[error("{0:?} is not a host name without a port, or \"*.\" and one")]
    Host(String),
    /// A scope that is none.
    #[error("{0:?} is not a scope (RFC 6749 section 3.3)")]
    Scope(String),
    /// A policy that is not there.
    #[error("there is no policy {0:?}")]
    Policy(String),
}

/// A request as far as rules look at it.
pub trait Target {
    /// The method.
    fn method(&self) -> &[u8];
    /// The host, with its port if it has one.
    fn host(&self) -> &[u8];
    /// Whether this header is there, with this value if one is given: then there must be one such header and no more.
    fn has_header(&self, name: &str, value: Option<&str>) -> bool;
}

/// All rules, compiled.
#[derive(Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    named: Vec<(String, Access)>,
    facts: Vec<Fact>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    matches: MatchSpec,
    access: Access,
}

/// What the rule that a request falls under demands.
#[derive(Debug, Clone)]
pub enum Access {
    /// Nothing.
    Anonymous,
    /// Nothing, but a token that comes must do.
    Optional(Required),
    /// A good token.
    Token(Required),
}

impl Access {
    /// What a token must have, where one is looked at.
    #[must_use]
    pub fn required(&self) -> Option<&Required> {
        match self {
            Self::Anonymous => None,
            Self::Optional(required) | Self::Token(required) => Some(required),
        }
    }
}

/// The facts that hold of a token, of those that a [`Policy`] asks for; of use with that policy only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(pub(crate) Box<[u64]>);

impl Policy {
    /// Compiles rules, in the order in which they are tried, and policies, by their names.
    ///
    /// # Errors
    /// Where the first thing is that can't be used (`rules[0]`, `policies.name`), and why.
    pub fn new(
        rules: Vec<RuleSpec>,
        named: impl IntoIterator<Item = (String, AccessSpec)>,
    ) -> Result<Self, (String, RuleError)> {
        let mut policy = Self::default();
        for (name, spec) in named {
            let access = policy.access(spec).map_err(|error| (format!("policies.{name}"), error))?;
            policy.named.push((name, access));
        }
        for (index, spec) in rules.into_iter().enumerate() {
            let rule = policy.compile(spec).map_err(|error| (format!("rules[{index}]"), error))?;
            policy.rules.push(rule);
        }
        Ok(policy)
    }

    fn compile(&mut self, spec: RuleSpec) -> Result<Rule, RuleError> {
        let mut matches = spec.matches;
        let pattern = match &matches.path {
            PathSpec::Path(path) => Pattern::path(path)?,
            PathSpec::Prefix(prefix) => Pattern::prefix(prefix)?,
        };
        if let Some(method) =
            matches.methods.iter().find(|m| m.is_empty() || !m.bytes().all(|b| b.is_ascii_uppercase()))
        {
            return Err(RuleError::Method(method.clone()));
        }
        matches.hosts = matches.hosts.into_iter().map(host_pattern).collect::<Result<_, _>>()?;
        let access = self.access(spec.access)?;
        Ok(Rule { pattern, matches, access })
    }

    fn access(&mut self, spec: AccessSpec) -> Result<Access, RuleError> {
        Ok(match spec {
            AccessSpec::Anonymous => Access::Anonymous,
            AccessSpec::Optional(requirement) => Access::Optional(requirement.compile(&mut self.facts)?),
            AccessSpec::Token(requirement) => Access::Token(requirement.compile(&mut self.facts)?),
            AccessSpec::Policy(name) => self.named(&name).cloned().ok_or(RuleError::Policy(name))?,
        })
    }

    /// What the first rule that matches demands; `None` if none does, and then the request is denied.
    #[must_use]
    pub fn find(&self, target: &impl Target, path: &MatchPath<'_>) -> Option<&Access> {
        self.find_for(target.method(), target, path)
    }

    /// As [`Policy::find`], as if the request had another method.
    #[must_use]
    pub fn find_for(&self, method: &[u8], target: &impl Target, path: &MatchPath<'_>) -> Option<&Access> {
        self.rules.iter().find(|rule| rule.fits(method, target, path)).map(|rule| &rule.access)
    }

    /// Whether a method is one of those that rules name, but for its case. Methods are case-sensitive (RFC 9110 §9.1), but not
    /// every server knows: which rule is for it depends on who reads it.
    #[must_use]
    pub fn is_ambiguous(&self, method: &[u8]) -> bool {
        let named = |rule: &Rule| rule.matches.methods.iter().any(|m| m.as_bytes().eq_ignore_ascii_case(method));
        method.iter().any(u8::is_ascii_lowercase) && self.rules.iter().any(named)
    }

    /// What the policy of this name demands.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Access> {
        self.named.iter().find(|(other, _)| other == name).map(|(_, access)| access)
    }

    /// What holds of a token, as far as any rule asks. `issuer` is the name of its provider.
    #[must_use]
    pub fn facts(&self, issuer: &str, claims: &ClaimSet) -> Facts {
        let mut words = vec![0_u64; self.facts.len().div_ceil(64)];
        for (index, fact) in self.facts.iter().enumerate() {
            if let Some(word) = words.get_mut(index >> 6).filter(|_| fact.holds(issuer, claims)) {
                *word |= 1 << (index & 63);
            }
        }
        Facts(words.into())
    }
}

impl Rule {
    fn fits(&self, method: &[u8], target: &impl Target, path: &MatchPath<'_>) -> bool {
        let MatchSpec { methods, hosts, headers, .. } = &self.matches;
        (methods.is_empty() || methods.iter().any(|m| m.as_bytes() == method))
            && self.pattern.matches(path)
            && is_among(hosts, target.host())
            && headers.iter().all(|(name, value)| target.has_header(name, value.as_deref()))
    }
}

/// A host without a port, or `*.` and one for all below it, as [`is_among`] takes it.
///
/// # Errors
/// [`RuleError::Host`]
pub fn host_pattern(mut host: String) -> Result<String, RuleError> {
    let name = host.strip_prefix("*.").unwrap_or(&host);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b);
    let port = name.rsplit_once(':').is_some_and(|(name, _)| !name.starts_with('['));
    if name.is_empty() || port || !name.bytes().all(plain) {
        return Err(RuleError::Host(host));
    }
    host.make_ascii_lowercase();
    Ok(host)
}

/// Whether a request's authority names one of these hosts; no hosts are all of them.
#[must_use]
pub fn is_among(hosts: &[String], authority: &[u8]) -> bool {
    hosts.is_empty() || hosts.iter().any(|host| is_host(host.as_bytes(), authority))
}

/// Whether a request's authority names the host, in lower case, or one below it.
fn is_host(wanted: &[u8], authority: &[u8]) -> bool {
    let port = authority.iter().rposition(|b| *b == b':').filter(|at| {
        // The colons within brackets are an address's.
        authority.get(at.saturating_add(1)..).is_some_and(|port| port.iter().all(u8::is_ascii_digit))
    });
    let host = authority.get(..port.unwrap_or(authority.len())).unwrap_or(authority);
    // A name with a dot at its end is the same name (RFC 1034 §3.1).
    let host = host.strip_suffix(b".").unwrap_or(host);
    match wanted.strip_prefix(b"*") {
        Some(suffix) => {
            let at = host.len().saturating_sub(suffix.len());
            host.split_at_checked(at).is_some_and(|(name, end)| !name.is_empty() && end.eq_ignore_ascii_case(suffix))
        }
        None => host.eq_ignore_ascii_case(wanted),
    }
}

/// For a rule's answer: what the token lacks.
impl Required {
    /// Whether a token meets it. `now` and the token's `auth_time` are Unix time in seconds.
    ///
    /// # Errors
    /// [`Refusal`] that says what is missing.
    pub fn check(&self, facts: &Facts, auth_time: Option<u64>, now: u64) -> Result<(), Refusal> {
        self.first_missing(facts, auth_time, now).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
