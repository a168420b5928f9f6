//! The documentation says what the parser reads, no more and no less.

use super::reference::{FIELDS, Field, Kind};
use super::tests::environment;
use super::tree::asked;
use super::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A configuration that has every key; what excludes another stands in a provider or rule of its own.
fn everything() -> Value {
    let feed = json!({ "cluster": "a", "path": "/feed", "max_staleness": 30, "on_stale": "deny", "gateway_secret": "${SECRET}" });
    let require = json!({
        "scopes": ["a"], "any_scopes": ["b", "c"], "audiences": ["x"], "issuers": ["fetched"], "acr": ["gold"],
        "max_age": "10m", "claims": { "tenant": "a", "realm.roles": ["x", 1, true], "email": { "present": true } },
    });
    json!({
        "realm": "r",
        "providers": {
            "fetched": {
                "issuer": "https://a.example", "audiences": ["x"], "clock_skew": 5, "types": ["at+jwt", "none"],
                "required_claims": ["sub"], "algorithms": ["ES256", "PS256"],
                "jwks": { "cluster": "a", "path": "/jwks", "cache_duration": "1m", "timeout": "1s" },
                "introspection": {
                    "cluster": "a", "path": "/introspect", "client_id": "c", "client_secret": "${SECRET}",
                    "cache_duration": 1, "inactive_duration": 1.5, "timeout": "500ms", "token_prefix": "p_",
                    "answers": "signed",
                },
                "revocations": feed,
            },
            "inline": { "issuer": "https://b.example", "audiences": ["x"], "jwks": { "inline": keys() } },
            "shared": {
                "issuer": "https://c.example", "audiences": ["x"],
                "hmac": { "secret": "${SECRET}", "algorithm": "HS256", "encoding": "text" },
            },
        },
        "credentials": [{ "header": "x-token", "prefix": "Token " }, { "query": "at" }, { "cookie": "at" }],
        "rules": [
            {
                "match": { "path": "/a/{id}", "methods": ["GET"], "hosts": ["*.example"], "headers": { "x-a": "b", "x-c": true } },
                "require": require,
            },
            { "match": { "prefix": "/b" }, "allow": "optional", "require": {} },
            { "match": { "prefix": "/c" }, "policy": "p" },
        ],
        "policies": { "p": { "require": require }, "q": { "allow": "anonymous" } },
        "route_policy": { "namespace": "n", "key": "k" },
        "cors_preflight": "allow",
        "oauth": { "cluster": "a", "prefixes": ["/oauth2/"], "hosts": ["id.example"], "gateway_secret": "${SECRET}", "dispatch": { "timeout": "5s" } },
        "resource": {
            "identifier": "https://api.example", "authorization_servers": ["https://a.example"], "scopes": ["a"],
            "name": "n", "documentation": "https://docs.example",
        },
        "open_streams": { "on_revoked": "keep", "on_expired": "close", "grace": "1s" },
        "dpop": { "window": "30s", "origin": "https://api.example", "nonce_secret": "${SECRET}" },
        "forward": {
            "authorization": "keep", "payload": "x-claims", "state": { "subject": "sub" },
            "headers": { "x-sub": "sub", "x-roles": { "claim": "realm.roles", "separator": "," } },
        },
    })
}

fn keys() -> Value {
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }] })
}

/// A path as the reference writes it.
fn general(path: &str) -> String {
    let mut parts: Vec<_> = path.split('.').map(|part| part.split('[').next().unwrap().to_owned()).collect();
    let listed = ["rules", "credentials"].contains(&parts[0].as_str());
    if ["providers", "policies"].contains(&parts[0].as_str()) && parts.len() > 1 {
        parts[1] = "*".to_owned();
    } else if listed && parts.len() > 1 {
        parts[0].push_str("[]");
    }
    let path = parts.join(".");
    path.strip_prefix("policies.*").map_or(path.clone(), |rest| format!("rules[]{rest}"))
}

#[test]
fn the_reference_has_every_key_that_is_read() {
    let everything = everything().to_string();
    let parsed = Config::parse(everything.as_bytes(), &environment);
    assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
    let read: BTreeSet<_> = asked::all().iter().map(|path| general(path)).collect();
    // The two members of an output are told of with it.
    let read: BTreeSet<_> = read.into_iter().filter(|path| !path.starts_with("forward.headers.")).collect();
    let listed: BTreeSet<_> = FIELDS.iter().map(|field| field.path.to_owned()).collect();
    assert_eq!(listed.difference(&read).collect::<Vec<_>>(), Vec::<&String>::new(), "listed, but never read");
    assert_eq!(read.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "read, but not listed");
}

#[test]
fn the_schema_takes_what_the_parser_takes() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for good in [everything(), super::tests::good()] {
        let errors: Vec<_> =
            validator.iter_errors(&good).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    // What the examples show is what it takes, too.
    let plain = |field: &&Field| !matches!(field.kind, Kind::Object | Kind::Objects | Kind::Named);
    for field in FIELDS.iter().filter(plain).filter(|field| !field.example.is_empty()) {
        let example: Value =
            serde_json::from_str(field.example).unwrap_or_else(|error| panic!("{}: {error}", field.path));
        let validator = jsonschema::validator_for(&leaf(field.kind)).unwrap();
        assert!(validator.is_valid(&example), "{}: {example}", field.path);
    }
    for pointer in ["/providers/fetched", "/rules/0/match", "/forward", ""] {
        let mut bad = everything();
        bad.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("unknown".to_owned(), json!(1));
        assert!(!validator.is_valid(&bad), "{pointer}");
        assert!(Config::parse(bad.to_string().as_bytes(), &environment).is_err(), "{pointer}");
    }
}

