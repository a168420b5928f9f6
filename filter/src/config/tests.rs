use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "providers": { "bearward": {
            "issuer": "https://as.example",
            "audiences": ["https://api.example"],
            "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
            "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
        } },
        "rules": [
            { "match": { "path": "/healthz" }, "allow": "anonymous" },
            { "match": { "prefix": "/orders", "methods": ["GET"] }, "require": { "scopes": ["orders:read"] } },
        ],
        "oauth": { "cluster": "authserver", "prefixes": ["/oauth2/"] },
        "forward": { "authorization": "strip", "headers": { "X-Auth-Subject": "sub" } },
    })
}

fn parse(config: &Value) -> Result<Config, String> {
    Config::parse(config.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_has_a_safe_default() {
    let config = parse(&good()).unwrap();
    let provider = &config.providers[0];
    assert_eq!(provider.expectation.clock_skew, 60);
    assert_eq!((provider.jwks.cache_ms, provider.jwks.timeout_ms), (300_000, 2_000));
    let revocations = provider.revocations.as_ref().unwrap();
    assert_eq!((revocations.max_staleness_ms, revocations.on_stale), (60_000, OnStale::Deny));
    assert!(!config.forward.keep_authorization);
    assert_eq!(config.forward.headers, [("x-auth-subject".to_owned(), Claim::Sub)]);
    let mut least = good();
    least.as_object_mut().unwrap().remove("forward");
    least.as_object_mut().unwrap().remove("oauth");
    assert!(parse(&least).is_ok_and(|config| !config.forward.keep_authorization));
}

#[test]
fn durations_are_written_in_many_ways() {
    for duration in [json!(30), json!(30.0), json!("30s"), json!("0.5m"), json!("30000ms")] {
        let mut config = good();
        config["providers"]["bearward"]["revocations"]["max_staleness"] = duration;
        assert_eq!(parse(&config).unwrap().providers[0].revocations.as_ref().unwrap().max_staleness_ms, 30_000);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_path() {
    let cases = [
        ("/providers/bearward/jwks/cluster", json!(null), "providers.bearward.jwks.cluster: is missing"),
        (
            "/providers/bearward/jwks/cluster",
            json!(""),
            "providers.bearward.jwks.cluster: must be a text that is not empty",
        ),
        ("/providers/bearward/jwks", json!(null), "providers.bearward.jwks: is missing"),
        (
            "/providers/bearward/jwks",
            json!({ "cluster": "a", "path": "/j", "url": 1 }),
            "providers.bearward.jwks.url: is not known",
        ),
        (
            "/providers/bearward/jwks/path",
            json!("jwks"),
            "providers.bearward.jwks.path: must begin with \"/\" and hold no query",
        ),
        (
            "/providers/bearward/issuer",
            json!("as.example"),
            "providers.bearward.issuer: must be an http or https URL, exactly as the tokens' iss",
        ),
        ("/providers/bearward/audiences", json!([]), "providers.bearward.audiences: at least one is needed"),
        ("/providers/bearward/audiences", json!("x"), "providers.bearward.audiences: must be a list"),
        (
            "/providers/bearward/audiences",
            json!([1]),
            "providers.bearward.audiences[0]: must be a text that is not empty",
        ),
        (
            "/providers/bearward/revocations/on_stale",
            json!("maybe"),
            "providers.bearward.revocations.on_stale: must be one of \"deny\", \"allow\"",
        ),
        (
            "/providers/bearward/revocations/max_staleness",
            json!("1s"),
            "providers.bearward.revocations.max_staleness: must be from 3s to 24h",
        ),
        ("/providers", json!({}), "providers: at least one is needed"),
        ("/providers", json!(null), "providers: is missing"),
        ("/rules/0/allow", json!("everyone"), "rules[0].allow: must be one of \"anonymous\""),
        ("/rules/0/allow", json!(null), "rules[0]: needs either allow or require"),
        ("/rules/0/match", json!({}), "rules[0].match: needs either path or prefix"),
        ("/rules/0/match", json!({ "path": "/a", "host": "b" }), "rules[0].match.host: is not known"),
        ("/rules/1/match/methods", json!(["get"]), "rules[1]: \"get\" is not an HTTP method in upper case"),
        ("/rules/1/match/methods", json!([]), "rules[1].match.methods: matches nothing; leave it out for all methods"),
        ("/rules/1/require/scopes", json!(["a b"]), "rules[1]: \"a b\" is not a scope (RFC 6749 section 3.3)"),
        ("/oauth/prefixes", json!(["oauth2"]), "oauth.prefixes[0]: "),
        (
            "/forward/headers",
            json!({ "authorization": "sub" }),
            "forward.headers.authorization: not a header that can carry an identity",
        ),
        ("/forward/headers", json!({ "x a": "sub" }), "forward.headers.x a: not a header that can carry an identity"),
        ("/forward/headers", json!({ "x-a": "sub", "X_A": "iss" }), "forward.headers.x-a: the same header twice"),
        ("/forward/headers", json!({ "x-a": "email" }), "forward.headers.x-a: must be one of \"iss\""),
        ("/forward/authorization", json!(true), "forward.authorization: must be one of \"strip\", \"keep\""),
    ];
    for (pointer, value, line) in cases {
        let mut config = good();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[member] = value;
        let error = parse(&config).unwrap_err();
        assert!(error.starts_with(line), "{pointer}: {error}");
        assert!(!error.contains('\n'));
    }
    let mut config = good();
    config["providers"]["bearward"]["introspection"] = json!({ "cluster": "x" });
    assert_eq!(
        parse(&config).unwrap_err(),
        "providers.bearward.introspection: is not supported by this version; use jwks"
    );
    let mut config = good();
    config["verbose"] = json!(true);
    assert_eq!(parse(&config).unwrap_err(), "verbose: is not known");
    let mut config = good();
    config["providers"]["copy"] = config["providers"]["bearward"].clone();
    assert_eq!(parse(&config).unwrap_err(), "providers.copy.issuer: the same as that of \"bearward\"");
}

#[test]
fn what_is_no_json_is_refused_in_one_line() {
    for text in ["", "null", "[]", "{", "{} x", "\u{feff}{}"] {
        let error = Config::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn underscores_and_hyphens_name_one_header() {
    assert!(same_header(b"x-auth-subject", b"X_Auth-Subject"));
    assert!(!same_header(b"x-auth-subject", b"x-auth-subjec"));
    assert!(!same_header(b"x-auth-subject", b"x.auth.subject"));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,100}") {
        let _ = Config::parse(&bytes);
        let _ = Config::parse(format!("{{{text}").as_bytes());
    }
}
