//! The filter in the fake Envoy, as the targets need it.

use crate::fake::{FakeEnvoy, START_MS, Stream};
use crate::jwt::{AUDIENCE, ISSUER};
use crate::keys;
use crate::proxy::{HostError, HostResult};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use bearward_token::feed::{Entry, Page};
use serde_json::{Value, json};

pub(crate) const JWKS: &str = "/oauth2/jwks";
pub(crate) const FEED: &str = "/mesh/revocations";
pub(crate) const INTROSPECT: &str = "/oauth2/introspect";

/// A configuration with everything in it that a small one has.
pub(crate) fn config() -> Value {
    json!({
        "providers": { "bearward": {
            "issuer": ISSUER,
            "audiences": [AUDIENCE],
            "jwks": { "cluster": "authserver", "path": JWKS },
            "introspection": {
                "cluster": "authserver", "path": INTROSPECT, "client_id": "mesh", "client_secret": "secret",
            },
            "revocations": { "cluster": "authserver", "path": FEED, "max_staleness": "60s", "on_stale": "deny" },
        } },
        "rules": [
            { "match": { "path": "/healthz" }, "allow": "anonymous" },
            { "match": { "prefix": "/maybe" }, "allow": "optional" },
            { "match": { "path": "/orders/{id}", "methods": ["GET"] }, "require": { "scopes": ["orders:read"] } },
            { "match": { "prefix": "/orders" }, "require": { "scopes": ["orders:write"] } },
        ],
        "oauth": { "cluster": "authserver", "prefixes": ["/oauth2/", "/login"] },
        "forward": {
            "authorization": "strip",
            "headers": { "x-auth-subject": "sub", "x-auth-client": "client_id", "x-auth-scope": "scope" },
        },
    })
}

/// An Envoy that has keys and these revocations, and a host that checks signatures with AWS-LC.
pub(crate) fn ready(vms: usize, config: &str, revoked: &[Entry]) -> FakeEnvoy {
    let mut envoy = FakeEnvoy::new(vms, config);
    *envoy.world.verify.borrow_mut() = Some(Box::new(verify_signature));
    envoy.pass(10);
    let jwks = keys::jwks().to_string();
    if !envoy.calls(JWKS).is_empty() {
        envoy.answer(JWKS, 200, jwks.as_bytes());
    }
    if !envoy.calls(FEED).is_empty() {
        envoy.answer(FEED, 200, &page(true, false, "c0", revoked));
    }
    envoy.pass(500);
    envoy
}

/// A page of the feed.
pub(crate) fn page(reset: bool, more: bool, cursor: &str, entries: &[Entry]) -> Vec<u8> {
    Page { more, reset, now_ms: START_MS, cursor: cursor.into(), entries: entries.to_vec() }.encode().unwrap()
}

/// What a request came to: 200 if it was passed on, 0 if it waits.
pub(crate) fn outcome(stream: &Stream) -> u16 {
    match &stream.reply {
        Some(reply) => {
            assert!(!stream.resumed, "answered and passed on");
            reply.status
        }
        None => 200 * u16::from(stream.resumed),
    }
}

/// `verify_signature` of Envoy, for P-256: hash, key, signature and text as protobuf fields of their lengths.
fn verify_signature(arguments: &[u8]) -> HostResult<Vec<u8>> {
    let mut fields = Vec::new();
    let mut rest = arguments;
    while let [_, after @ ..] = rest {
        let end = after.iter().position(|byte| byte & 0x80 == 0).ok_or(HostError::BAD_ARGUMENT)?;
        let (number, after) = after.split_at(end + 1);
        let length = number.iter().rev().fold(0, |length, byte| (length << 7) | usize::from(byte & 0x7f));
        let (field, after) = after.split_at_checked(length).ok_or(HostError::BAD_ARGUMENT)?;
        fields.push(field);
        rest = after;
    }
    let [b"sha256", key, signature, text] = fields.as_slice() else { return Err(HostError::BAD_ARGUMENT) };
    let good = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(text, signature).is_ok();
    Ok(if good { vec![0x08, 0x01] } else { vec![0x12, 0x01, b'x'] })
}
