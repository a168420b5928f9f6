//! A `google.protobuf.Struct` in its binary form, which is how Envoy hands one on to a plugin.

use serde_json::{Map, Number, Value};

/// How deep values may be nested.
const MAX_DEPTH: u32 = 32;

/// Reads a `Struct`; `None` if the bytes are none.
pub(super) fn parse_struct(bytes: &[u8]) -> Option<Value> {
    fields(bytes, MAX_DEPTH)
}

/// `Struct { map<string, Value> fields = 1; }`, a map being repeated entries `{ key = 1; value = 2; }`.
fn fields(bytes: &[u8], depth: u32) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut members = Map::new();
    for field in Fields(bytes) {
        let (1, Wire::Bytes(entry)) = field? else { return None };
        let (mut key, mut member) = (String::new(), Value::Null);
        for field in Fields(entry) {
            match field? {
                (1, Wire::Bytes(name)) => str::from_utf8(name).ok()?.clone_into(&mut key),
                (2, Wire::Bytes(bytes)) => member = value(bytes, depth)?,
                _ => return None,
            }
        }
        members.insert(key, member);
    }
    Some(Value::Object(members))
}

/// `Value { null_value = 1; number_value = 2; string_value = 3; bool_value = 4; struct_value = 5; list_value = 6; }`
fn value(bytes: &[u8], depth: u32) -> Option<Value> {
    let mut value = Value::Null;
    for field in Fields(bytes) {
        value = match field? {
            (1, Wire::Varint(_)) => Value::Null,
            (2, Wire::Fixed(bits)) => Value::Number(Number::from_f64(f64::from_bits(bits))?),
            (3, Wire::Bytes(text)) => Value::String(str::from_utf8(text).ok()?.to_owned()),
            (4, Wire::Varint(truth)) => Value::Bool(truth != 0),
            (5, Wire::Bytes(bytes)) => fields(bytes, depth)?,
            (6, Wire::Bytes(bytes)) => list(bytes, depth)?,
            _ => return None,
        };
    }
    Some(value)
}

/// `ListValue { repeated Value values = 1; }`
fn list(bytes: &[u8], depth: u32) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let item = |field: Option<(u64, Wire<'_>)>| match field? {
        (1, Wire::Bytes(bytes)) => value(bytes, depth),
        _ => None,
    };
    Fields(bytes).map(item).collect::<Option<_>>().map(Value::Array)
}

/// A field's value on the wire.
enum Wire<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message: number and value, or `None` once for bytes that are no message.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Wire<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => {
                let (bits, rest) = self.0.split_first_chunk::<8>()?;
                self.0 = rest;
                Wire::Fixed(u64::from_le_bytes(*bits))
            }
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            _ => return None,
        };
        Some((tag >> 3, wire))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[(number << 3) | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    #[test]
    fn a_struct_is_what_its_json_says() {
        let number = [&[0x11], 300_f64.to_le_bytes().as_slice()].concat();
        let list = field(6, &field(1, &field(3, b"x")));
        let entry = |name: &str, value: &[u8]| field(1, &[field(1, name.as_bytes()), field(2, value)].concat());
        let bytes = [
            entry("n", &number),
            entry("l", &list),
            entry("t", &[0x20, 1]),
            entry("o", &field(5, &entry("in", &field(3, b"side")))),
        ];
        let expected = serde_json::json!({ "n": 300.0, "l": ["x"], "t": true, "o": { "in": "side" } });
        assert_eq!(parse_struct(&bytes.concat()), Some(expected));
    }

    #[test]
    fn nesting_has_an_end() {
        let mut bytes = Vec::new();
        for _ in 0..12 {
            bytes = field(1, &[field(1, b"a"), field(2, &field(5, &bytes))].concat());
        }
        assert!(fields(&bytes, 32).is_some());
        assert_eq!(fields(&bytes, 10), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_struct(&bytes);
        }
    }
}
