//! JSON read a second time, by other means than `bearward_token::json`: to the list of members that was written.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Whether any object in the text has two members of one name; `None` if it is not JSON.
pub(crate) fn repeats(text: &[u8]) -> Option<bool> {
    serde_json::from_slice::<Tree>(text).ok().map(|tree| tree.repeats())
}

/// An object in which no name comes twice, as the library reads it.
pub(crate) fn object(text: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(text).ok()?;
    (value.is_object() && repeats(text) == Some(false)).then_some(value)
}

/// A time as RFC 7519 §2 has it, in whole seconds: `None` for what is none, `Some(None)` for nothing at all.
pub(crate) fn seconds(object: &Value, name: &str) -> Option<Option<u64>> {
    match &object[name] {
        Value::Null => Some(None),
        Value::Number(number) => {
            let float = number.as_f64()?;
            let whole = number.as_u64().or_else(|| (0.0..9e15).contains(&float).then_some(float as u64))?;
            Some(Some(whole))
        }
        _ => None,
    }
}

/// A text: `None` for another type, `Some(None)` for nothing at all.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Option<Option<&'a str>> {
    match &object[name] {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        _ => None,
    }
}

/// A text or a list of texts: `None` for anything else.
pub(crate) fn texts<'a>(object: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    match &object[name] {
        Value::Null => Some(Vec::new()),
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

enum Tree {
    Leaf,
    List(Vec<Tree>),
    Members(Vec<(String, Tree)>),
}

impl Tree {
    fn repeats(&self) -> bool {
        match self {
            Self::Leaf => false,
            Self::List(items) => items.iter().any(Self::repeats),
            Self::Members(members) => {
                let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
                names.sort();
                names.windows(2).any(|pair| pair[0] == pair[1]) || members.iter().any(|(_, tree)| tree.repeats())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Members(members))
    }
}
