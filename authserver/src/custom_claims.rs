//! Claims of an operator's own: name and value pairs that travel from a client's registration or a grant into the
//! access token, introspection and token info.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most claims in a set.
pub const MAX_CLAIMS: usize = 32;
/// The longest name, in bytes.
const MAX_NAME: usize = 64;
/// The largest set as JSON, in bytes: it is part of every token, and tokens travel in headers.
const MAX_SIZE: usize = 2048;

/// Names that mean something already: in the token (RFC 7519, 9068, 8693, 8705, 9396), in introspection (RFC 7662
/// §2.2) or in token info.
const RESERVED: [&str; 30] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "gid",
    "exchanged_from",
    "exchanged_by",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "cnf",
    "act",
    "may_act",
    "authorization_details",
    "nonce",
    "sid",
    "events",
    "active",
    "token_type",
    "username",
    "audience",
    "user_id",
    "expires_in",
    "error",
];

/// Why claims were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// The name has a meaning of its own.
    #[error("the claim {0} is reserved")]
    Reserved(String),
    /// The name is empty, too long, or holds a control character.
    #[error("a claim's name has 1 to {MAX_NAME} bytes and no control characters")]
    Name,
    /// The value is an object, a list of other than texts, or null.
    #[error("the claim {0} has to be a text, a number, true or false, or a list of texts")]
    Value(String),
    /// Too many, or too much.
    #[error("there are at most {MAX_CLAIMS} claims of {MAX_SIZE} bytes together")]
    TooMuch,
}

/// A set of claims whose names and values are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct CustomClaims(Map<String, Value>);

impl CustomClaims {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// These claims, and those of the other that have other names.
    ///
    /// # Errors
    /// [`ClaimsError::TooMuch`]
    pub fn or(&self, other: &Self) -> Result<Self, ClaimsError> {
        let mut all = other.0.clone();
        all.extend(self.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self::try_from(all)
    }

    /// The claims' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Checks the name of a claim, for where its value is not known yet.
///
/// # Errors
/// [`ClaimsError::Name`], [`ClaimsError::Reserved`]
pub fn check_name(name: &str) -> Result<(), ClaimsError> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(ClaimsError::Name);
    }
    if is_custom(name) { Ok(()) } else { Err(ClaimsError::Reserved(name.to_owned())) }
}

/// Whether a claim of this name is one of the operator's own.
#[must_use]
pub fn is_custom(name: &str) -> bool {
    !RESERVED.contains(&name)
}

impl TryFrom<Map<String, Value>> for CustomClaims {
    type Error = ClaimsError;

    fn try_from(claims: Map<String, Value>) -> Result<Self, Self::Error> {
        for (name, value) in &claims {
            check_name(name)?;
            let fits = match value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
                Value::Array(items) => items.iter().all(Value::is_string),
                Value::Null | Value::Object(_) => false,
            };
            if !fits {
                return Err(ClaimsError::Value(name.clone()));
            }
        }
        let size = serde_json::to_vec(&claims).map_or(usize::MAX, |json| json.len());
        if claims.len() > MAX_CLAIMS || size > MAX_SIZE { Err(ClaimsError::TooMuch) } else { Ok(Self(claims)) }
    }
}

impl From<CustomClaims> for Map<String, Value> {
    fn from(claims: CustomClaims) -> Self {
        claims.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<CustomClaims, String> {
        serde_json::from_value(value).map_err(|e| e.to_string())
    }

    #[test]
    fn names_and_values_that_are_allowed_are_kept() {
        let claims =
            read(json!({ "tier": "gold", "https://x.example/n": 7, "beta": true, "teams": ["a", "b"] })).unwrap();
        assert_eq!(serde_json::to_value(&claims).unwrap()["teams"], json!(["a", "b"]));
        let over = read(json!({ "tier": "silver", "other": "x" })).unwrap();
        let merged: Map<String, Value> = claims.or(&over).unwrap().into();
        assert_eq!((&merged["tier"], &merged["other"], merged.len()), (&json!("gold"), &json!("x"), 5));
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_refused() {
        for name in RESERVED {
            assert!(read(json!({ name: "x" })).unwrap_err().contains("reserved"), "{name}");
        }
        for value in [json!(null), json!({}), json!([1]), json!([["a"]])] {
            assert!(read(json!({ "a": value })).is_err());
        }
        assert!(read(json!({ "": "x" })).is_err() && read(json!({ "a\n": "x" })).is_err());
        assert!(read(json!({ "n".repeat(65): "x" })).is_err() && read(json!({ "a": "x".repeat(2048) })).is_err());
        let many: Map<String, Value> = (0..33).map(|i| (format!("c{i}"), json!(1))).collect();
        assert_eq!(CustomClaims::try_from(many), Err(ClaimsError::TooMuch));
    }
}
