//! Keys whose private halves are here, and so must be known to nobody: fixed, so that a corpus stays good.

use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::Sha256;

/// The secret of HS256.
pub(crate) const SECRET: &[u8; 32] = b"a secret of exactly 32 bytes....";

/// The P-256 key of that name.
fn p256(name: &str) -> SigningKey {
    let mut secret = [9; 32];
    secret[..name.len()].copy_from_slice(name.as_bytes());
    SigningKey::from_slice(&secret).unwrap()
}

fn ed25519() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

/// The public JWK of the P-256 key of that name.
pub(crate) fn p256_jwk(name: &str) -> Value {
    let point = p256(name).verifying_key().to_sec1_point(false);
    let text = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.unwrap());
    json!({
        "kty": "EC", "crv": "P-256",
        "x": text(point.x().map(|x| x.as_slice())), "y": text(point.y().map(|y| y.as_slice())),
    })
}

/// The issuer's public keys: `k1` for ES256, `k2` for EdDSA.
pub(crate) fn jwks() -> Value {
    let mut es256 = p256_jwk("k1");
    es256["kid"] = "k1".into();
    es256["alg"] = "ES256".into();
    let x = URL_SAFE_NO_PAD.encode(ed25519().verifying_key().as_bytes());
    json!({ "keys": [es256, { "kty": "OKP", "crv": "Ed25519", "kid": "k2", "x": x }] })
}

/// Signs with the P-256 key of that name.
pub(crate) fn es256(name: &str, message: &[u8]) -> Vec<u8> {
    let signature: Signature = p256(name).sign(message);
    signature.to_bytes().to_vec()
}

/// Signs with `k2`.
pub(crate) fn eddsa(message: &[u8]) -> Vec<u8> {
    ed25519().sign(message).to_bytes().to_vec()
}

/// The code of a message under [`SECRET`].
pub(crate) fn hs256(message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// `base64url(header) "." base64url(payload)`, of texts that need not be JSON.
pub(crate) fn signing_input(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", base64_url(header), base64_url(payload))
}

/// A token of these texts by the P-256 key of that name.
pub(crate) fn token(name: &str, header: &Value, payload: &Value) -> String {
    let input = signing_input(header.to_string().as_bytes(), payload.to_string().as_bytes());
    let signature = es256(name, input.as_bytes());
    format!("{input}.{}", base64_url(&signature))
}

/// A JWS of these texts, which need not be JSON, by the key that the header's `alg` needs.
pub(crate) fn signed(header: &[u8], payload: &[u8]) -> String {
    let input = signing_input(header, payload);
    let header = serde_json::from_slice::<Value>(header).unwrap_or_default();
    let signature = match header["alg"].as_str() {
        Some("EdDSA" | "Ed25519") => eddsa(input.as_bytes()),
        Some("HS256") => hs256(input.as_bytes()),
        _ => es256("k1", input.as_bytes()),
    };
    format!("{input}.{}", base64_url(&signature))
}

/// Whether a header names an algorithm of the issuer's public keys and, if any, the key for it; `None` if it names
/// something that is no name.
pub(crate) fn are_named(header: &Value) -> Option<bool> {
    let kid = json::text(header, "kid")?;
    Some(match json::text(header, "alg")?? {
        "ES256" => kid.is_none_or(|kid| kid == "k1"),
        "EdDSA" | "Ed25519" => kid.is_none_or(|kid| kid == "k2"),
        _ => false,
    })
}

/// Without padding.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
