//! The filter in a fake Envoy: several VMs, hostile requests, and an authserver that is late, wrong or gone.

mod answers;
mod bindings;
mod clock;
mod credentials;
mod dispatch;
mod fake;
mod feed;
mod keys;
mod metrics;
mod providers;
mod requests;
mod rules;
mod scenarios;
mod streams;
mod vectors;

use bearward_token::claims::{Audience, Claims};
use bearward_token::feed::{Entry, Page};
use bearward_token::jwk::Jwk;
use bearward_token::jws::{Header, append_signature, signing_input};
use fake::{FakeEnvoy, Reply, START_MS};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

const ISSUER: &str = "http://127.0.0.1:8080";
const JWKS: &str = "/oauth2/jwks";
const FEED: &str = "/mesh/revocations";

fn config_with(change: impl Fn(&mut serde_json::Value)) -> String {
    let mut config = serde_json::json!({
        "providers": { "bearward": {
            "issuer": ISSUER,
            "audiences": ["https://api.example"],
            "jwks": { "cluster": "authserver", "path": JWKS },
            "revocations": { "cluster": "authserver", "path": FEED, "max_staleness": "60s", "on_stale": "deny" },
        } },
        "rules": [
            { "match": { "path": "/healthz" }, "allow": "anonymous" },
            { "match": { "path": "/orders/{id}", "methods": ["GET"] }, "require": { "scopes": ["orders:read"] } },
            { "match": { "prefix": "/orders" }, "require": { "scopes": ["orders:write"] } },
        ],
        "oauth": { "cluster": "authserver", "prefixes": ["/oauth2/", "/login"] },
        "forward": {
            "authorization": "strip",
            "headers": { "x-auth-subject": "sub", "x-auth-client": "client_id", "x-auth-scope": "scope" },
        },
    });
    change(&mut config);
    config.to_string()
}

fn config() -> String {
    config_with(|_| {})
}

fn signer(kid: &str) -> SigningKey {
    let mut secret = [9; 32];
    secret[..kid.len()].copy_from_slice(kid.as_bytes());
    SigningKey::from_slice(&secret).unwrap()
}

/// A JWK Set with these keys.
fn jwks(kids: &[&str]) -> Vec<u8> {
    let jwk = |kid: &&str| {
        let point = signer(kid).verifying_key().to_sec1_point(false);
        Jwk::es256(
            kid,
            point.x().unwrap().as_slice().try_into().unwrap(),
            point.y().unwrap().as_slice().try_into().unwrap(),
        )
    };
    serde_json::to_vec(&serde_json::json!({ "keys": kids.iter().map(jwk).collect::<Vec<_>>() })).unwrap()
}

fn claims() -> Claims<'static> {
    Claims {
        iss: ISSUER.into(),
        sub: "alice".into(),
        aud: Audience::One("https://api.example".into()),
        client_id: "demo".into(),
        scope: "orders:read".into(),
        iat: START_MS / 1_000,
        exp: START_MS / 1_000 + 300,
        jti: "t1".into(),
        gid: Some("g1".into()),
        exchanged_from: Vec::new(),
        exchanged_by: Vec::new(),
        auth_time: None,
        acr: None,
    }
}

fn sign(kid: &str, claims: &Claims<'_>) -> String {
    sign_json(kid, &serde_json::to_value(claims).unwrap())
}

/// A token of these claims, whatever they are.
fn sign_json(kid: &str, claims: &serde_json::Value) -> String {
    let header = Header { alg: "ES256".into(), kid: Some(kid.into()), typ: Some("at+jwt".into()), crit: None };
    let input = signing_input(&header, claims).unwrap();
    let signature: Signature = signer(kid).sign(input.as_bytes());
    append_signature(input, &signature.to_bytes())
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn from_base64_url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn token() -> String {
    sign("k1", &claims())
}

fn page(reset: bool, more: bool, cursor: &str, entries: &[Entry]) -> Vec<u8> {
    Page { more, reset, now_ms: START_MS, cursor: cursor.into(), entries: entries.to_vec() }.encode().unwrap()
}

/// An Envoy that has keys and an empty feed.
fn ready(vms: usize, config: &str) -> FakeEnvoy {
    let mut envoy = FakeEnvoy::new(vms, config);
    envoy.pass(10);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    if !envoy.calls(FEED).is_empty() {
        envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    }
    envoy.pass(500);
    envoy
}

fn get<'a>(path: &'a str, authorization: &'a str) -> Vec<(&'a str, &'a [u8])> {
    let mut headers: Vec<(&str, &[u8])> =
        vec![(":method", b"GET"), (":path", path.as_bytes()), ("x-request-id", b"r1")];
    if !authorization.is_empty() {
        headers.push(("authorization", authorization.as_bytes()));
    }
    headers
}

/// What a request with this token comes to: 200 if it is passed on, 0 if it waits.
fn status(envoy: &mut FakeEnvoy, vm: usize, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    let id = envoy.send(vm, &get("/orders/1", &authorization));
    outcome(envoy, vm, id)
}

fn outcome(envoy: &FakeEnvoy, vm: usize, id: u32) -> u16 {
    let stream = envoy.stream(vm, id);
    match stream.reply {
        Some(reply) => reply.status,
        None => 200 * u16::from(stream.resumed),
    }
}

fn refusal(envoy: &mut FakeEnvoy, headers: &[(&str, &[u8])]) -> Reply {
    let id = envoy.send(0, headers);
    envoy.stream(0, id).reply.unwrap_or_default()
}
