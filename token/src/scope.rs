//! Scope values, RFC 6749 §3.3: a list of space-delimited, case-sensitive strings.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A set of scope tokens. Order does not matter (RFC 6749 §3.3); it prints sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeSet(BTreeSet<String>);

/// A character that RFC 6749 §3.3 does not allow in a scope token, or an empty token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is printable ASCII without space, double quote and backslash (RFC 6749 section 3.3)")]
pub struct ScopeError;

/// Whether this is one scope token of RFC 6749 §3.3: `1*( %x21 / %x23-5B / %x5D-7E )`.
#[must_use]
pub fn is_scope_token(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl ScopeSet {
    /// Reads a space-delimited list. The empty string is the empty set; runs of spaces count as one.
    ///
    /// # Errors
    /// [`ScopeError`] if a token holds a character that is not allowed.
    pub fn parse(s: &str) -> Result<Self, ScopeError> {
        let tokens = s.split(' ').filter(|t| !t.is_empty());
        tokens
            .map(|t| if is_scope_token(t) { Ok(t.to_owned()) } else { Err(ScopeError) })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the set holds this token.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of this set is in the other.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The tokens in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The tokens in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The tokens of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, token) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeError;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        Self::parse(&s)
    }
}

impl From<ScopeSet> for String {
    fn from(set: ScopeSet) -> Self {
        set.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_set() {
        let set = ScopeSet::parse("orders:write orders:read  orders:write").unwrap();
        assert_eq!(set.to_string(), "orders:read orders:write");
        assert!(set.contains("orders:read") && !set.contains("orders"));
        assert_eq!(ScopeSet::parse("").unwrap().to_string(), "");
    }

    #[test]
    fn what_the_grammar_forbids_is_refused() {
        for bad in ["a\"b", "a\\b", "a\tb", "a\nb", "é", "\u{7f}", "\0"] {
            assert_eq!(ScopeSet::parse(bad), Err(ScopeError), "{bad:?}");
        }
    }
}