#[test]
fn the_files_in_docs_are_made_from_the_reference() {
    let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    for (name, text) in [("filter.schema.json", schema), ("filter-config.md", page())] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        if std::env::var_os("BEARWARD_WRITE_DOCS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text, "docs/{name} is out of date: make filter-docs");
    }
}

fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of Bearward's filter",
        "type": "object", "additionalProperties": false, "properties": {}, "required": [],
    });
    for field in FIELDS {
        let at = place(&mut schema, field.path);
        let mut value = leaf(field.kind);
        value["description"] = field.meaning.into();
        let name = field.path.rsplit('.').next().unwrap();
        at["properties"][name] = value;
        if field.required {
            at["required"].as_array_mut().unwrap().push(name.into());
        }
    }
    let rule = schema["properties"]["rules"]["items"]["properties"].clone();
    let access = json!({ "allow": rule["allow"], "require": rule["require"] });
    schema["properties"]["policies"]["additionalProperties"]["properties"] = access;
    schema
}

/// The object that holds a path's last member.
fn place<'a>(schema: &'a mut Value, path: &str) -> &'a mut Value {
    let mut at = schema;
    let mut parts: Vec<_> = path.split('.').collect();
    parts.pop();
    for part in parts {
        at = match (part, part.strip_suffix("[]")) {
            ("*", _) => &mut at["additionalProperties"],
            (_, Some(list)) => &mut at["properties"][list]["items"],
            (name, None) => &mut at["properties"][name],
        };
    }
    at
}

fn leaf(kind: Kind) -> Value {
    let object = || json!({ "type": "object", "additionalProperties": false, "properties": {}, "required": [] });
    let by_name = |value: Value| json!({ "type": "object", "additionalProperties": value });
    let scalar = json!({ "type": ["string", "number", "boolean"] });
    match kind {
        Kind::Object => object(),
        Kind::Objects => json!({ "type": "array", "items": object() }),
        Kind::Named => by_name(object()),
        Kind::Text | Kind::Secret => json!({ "type": "string", "minLength": 1 }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Words(words) => json!({ "type": "array", "items": { "enum": words }, "minItems": 1 }),
        Kind::Duration => json!({ "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,6})?(ms|s|m|h)?$" },
        ] }),
        Kind::Jwks => json!({ "anyOf": [
            { "type": "object", "required": ["keys"], "properties": { "keys": { "type": "array" } } },
            { "type": "string" },
        ] }),
        Kind::Headers => by_name(json!({ "anyOf": [{ "type": "string" }, { "const": true }] })),
        Kind::Claims => by_name(json!({ "anyOf": [
            scalar,
            { "type": "array", "items": scalar, "minItems": 1 },
            { "type": "object", "properties": { "present": { "const": true } }, "required": ["present"], "additionalProperties": false },
        ] })),
        Kind::Outputs => by_name(json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            {
                "type": "object", "additionalProperties": false, "required": ["claim"],
                "properties": { "claim": { "type": "string" }, "separator": { "enum": [" ", ",", ";"] } },
            },
        ] })),
    }
}

fn page() -> String {
    let mut page = String::from(
        "<!-- Made from filter/src/config/reference.rs by `make filter-docs`; a test holds it to that. -->\n\
         # Every key of the filter's configuration\n\n\
         JSON, or the protobuf `Struct` that becomes of it in Envoy's YAML. Keys that are not listed here are refused. Durations\n\
         are `\"250ms\"`, `\"60s\"`, `\"5m\"`, `\"1h\"`, or a number of seconds. Secrets are written as they are, or as `\"${NAME}\"`,\n\
         which is taken from the VM's environment (`vm_config.environment_variables`). `*` stands for a name of your own.\n\
         The same for machines: [filter.schema.json](filter.schema.json). How it all goes together: [filter.md](filter.md).\n",
    );
    let mut section = "";
    for field in FIELDS {
        let top = field.path.split(['.', '[']).next().unwrap();
        if top != section {
            section = top;
            page.push_str(&format!("\n## `{top}`\n\n| key | default | example | meaning |\n|---|---|---|---|\n"));
        }
        let example = if field.example.is_empty() { "–".to_owned() } else { format!("`{}`", field.example) };
        let default = if field.default.is_empty() { "–" } else { field.default };
        page.push_str(&format!("| `{}` | {default} | {example} | {} |\n", field.path, field.meaning));
    }
    page
}

#[test]
fn no_cell_breaks_its_table() {
    let bad = |field: &&Field| [field.default, field.example, field.meaning].concat().contains(['|', '\n']);
    assert_eq!(FIELDS.iter().find(bad).map(|field| field.path), None);
}
