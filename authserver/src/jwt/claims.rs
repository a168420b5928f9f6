//! Claims that come in more than one form.

use serde::{Deserialize, Serialize};

/// A NumericDate (RFC 7519 §2): a number, which may have a fraction; or the same as text, which some issuers send.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum NumericDate {
    /// As the RFC has it.
    Seconds(i64),
    /// With a fraction.
    Fraction(f64),
    /// As a text.
    Text(String),
}

impl NumericDate {
    /// Unix time in whole seconds; of a text only if `text_allowed`.
    #[must_use]
    pub fn seconds(&self, text_allowed: bool) -> Option<i64> {
        match self {
            Self::Seconds(seconds) => Some(*seconds),
            // The comparisons also refuse what is not a number; 2^53 is where whole seconds end.
            #[allow(clippy::cast_possible_truncation, reason = "bounded by the comparison")]
            Self::Fraction(seconds) => (seconds.abs() < 9_007_199_254_740_992.0).then(|| seconds.floor() as i64),
            Self::Text(text) => text.parse().ok().filter(|_| text_allowed),
        }
    }
}

/// `aud`: one text or a list (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// The special case of one.
    One(String),
    /// The general case.
    Many(Vec<String>),
}

impl Audience {
    /// Whether one of them is accepted.
    #[must_use]
    pub fn any(&self, accepted: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => accepted(one),
            Self::Many(many) => many.iter().any(|one| accepted(one)),
        }
    }
}
