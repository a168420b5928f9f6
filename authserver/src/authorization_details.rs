//! Rich authorization requests, RFC 9396: `authorization_details`, checked against registered types.

use crate::model::{AuthorizationField, AuthorizationType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest parameter, in bytes: it travels in links and in tokens.
const MAX_SIZE: usize = 4096;
/// The most details in one request.
const MAX_DETAILS: usize = 16;

/// Details that were asked for or granted: JSON objects, each with a `type` (RFC 9396 §2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationDetails(Vec<Map<String, Value>>);

/// Why details were refused: `invalid_authorization_details` (RFC 9396 §5). The texts hold nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum DetailsError {
    /// Not a JSON array of objects with a `type` each, or too large.
    Syntax,
    /// The server or the client's registration does not know the type.
    Type,
    /// The type has no such field.
    Field,
    /// A field has a value that its type does not allow.
    Value,
    /// A field that the type requires is missing.
    Missing,
    /// A token request asks for what was not granted (RFC 9396 §6).
    NotGranted,
}

impl DetailsError {
    /// The `error_description`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Syntax => "authorization_details must be a JSON array of objects, each with a type",
            Self::Type => "a type of authorization_details is not known, or not one that the client may ask for",
            Self::Field => "authorization_details hold a field that their type does not have",
            Self::Value => "a field of authorization_details has a value that its type does not allow",
            Self::Missing => "authorization_details lack a field that their type requires",
            Self::NotGranted => "authorization_details that were not granted cannot be asked for",
        }
    }
}

impl AuthorizationDetails {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each object, with its `type`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        self.0.iter().map(|detail| (kind(detail), detail))
    }

    /// Reads the parameter and checks it against the types that are registered and that the client may ask for.
    ///
    /// # Errors
    /// [`DetailsError`]
    pub fn parse(text: &str, types: &[AuthorizationType], allowed: &[String]) -> Result<Self, DetailsError> {
        let details: Self = Self::read(text)?;
        for (name, detail) in details.iter() {
            let kind = types.iter().find(|t| t.name == name && allowed.contains(&t.name)).ok_or(DetailsError::Type)?;
            check(kind, detail)?;
        }
        Ok(details)
    }

    /// What a token request asks for of these, which were granted (RFC 9396 §6): each as it was granted.
    ///
    /// # Errors
    /// [`DetailsError::Syntax`], [`DetailsError::NotGranted`]
    pub fn narrowed(&self, text: &str) -> Result<Self, DetailsError> {
        let asked = Self::read(text)?;
        if asked.0.iter().all(|detail| self.0.contains(detail)) { Ok(asked) } else { Err(DetailsError::NotGranted) }
    }

    /// Those of these types.
    #[must_use]
    pub fn of_types(&self, allowed: &[String]) -> Self {
        Self(self.0.iter().filter(|detail| allowed.iter().any(|name| name == kind(detail))).cloned().collect())
    }

    fn read(text: &str) -> Result<Self, DetailsError> {
        if text.len() > MAX_SIZE {
            return Err(DetailsError::Syntax);
        }
        let details: Self = serde_json::from_str(text).map_err(|_| DetailsError::Syntax)?;
        let well_formed = (1..=MAX_DETAILS).contains(&details.0.len()) && details.iter().all(|(t, _)| !t.is_empty());
        if well_formed { Ok(details) } else { Err(DetailsError::Syntax) }
    }
}

fn kind(detail: &Map<String, Value>) -> &str {
    detail.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn check(kind: &AuthorizationType, detail: &Map<String, Value>) -> Result<(), DetailsError> {
    for (name, value) in detail.iter().filter(|(name, _)| *name != "type") {
        let field = kind.fields.get(name).ok_or(DetailsError::Field)?;
        if !fits(name, field, value) {
            return Err(DetailsError::Value);
        }
    }
    let complete = kind.fields.iter().all(|(name, field)| !field.required || detail.contains_key(name));
    if complete { Ok(()) } else { Err(DetailsError::Missing) }
}

/// The fields that RFC 9396 §2.2 names have the shape it gives them; others any.
fn fits(name: &str, field: &AuthorizationField, value: &Value) -> bool {
    let shape = match name {
        "locations" | "actions" | "datatypes" | "privileges" => texts(value).is_some(),
        "identifier" => value.is_string(),
        _ => !value.is_null(),
    };
    let listed = field.values.is_empty()
        || texts(value).is_some_and(|texts| texts.iter().all(|text| field.values.iter().any(|v| v == text)))
        || value.as_str().is_some_and(|text| field.values.iter().any(|v| v == text));
    shape && listed
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// A value in words, for the consent page: texts as they are, lists with commas, objects as `name value`.
#[must_use]
pub fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", in_words(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payment() -> AuthorizationType {
        let field = |title: &str, required, values: &[&str]| AuthorizationField {
            title: title.into(),
            required,
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        };
        AuthorizationType {
            name: "payment".into(),
            title: "Make a payment".into(),
            description: String::new(),
            fields: [
                ("actions".to_owned(), field("May", true, &["initiate", "cancel"])),
                ("amount".to_owned(), field("Amount", false, &[])),
            ]
            .into(),
        }
    }

    #[test]
    fn details_are_held_to_their_type() {
        let parse = |value: Value| AuthorizationDetails::parse(&value.to_string(), &[payment()], &["payment".into()]);
        let good =
            json!([{ "type": "payment", "actions": ["initiate"], "amount": { "value": "12", "currency": "EUR" } }]);
        let details = parse(good.clone()).unwrap();
        assert_eq!(serde_json::to_value(&details).unwrap(), good);
        assert_eq!(details.narrowed(&good.to_string()), Ok(details.clone()));
        let other = json!([{ "type": "payment", "actions": ["cancel"] }]);
        assert_eq!(details.narrowed(&other.to_string()), Err(DetailsError::NotGranted));
        for (bad, why) in [
            (json!({ "type": "payment" }), DetailsError::Syntax),
            (json!([]), DetailsError::Syntax),
            (json!(["payment"]), DetailsError::Syntax),
            (json!([{ "actions": ["initiate"] }]), DetailsError::Syntax),
            (json!([{ "type": 7 }]), DetailsError::Syntax),
            (json!([{ "type": "other" }]), DetailsError::Type),
            (json!([{ "type": "payment", "actions": ["initiate"], "x": 1 }]), DetailsError::Field),
            (json!([{ "type": "payment", "actions": ["steal"] }]), DetailsError::Value),
            (json!([{ "type": "payment", "actions": "initiate" }]), DetailsError::Value),
            (json!([{ "type": "payment", "actions": ["initiate"], "amount": null }]), DetailsError::Value),
            (json!([{ "type": "payment" }]), DetailsError::Missing),
        ] {
            assert_eq!(parse(bad.clone()), Err(why), "{bad}");
        }
        assert_eq!(AuthorizationDetails::parse("[", &[], &[]), Err(DetailsError::Syntax));
        let huge = format!("[{}]", "[".repeat(5000));
        assert_eq!(AuthorizationDetails::parse(&huge, &[], &[]), Err(DetailsError::Syntax));
        let known = AuthorizationDetails::parse(&other.to_string(), &[payment()], &[]);
        assert_eq!(known, Err(DetailsError::Type), "the client is not registered for it");
    }

    #[test]
    fn values_are_shown_in_words() {
        assert_eq!(in_words(&json!({ "currency": "EUR", "value": 12.5 })), "currency EUR, value 12.5");
        assert_eq!(in_words(&json!(["a", "b"])), "a, b");
    }
}
