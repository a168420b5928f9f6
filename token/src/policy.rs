//! Route policy: which rule a request falls under. The first that matches decides; where none does, the request is denied.

use crate::path::{MatchPath, Pattern, PatternError};
use crate::scope::is_scope_token;
use hashbrown::HashMap;

/// A rule as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    /// Which paths.
    pub path: PathSpec,
    /// Which methods, in upper case; empty is all of them.
    pub methods: Vec<String>,
    /// What it takes to be let through.
    pub access: AccessSpec,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessSpec {
    /// Nothing.
    Anonymous,
    /// A good token that has all of these scopes.
    Scopes(Vec<String>),
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
    /// A scope that is none.
    #[error("{0:?} is not a scope (RFC 6749 section 3.3)")]
    Scope(String),
}

/// All rules, compiled.
#[derive(Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    scopes: HashMap<String, usize>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    methods: Vec<String>,
    access: Access,
}

/// What the rule that a request falls under demands.
#[derive(Debug)]
pub enum Access {
    /// Nothing.
    Anonymous,
    /// A good token with these scopes.
    Token(Required),
}

/// The scopes a rule requires.
#[derive(Debug)]
pub struct Required {
    bits: ScopeBits,
    text: String,
}

impl Required {
    /// The scopes, space-delimited, as a challenge names them.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a token with these scopes has all of them.
    #[must_use]
    pub fn met_by(&self, granted: &ScopeBits) -> bool {
        self.bits.0.iter().enumerate().all(|(i, word)| word & !granted.0.get(i).copied().unwrap_or(0) == 0)
    }
}

/// A set of the scopes that a [`Policy`] knows; of use with that policy only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeBits(Box<[u64]>);

impl Policy {
    /// Compiles rules, in the order in which they are tried.
    ///
    /// # Errors
    /// The index of the first rule that can't be used, and why.
    pub fn new(specs: Vec<RuleSpec>) -> Result<Self, (usize, RuleError)> {
        let mut policy = Self::default();
        for (index, spec) in specs.into_iter().enumerate() {
            let rule = policy.compile(spec).map_err(|error| (index, error))?;
            policy.rules.push(rule);
        }
        Ok(policy)
    }

    fn compile(&mut self, spec: RuleSpec) -> Result<Rule, RuleError> {
        let pattern = match spec.path {
            PathSpec::Path(path) => Pattern::path(&path)?,
            PathSpec::Prefix(prefix) => Pattern::prefix(&prefix)?,
        };
        if let Some(method) = spec.methods.iter().find(|m| m.is_empty() || !m.bytes().all(|b| b.is_ascii_uppercase())) {
            return Err(RuleError::Method(method.clone()));
        }
        let access = match spec.access {
            AccessSpec::Anonymous => Access::Anonymous,
            AccessSpec::Scopes(scopes) => {
                if let Some(bad) = scopes.iter().find(|scope| !is_scope_token(scope)) {
                    return Err(RuleError::Scope(bad.clone()));
                }
                for scope in &scopes {
                    let next = self.scopes.len();
                    self.scopes.entry_ref(scope.as_str()).or_insert(next);
                }
                let text = scopes.join(" ");
                Access::Token(Required { bits: self.bits(&text), text })
            }
        };
        Ok(Rule { pattern, methods: spec.methods, access })
    }

    /// What the first rule that matches demands; `None` if none does, and then the request is denied.
    #[must_use]
    pub fn find(&self, method: &[u8], path: &MatchPath<'_>) -> Option<&Access> {
        let by_method = |rule: &Rule| rule.methods.is_empty() || rule.methods.iter().any(|m| m.as_bytes() == method);
        self.rules.iter().find(|rule| by_method(rule) && rule.pattern.matches(path)).map(|rule| &rule.access)
    }

    /// The scopes of a token, as far as any rule asks for them.
    #[must_use]
    pub fn bits(&self, scope: &str) -> ScopeBits {
        let mut words = vec![0_u64; self.scopes.len().div_ceil(64)];
        for index in scope.split(' ').filter_map(|token| self.scopes.get(token)) {
            if let Some(word) = words.get_mut(index >> 6) {
                *word |= 1 << (index & 63);
            }
        }
        ScopeBits(words.into())
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
