use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) fn good() -> Value {
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

pub(super) fn environment(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some("s".repeat(64)),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn remote(provider: &ProviderConfig) -> &JwksConfig {
    let KeysConfig::Remote(jwks) = &provider.keys else { panic!("not remote") };
    jwks
}

fn claim(name: &str) -> Output {
    Output::Claim { path: bearward_token::claim_set::ClaimPath::new(name).unwrap(), separator: ' ' }
}

fn parse(config: &Value) -> Result<Config, String> {
    Config::parse(config.to_string().as_bytes(), &environment).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_has_a_safe_default() {
    let config = parse(&good()).unwrap();
    let provider = &config.providers[0];
    assert_eq!(provider.expectation.clock_skew, 60);
    assert_eq!((remote(provider).cache_ms, remote(provider).timeout_ms), (300_000, 2_000));
    let revocations = provider.revocations.as_ref().unwrap();
    assert_eq!((revocations.max_staleness_ms, revocations.on_stale), (60_000, OnStale::Deny));
    assert!(!config.forward.keep_credential);
    assert_eq!(config.forward.headers, [("x-auth-subject".to_owned(), claim("sub"))]);
    let mut least = good();
    least.as_object_mut().unwrap().remove("forward");
    least.as_object_mut().unwrap().remove("oauth");
    assert!(parse(&least).is_ok_and(|config| !config.forward.keep_credential));
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
fn claims_that_are_asked_for_are_asked_of_answers_too() {
    let required = |config: &Value| parse(config).unwrap().providers[0].expectation.required_of_answers.clone();
    let mut config = good();
    assert_eq!(required(&config), Vec::<String>::new());
    config["providers"]["bearward"]["required_claims"] = json!(["tenant"]);
    assert_eq!(required(&config), ["tenant"]);
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
        (
            "/providers/bearward/jwks",
            json!(null),
            "providers.bearward: needs jwks or hmac, or introspection; and never jwks and hmac",
        ),
        (
            "/providers/bearward/hmac",
            json!({ "secret": "${SECRET}" }),
            "providers.bearward: needs jwks or hmac, or introspection; and never jwks and hmac",
        ),
        (
            "/providers/bearward/algorithms",
            json!(["HS256"]),
            "providers.bearward.algorithms[0]: must be one of \"ES256\"",
        ),
        ("/providers/bearward/types", json!([]), "providers.bearward.types: at least one is needed"),
        (
            "/providers/bearward/introspection",
            json!({ "cluster": "a", "path": "/i", "client_id": "a" }),
            "providers.bearward.introspection: needs both client_id and client_secret, or neither",
        ),
        (
            "/providers/bearward/introspection",
            json!({ "cluster": "a", "path": "/i", "client_id": "a", "client_secret": "${UNSET}" }),
            "providers.bearward.introspection.client_secret: names a variable",
        ),
        (
            "/providers/bearward/introspection",
            json!({ "cluster": "a", "path": "/i", "client_id": "a", "client_secret": "${EMPTY}" }),
            "providers.bearward.introspection.client_secret: names a variable",
        ),
        ("/credentials", json!([]), "credentials: at least one is needed"),
        ("/credentials", json!([{ "query": "a", "cookie": "b" }]), "credentials[0]: needs one of"),
        ("/credentials", json!([{ "query": "a", "prefix": "b" }]), "credentials[0]: needs one of"),
        ("/credentials", json!([{ "header": "X-Auth-Subject" }]), "forward.headers.x-auth-subject: is where a token"),
        (
            "/providers/bearward/introspection",
            json!({ "cluster": "a", "path": "/i", "answers": "signed" }),
            "providers.bearward.introspection.answers: needs client_id, whom signed answers are for",
        ),
        (
            "/providers/bearward",
            json!({ "issuer": "https://a", "audiences": ["a"], "introspection": {
                "cluster": "a", "path": "/i", "client_id": "a", "client_secret": "b", "answers": "signed",
            } }),
            "providers.bearward.introspection.answers: needs jwks, or nobody could tell who signed",
        ),
        ("/oauth/dispatch", json!({ "timeout": "1h" }), "oauth.dispatch.timeout: must be from 100ms to 30s"),
        ("/oauth/dispatch", json!({ "cluster": "b" }), "oauth.dispatch.cluster: is not known"),
        ("/oauth/hosts", json!([]), "oauth.hosts: matches nothing; leave it out for all hosts"),
        ("/oauth/hosts", json!(["id.example:443"]), "oauth.hosts: \"id.example:443\" is not a host name"),
        ("/oauth/gateway_secret", json!("short"), "oauth.gateway_secret: must be at least 32 bytes"),
        ("/dpop", json!({ "origin": "api.example" }), "dpop.origin: must be a scheme"),
        ("/dpop", json!({ "nonce_secret": "short" }), "dpop.nonce_secret: must be at least 32 bytes"),
        ("/resource", json!({ "identifier": "https://a?b" }), "resource.identifier: must be an http or https URL"),
        ("/rules/1/require/issuers", json!(["nobody"]), "rules[1].require.issuers: \"nobody\" is not a provider"),
        ("/rules/1/require/claims", json!({ "a..b": 1 }), "rules[1].require.claims.a..b: not a claim's name"),
        ("/rules/1/require/claims", json!({ "a": [] }), "rules[1].require.claims.a: must be a value"),
        ("/rules/1/require/acr", json!(["a b"]), "rules[1].require.acr: must be printable"),
        ("/rules/1/match/headers", json!({ "x-a": 1 }), "rules[1].match.headers.x-a: must be the value"),
        ("/rules/1/match/hosts", json!(["a.example:80"]), "rules[1]: \"a.example:80\" is not a host name"),
        ("/policies", json!({ "p": {} }), "policies.p: needs either allow or require"),
        ("/policies", json!({ "p": { "require": { "scopes": ["a b"] } } }), "policies.p: \"a b\" is not a scope"),
        ("/forward/payload", json!("cookie"), "forward.payload: not a header"),
        ("/forward/state", json!({ "a b": "sub" }), "forward.state.a b: must be letters"),
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
        ("/rules/0/allow", json!("everyone"), "rules[0].allow: must be one of \"anonymous\", \"optional\""),
        ("/rules/0/allow", json!(null), "rules[0]: needs either allow or require"),
        ("/rules/0/match", json!({}), "rules[0].match: needs either path or prefix"),
        ("/rules/0/match", json!({ "path": "/a", "host": "b" }), "rules[0].match.host: is not known"),
        ("/rules/1/match/methods", json!(["get"]), "rules[1]: \"get\" is not an HTTP method in upper case"),
        ("/rules/1/match/methods", json!([]), "rules[1].match.methods: matches nothing; leave it out for all methods"),
        ("/rules/1/require/scopes", json!(["a b"]), "rules[1]: \"a b\" is not a scope (RFC 6749 section 3.3)"),
        ("/oauth/prefixes", json!(["oauth2"]), "oauth.prefixes[0]: "),
        ("/oauth/prefixes", json!(["/login", "/"]), "oauth.prefixes[1]: would be all paths"),
        ("/oauth/prefixes", json!(["/%6fauth2/"]), "oauth.prefixes[0]: is compared as it is written"),
        ("/providers/bearward/clock_skew", json!("6m"), "providers.bearward.clock_skew: must be from 0h to 5m"),
        ("/policies", json!({ "p": { "require": { "issuers": ["x"] } } }), "policies.p.require.issuers: \"x\" is not"),
        (
            "/rules/1/match/headers",
            json!({ "x_auth_subject": true }),
            "rules[1].match.headers.x_auth_subject: is an identity that the filter sets",
        ),
        (
            "/forward/headers",
            json!({ "authorization": "sub" }),
            "forward.headers.authorization: not a header that can carry an identity",
        ),
        ("/forward/headers", json!({ "x a": "sub" }), "forward.headers.x a: not a header that can carry an identity"),
        ("/forward/headers", json!({ "x-a": "sub", "X_A": "iss" }), "forward.headers.x-a: the same header twice"),
        ("/forward/headers", json!({ "x-a": "a..b" }), "forward.headers.x-a: must be a claim's name"),
        ("/forward/headers", json!({ "dpop": "sub" }), "forward.headers.dpop: not a header that can carry an identity"),
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
    config["verbose"] = json!(true);
    assert_eq!(parse(&config).unwrap_err(), "verbose: is not known");
    let mut config = good();
    config["two\nlines"] = json!(true);
    assert_eq!(parse(&config).unwrap_err(), "two\\nlines: is not known");
    let mut config = good();
    config["providers"]["copy"] = config["providers"]["bearward"].clone();
    assert_eq!(parse(&config).unwrap_err(), "providers.copy.issuer: the same as that of \"bearward\"");
}

#[test]
fn what_is_no_json_is_refused_in_one_line() {
    for text in ["", "null", "[]", "{", "{} x", "\u{feff}{}"] {
        let error = Config::parse(text.as_bytes(), &environment).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn a_struct_may_begin_as_json_does() {
    // A line feed is the tag of the first entry, a brace its length.
    let bytes = include_bytes!("../../../fuzz/corpus/config/struct-like-json");
    assert!(bytes.starts_with(b"\n{"));
    assert!(Config::parse(bytes, &environment).is_ok());
    assert!(Config::parse(b"\n{}", &environment).unwrap_err().to_string().starts_with("providers: "));
}

#[test]
fn whatever_parts_the_words_names_one_header() {
    assert!(same_header(b"x-auth-subject", b"X_Auth-Subject"));
    assert!(!same_header(b"x-auth-subject", b"x-auth-subjec"));
    assert!(same_header(b"x-auth-subject", b"x.auth.subject"), "what CGI and PHP call HTTP_X_AUTH_SUBJECT");
    assert!(!same_header(b"x-auth-subject", b"x-auth-1ubject"));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,100}") {
        let _ = Config::parse(&bytes, &environment);
        let _ = Config::parse(format!("{{{text}").as_bytes(), &environment);
    }
}
