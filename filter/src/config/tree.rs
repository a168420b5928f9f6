//! A configuration as a tree of values that know where they are, so that an error can say it.

use crate::config::duration::Span;
use crate::config::{ConfigError, protobuf};
use serde_json::{Map, Value};

/// A value and the path to it.
#[derive(Debug)]
pub(super) struct Node {
    path: String,
    value: Value,
}

/// An object whose members are taken out one by one; what is left in the end is unknown.
#[derive(Debug, Default)]
pub(super) struct Object {
    path: String,
    members: Map<String, Value>,
}

/// Reads JSON text, or a protobuf `Struct`: Envoy hands that on in its binary form. No text is both; but a `Struct`
/// begins with a line feed, and if its first entry is 123 bytes long, then with a brace.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, ConfigError> {
    let value = match protobuf::parse_struct(bytes) {
        Some(value) => value,
        None if bytes.trim_ascii_start().first() == Some(&b'{') => {
            bearward_token::json::parse(bytes).map_err(|error| wrong("configuration", error.to_string()))?
        }
        None => return Err(wrong("configuration", "neither a JSON object nor a google.protobuf.Struct")),
    };
    Ok(Node { path: String::new(), value })
}

pub(super) fn wrong(path: impl Into<String>, reason: impl Into<String>) -> ConfigError {
    let path = path.into();
    ConfigError { path: if path.is_empty() { "configuration".to_owned() } else { path }, reason: reason.into() }
}

impl Node {
    /// That something is wrong with it.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> ConfigError {
        wrong(&self.path, reason)
    }

    pub(super) fn object(self) -> Result<Object, ConfigError> {
        match self.value {
            Value::Object(members) => Ok(Object { path: self.path, members }),
            _ => Err(self.wrong("must be an object")),
        }
    }

    pub(super) fn list(self) -> Result<Vec<Self>, ConfigError> {
        match self.value {
            Value::Array(values) => {
                let mut items = Vec::with_capacity(values.len());
                for (index, value) in values.into_iter().enumerate() {
                    items.push(Self { path: format!("{}[{index}]", self.path), value });
                }
                Ok(items)
            }
            _ => Err(self.wrong("must be a list")),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(self) -> Result<String, ConfigError> {
        match self.value {
            Value::String(text) if !text.is_empty() => Ok(text),
            _ => Err(self.wrong("must be a text that is not empty")),
        }
    }

    pub(super) fn texts(self) -> Result<Vec<String>, ConfigError> {
        self.each(Self::text)
    }

    /// Reads every item of a list. A plain loop: iterators of results are the larger part of a module.
    pub(super) fn each<T>(self, read: impl Fn(Self) -> Result<T, ConfigError>) -> Result<Vec<T>, ConfigError> {
        let mut items = Vec::new();
        for node in self.list()? {
            items.push(read(node)?);
        }
        Ok(items)
    }

    /// Reads every member of an object, by its name.
    pub(super) fn each_member<T>(
        self,
        read: impl Fn(String, Self) -> Result<T, ConfigError>,
    ) -> Result<Vec<T>, ConfigError> {
        let mut items = Vec::new();
        for (name, node) in self.object()?.members() {
            items.push(read(name, node)?);
        }
        Ok(items)
    }

    /// One of several words.
    pub(super) fn one_of<T: Copy>(self, words: &[(&str, T)]) -> Result<T, ConfigError> {
        let found = words.iter().find(|(word, _)| self.value.as_str() == Some(word));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.wrong(format!("must be one of {}", words.join(", ")))
        })
    }

    /// The value itself, for what is not read member by member.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// A text that may be taken from the environment, so that the configuration can be shown: `${NAME}`.
    pub(super) fn secret(self, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, ConfigError> {
        let unset = self.wrong("names a variable that the VM's environment does not have");
        let text = self.text()?;
        match text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => environment(name).filter(|value| !value.is_empty()).ok_or(unset),
            None => Ok(text),
        }
    }

    /// A duration in milliseconds, within limits.
    pub(super) fn millis(self, least: u64, most: u64) -> Result<u64, ConfigError> {
        let Some(span) = Span::from_json(&self.value) else {
            return Err(self.wrong("must be a duration: seconds, or a text like \"300s\", \"5m\", \"250ms\""));
        };
        if (least..=most).contains(&span.millis()) {
            return Ok(span.millis());
        }
        let (least, most) = (Span::from_millis(least), Span::from_millis(most));
        Err(self.wrong(format!("must be from {least} to {most}")))
    }
}

impl Object {
    /// A member that must be there.
    pub(super) fn required(&mut self, name: &str) -> Result<Node, ConfigError> {
        self.optional(name).ok_or_else(|| wrong(self.at(name), "is missing"))
    }

    /// A member that may be left out, read by this, or what it is then.
    pub(super) fn read<T: Default>(
        &mut self,
        name: &str,
        read: impl FnOnce(Node) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        self.optional(name).map_or_else(|| Ok(T::default()), read)
    }

    /// A member that may be left out, or be null.
    pub(super) fn optional(&mut self, name: &str) -> Option<Node> {
        #[cfg(test)]
        asked::note(&self.at(name));
        let value = self.members.remove(name).filter(|value| !value.is_null())?;
        Some(Node { path: self.at(name), value })
    }

    /// All members, by name.
    pub(super) fn members(self) -> impl Iterator<Item = (String, Node)> {
        self.members.into_iter().map(move |(name, value)| {
            let path = join(&self.path, &name);
            (name, Node { path, value })
        })
    }

    /// That nothing is left.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(wrong(self.at(name), "is not known")),
        }
    }

    /// That something is wrong with it.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> ConfigError {
        wrong(&self.path, reason)
    }

    /// The path to a member.
    pub(super) fn at(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Which members the parser has asked for, so that the documentation can be held to it.
#[cfg(test)]
pub(super) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<String>> = RefCell::default();
    }

    pub(super) fn note(path: &str) {
        ASKED.with_borrow_mut(|asked| asked.insert(path.to_owned()));
    }

    /// All that was asked for in this thread.
    pub(in crate::config) fn all() -> BTreeSet<String> {
        ASKED.with_borrow(Clone::clone)
    }
}
