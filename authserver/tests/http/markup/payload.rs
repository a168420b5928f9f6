//! Texts that would be markup wherever they are not escaped, each with the name of the field it is in.

use percent_encoding::percent_decode_str;
use std::collections::{BTreeMap, BTreeSet};

/// Those that were handed out, by name.
#[derive(Default)]
pub(super) struct Payloads(BTreeMap<String, String>);

impl Payloads {
    /// For a field that takes any text.
    pub(super) fn text(&mut self, field: &str) -> String {
        self.keep(field, format!("<evil-{field} onload=alert(1) \"'&>"))
    }

    /// For one that takes no spaces and no quotation marks: a scope (RFC 6749 §3.3).
    pub(super) fn token(&mut self, field: &str) -> String {
        self.keep(field, format!("<evil-{field}/onload=alert(1)/'&>"))
    }

    /// For one that is a URI, and that a browser would run.
    pub(super) fn uri(&mut self, field: &str) -> String {
        self.keep(field, format!("javascript:alert('<evil-{field}/\"&>')"))
    }

    fn keep(&mut self, field: &str, text: String) -> String {
        assert!(self.0.insert(field.to_owned(), text.clone()).is_none(), "{field} is there twice");
        text
    }

    /// All names.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// Those in a text of a page; each has to be there as it was stored: escaped once, and no more.
    #[track_caller]
    pub(super) fn in_text(&self, at: &str, text: &str) -> BTreeSet<String> {
        assert!(!text.contains("&#60;evil") && !text.contains("&lt;evil"), "{at}: escaped twice: {text}");
        // In the audit log some are within JSON.
        let json = text.replace("\\\"", "\"");
        let named = |(name, _): &(&String, &String)| {
            text.contains(&format!("<evil-{name} ")) || text.contains(&format!("<evil-{name}/"))
        };
        let mut found = BTreeSet::new();
        for (name, payload) in self.0.iter().filter(named) {
            assert!(text.contains(payload) || json.contains(payload), "{at}: {name} is not what was stored: {text}");
            found.insert(name.clone());
        }
        found
    }

    /// The same of a link, in which they are percent-encoded beside.
    #[track_caller]
    pub(super) fn in_link(&self, at: &str, link: &str) -> BTreeSet<String> {
        assert!(!link.contains(['<', '>', '"', ' ']), "{at}: a link holds what no URL can: {link}");
        self.in_text(at, &percent_decode_str(&link.replace('+', " ")).decode_utf8().unwrap())
    }
}
