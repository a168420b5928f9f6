//! Configurations, as the host hands them on: JSON, or a protobuf `Struct`.
//!
//! What is accepted must be what the published schema accepts, mean the same in both forms, and open nothing that it does
//! not say; what is refused must say where in one line, and nothing that is secret.

use crate::fake::FakeEnvoy;
use crate::json;
use crate::mesh::outcome;
use bearward_filter::config::Config;
use jsonschema::Validator;
use serde_json::Value;
use std::sync::OnceLock;

/// What the environment has for any name; no configuration may repeat it.
const SECRET: &str = "ENVIRONMENT-SECRET-OF-FORTY-EIGHT-BYTES-AND-SOME-MORE-OF-THEM-FOR-512-BITS";
/// Reading a list of a thousand rules says no more than reading one of ten.
const MOST: usize = 32 * 1024;

/// See the module.
pub fn run(data: &[u8]) {
    if data.len() > MOST {
        return;
    }
    let environment = |name: &str| (!name.is_empty()).then(|| SECRET.to_owned());
    let config = Config::parse(data, &environment);
    let shown = match &config {
        Ok(config) => format!("{config:?}"),
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'), "an error of several lines: {line}");
            assert!(
                line.split_once(": ").is_some_and(|(path, reason)| !path.is_empty() && !reason.is_empty()),
                "{line}"
            );
            line
        }
    };
    assert!(!shown.contains(SECRET), "a secret, shown");
    let Some(json) = json::object(data) else {
        // A `Struct`: its only field has the tag of a line feed.
        assert!(config.is_err() || data.first() == Some(&b'\n'), "neither, and accepted");
        return;
    };
    if let Some(message) = encoded(&json) {
        // Numbers are doubles there.
        let plain = |shown: &str| shown.replace(".0)", ")");
        match (Config::parse(&message, &environment), &config) {
            (Ok(twin), Ok(_)) => assert!(plain(&format!("{twin:?}")) == plain(&shown), "another in the other form"),
            (Err(error), Err(_)) => assert_eq!(error.to_string(), shown),
            (twin, _) => panic!("accepted in one form only; in the other: {:?}", twin.map(drop)),
        }
    }
    if config.is_ok() {
        if let Err(error) = schema().validate(&without_nulls(json.clone())) {
            panic!("the schema refuses what the filter accepts: {error}");
        }
        opens_nothing(data, &json);
    }
}

/// Where a configuration says of nothing that it is open, a request without a token gets nowhere.
fn opens_nothing(data: &[u8], json: &Value) {
    let text = json.to_string();
    let open = ["\"allow\"", "\"oauth\"", "\"cors_preflight\"", "\"resource\"", "${"];
    let Ok(config) = str::from_utf8(data) else { return };
    if open.iter().any(|word| text.contains(word)) {
        return;
    }
    let mut envoy = FakeEnvoy::new(1, config);
    envoy.pass(10);
    for path in ["/", "/orders/1", "/healthz", "/oauth2/token", "*", ""] {
        for method in [b"GET".as_slice(), b"OPTIONS", b"POST"] {
            let id =
                envoy.send(0, &[(":method", method), (":path", path.as_bytes()), ("origin", b"https://o.example")]);
            assert_ne!(outcome(&envoy.stream(0, id)), 200, "{path} is open");
        }
    }
}

fn schema() -> &'static Validator {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let schema = serde_json::from_str(include_str!("../../../docs/filter.schema.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    })
}

/// A member that is null is one that is left out, which a schema does not say.
fn without_nulls(json: Value) -> Value {
    match json {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The object as a `google.protobuf.Struct`; `None` if a double can't hold one of its numbers, or it is too deep.
fn encoded(json: &Value) -> Option<Vec<u8>> {
    fields(json, 16)
}

fn fields(object: &Value, depth: u32) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    for (name, member) in object.as_object()? {
        let entry = [delimited(1, name.as_bytes()), delimited(2, &value(member, depth.checked_sub(1)?)?)].concat();
        message.extend(delimited(1, &entry));
    }
    Some(message)
}

fn value(json: &Value, depth: u32) -> Option<Vec<u8>> {
    Some(match json {
        Value::Null => vec![0x08, 0],
        Value::Bool(truth) => vec![0x20, u8::from(*truth)],
        Value::Number(number) => {
            let double = number.as_f64()?;
            let whole = number.as_u64().is_none_or(|whole| whole < 1 << 53);
            if !whole || number.as_i64().is_some_and(|whole| whole < -(1 << 53)) {
                return None;
            }
            [&[0x11], double.to_le_bytes().as_slice()].concat()
        }
        Value::String(text) => delimited(3, text.as_bytes()),
        Value::Object(_) => delimited(5, &fields(json, depth)?),
        Value::Array(items) => {
            let depth = depth.checked_sub(1)?;
            let items =
                items.iter().map(|item| Some(delimited(1, &value(item, depth)?))).collect::<Option<Vec<_>>>()?;
            delimited(6, &items.concat())
        }
    })
}

fn delimited(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![(field << 3) | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(bytes);
    out
}
