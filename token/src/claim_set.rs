//! The claims of a token as they came, whatever they are: of a JWT (RFC 7519 §4) or of an introspection answer
//! (RFC 7662 §2.2). A name that comes twice is refused, as two readers could read it differently.

use crate::json;
use serde_json::{Map, Value};

/// A JSON object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClaimSet(Map<String, Value>);

/// A claim is of another type than it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a claim is of another type than it must be")]
pub struct WrongType;

impl ClaimSet {
    /// Reads JSON text; `None` if it is no object, or a member comes twice.
    #[must_use]
    pub fn parse(json: &[u8]) -> Option<Self> {
        match json::parse(json) {
            Ok(Value::Object(members)) => Some(Self(members)),
            _ => None,
        }
    }

    /// Takes the members of an object.
    #[must_use]
    pub fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A claim as it came; one that is null counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A claim that is text.
    ///
    /// # Errors
    /// [`WrongType`]
    pub fn text(&self, name: &str) -> Result<Option<&str>, WrongType> {
        self.get(name).map(|value| value.as_str().ok_or(WrongType)).transpose()
    }

    /// A claim that is a time (RFC 7519 §2, NumericDate): Unix time in seconds, fractions cut off.
    ///
    /// # Errors
    /// [`WrongType`], also for a time before 1970.
    pub fn seconds(&self, name: &str) -> Result<Option<u64>, WrongType> {
        self.get(name).map(|value| value.as_u64().or_else(|| whole(value)).ok_or(WrongType)).transpose()
    }

    /// A claim that is one text or a list of them, as `aud` is (RFC 7519 §4.1.3).
    ///
    /// # Errors
    /// [`WrongType`]
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, WrongType> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => many.iter().map(|one| one.as_str().ok_or(WrongType)).collect(),
            Some(_) => Err(WrongType),
        }
    }

    /// The scopes: `scope` (RFC 8693 §4.2) as text or as a list, or `scp` as other issuers have it.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let value = self.get("scope").or_else(|| self.get("scp"));
        let (one, many) = match value {
            Some(Value::String(text)) => (text.as_str(), [].as_slice()),
            Some(Value::Array(list)) => ("", list.as_slice()),
            _ => ("", [].as_slice()),
        };
        let texts = std::iter::once(one).chain(many.iter().filter_map(Value::as_str));
        texts.flat_map(|text| text.split(' ')).filter(|scope| !scope.is_empty())
    }

    /// The claim that a path leads to.
    #[must_use]
    pub fn at(&self, path: &ClaimPath) -> Option<&Value> {
        // A name may itself hold dots, as the URLs do that OpenID Connect Core §5.1.2 has for private claims.
        let whole = self.get(&path.text);
        let nested = || {
            let mut parts = path.text.split('.');
            let first = self.0.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.as_object()?.get(part)).filter(|value| !value.is_null())
        };
        whole.or_else(nested)
    }

    /// As JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Adds a claim.
    pub fn insert(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }
}

/// A number that is not written as a whole one.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_f64().filter(|number| (0.0..9e15).contains(number))?;
    // In this range every whole number is exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(number as u64)
}

/// Where a claim is: its name, or names parted by dots where it is nested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    text: String,
}

impl ClaimPath {
    /// Takes a path; `None` if a part of it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.split('.').any(str::is_empty)).then(|| Self { text: text.to_owned() })
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(value: &Value) -> ClaimSet {
        ClaimSet::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        assert_eq!(ClaimSet::parse(br#"{"a":1,"b":2,"a":1}"#), None);
        assert_eq!(ClaimSet::parse(b"[]"), None);
        assert_eq!(ClaimSet::parse(b"{} {}"), None);
        assert!(ClaimSet::parse(b"{}").is_some());
    }

    #[test]
    fn times_are_whole_seconds_and_never_negative() {
        let claims = set(&json!({ "a": 7, "b": 7.9, "c": -1, "d": "7", "e": 1e300, "f": null }));
        assert_eq!((claims.seconds("a"), claims.seconds("b")), (Ok(Some(7)), Ok(Some(7))));
        for wrong in ["c", "d", "e"] {
            assert_eq!(claims.seconds(wrong), Err(WrongType), "{wrong}");
        }
        assert_eq!((claims.seconds("f"), claims.seconds("g")), (Ok(None), Ok(None)));
    }

    #[test]
    fn scopes_come_in_four_ways() {
        for claims in [
            json!({ "scope": "a b" }),
            json!({ "scope": ["a", "b"] }),
            json!({ "scp": "a  b" }),
            json!({ "scp": ["a b"] }),
        ] {
            assert_eq!(set(&claims).scopes().collect::<Vec<_>>(), ["a", "b"], "{claims}");
        }
        assert_eq!(set(&json!({ "scope": 7 })).scopes().count(), 0);
    }

    #[test]
    fn a_path_leads_to_a_nested_claim() {
        let claims = set(&json!({ "a": { "b": { "c": 1 } }, "x.y": 2, "x": { "y": 3 }, "n": null }));
        let at = |path: &str| claims.at(&ClaimPath::new(path).unwrap()).cloned();
        assert_eq!(at("a.b.c"), Some(json!(1)));
        assert_eq!(at("x.y"), Some(json!(2)), "a whole name goes first");
        assert_eq!((at("a.c"), at("a.b.c.d"), at("n")), (None, None, None));
        assert!(ClaimPath::new("a..b").is_none() && ClaimPath::new("").is_none());
    }
}
