//! `authorization_details` (RFC 9396) in words.

use crate::authorization_details::{AuthorizationDetails, in_words};
use crate::model::AuthorizationType;

/// One of the details.
pub struct DetailWords<'a> {
    /// What it is.
    pub title: &'a str,
    /// One sentence more.
    pub description: &'a str,
    /// Its fields: the word for each, and its value.
    pub fields: Vec<(&'a str, String)>,
}

/// The words for each of the details; a type or a field that nobody described is shown by its name.
#[must_use]
pub fn details<'a>(details: &'a AuthorizationDetails, types: &'a [AuthorizationType]) -> Vec<DetailWords<'a>> {
    let describe = |(name, detail): (&'a str, &'a serde_json::Map<String, serde_json::Value>)| {
        let kind = types.iter().find(|kind| kind.name == name);
        let fields = detail.iter().filter(|(field, _)| *field != "type").map(|(field, value)| {
            let title = kind.and_then(|kind| kind.fields.get(field)).map(|field| field.title.as_str());
            (title.filter(|title| !title.is_empty()).unwrap_or(field), in_words(value))
        });
        DetailWords {
            title: kind.map(|kind| kind.title.as_str()).filter(|title| !title.is_empty()).unwrap_or(name),
            description: kind.map(|kind| kind.description.as_str()).unwrap_or_default(),
            fields: fields.collect(),
        }
    };
    details.iter().map(describe).collect()
}
