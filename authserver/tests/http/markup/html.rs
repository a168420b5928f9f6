//! A page as a browser reads it: by a tokenizer that follows the HTML standard.

use super::payload::Payloads;
use crate::support::Answer;
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};
use std::collections::{BTreeMap, BTreeSet};

/// Attributes that lead somewhere.
const LINKS: [&str; 6] = ["href", "src", "action", "formaction", "data", "poster"];
/// Types of `<input>` that nobody types into.
const NOT_TYPED: [&str; 3] = ["checkbox", "radio", "submit"];

/// An element's name and attributes.
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
}

enum Piece {
    Start(Element),
    End(String),
    Text(String),
}

fn pieces(body: &str) -> Vec<Piece> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(body, emitter).map(Result::unwrap);
    let piece = |token| match token {
        Token::StartTag(tag) => {
            let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(&value.value))).collect();
            Some(Piece::Start(Element { name: text(&tag.name), attributes }))
        }
        Token::EndTag(tag) => Some(Piece::End(text(&tag.name))),
        Token::String(string) => Some(Piece::Text(text(&string.value))),
        Token::Doctype(_) => None,
        Token::Comment(comment) => panic!("a comment: {:?}", comment.value),
        Token::Error(error) => panic!("not HTML as it should be: {error:?}: {body}"),
    };
    tokens.filter_map(piece).collect()
}

/// Asserts that nothing on a page is markup that a template did not write, and that no link leads away from this server
/// but to `leaves`. The names of the payloads that it shows.
#[track_caller]
pub(super) fn shown(at: &str, body: &str, payloads: &Payloads, leaves: Option<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for piece in pieces(body) {
        match piece {
            Piece::Text(text) => found.extend(payloads.in_text(at, &text)),
            Piece::End(_) => {}
            Piece::Start(Element { name, attributes }) => {
                let plain =
                    |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                assert!(plain(&name) && !name.starts_with("evil"), "{at}: the element {name}: {body}");
                let own = name != "script" || attributes.contains_key("src") || leaves.is_some();
                assert!(
                    own && !matches!(name.as_str(), "style" | "iframe" | "object" | "base"),
                    "{at}: <{name}>: {body}"
                );
                for (attribute, value) in &attributes {
                    assert!(
                        plain(attribute) && !attribute.starts_with("on") && attribute != "style",
                        "{at}: the attribute {attribute} of {name}: {body}"
                    );
                    if LINKS.contains(&attribute.as_str()) {
                        let here = value.starts_with(['/', '#', '?']) && !value.starts_with("//");
                        let app = value.starts_with("otpauth://totp/");
                        assert!(here || app || leaves == Some(value), "{at}: {attribute} leads to {value}");
                        found.extend(payloads.in_link(at, value));
                    } else {
                        found.extend(payloads.in_text(at, value));
                    }
                }
            }
        }
    }
    found
}

/// A form: where it goes, and what it sends.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) get: bool,
    pub(super) action: String,
    /// Names, values, and whether people type there.
    pub(super) fields: Vec<(String, String, bool)>,
    /// The names and values of its buttons; one without a name sends nothing.
    pub(super) buttons: Vec<Option<(String, String)>>,
}

/// Every form of a page.
pub(super) fn forms(page: &Answer) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut area: Option<String> = None;
    for piece in pieces(&page.body) {
        match (piece, forms.last_mut()) {
            (Piece::Start(element), _) if element.name == "form" => {
                let attribute = |name: &str| element.attributes.get(name).cloned().unwrap_or_default();
                let (get, action) = (attribute("method") == "get", attribute("action"));
                forms.push(Form { get, action, fields: Vec::new(), buttons: Vec::new() });
            }
            (Piece::Start(element), Some(form)) => {
                let attribute = |name: &str| element.attributes.get(name).cloned().unwrap_or_default();
                let (name, value, kind) = (attribute("name"), attribute("value"), attribute("type"));
                match element.name.as_str() {
                    "input" if kind == "hidden" => form.fields.push((name, value, false)),
                    "input" if element.attributes.contains_key("checked") => form.fields.push((name, value, false)),
                    "input" if !NOT_TYPED.contains(&kind.as_str()) => form.fields.push((name, value, true)),
                    "select" => form.fields.push((name, String::new(), false)),
                    "option" if element.attributes.contains_key("selected") => {
                        form.fields.last_mut().unwrap().1 = value;
                    }
                    "textarea" => {
                        form.fields.push((name.clone(), String::new(), true));
                        area = Some(name);
                    }
                    "button" => form.buttons.push((!name.is_empty()).then_some((name, value))),
                    _ => {}
                }
            }
            (Piece::Text(text), Some(form)) if area.is_some() => form.fields.last_mut().unwrap().1 = text,
            (Piece::End(name), _) if name == "textarea" => area = None,
            _ => {}
        }
    }
    forms
}
