//! An identity provider of the demo's own: it makes the assertions that `bearward serve --demo` believes. Everyone
//! knows its key; the certificate is `authserver/src/demo/idp.pem`.

pub mod saml;

use crate::error::{Error, Result};
use crate::issuer::{signing_input, with_signature};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The `iss` of its JWTs.
pub const ISSUER: &str = "https://idp.demo.example";
const KEY: &str = include_str!("key.pem");

/// A JWT for the token endpoint of a server, about this subject, good from now on for five minutes and one use (RFC 7523 §3).
///
/// # Errors
/// [`Error::Crypto`]
pub fn jwt(server: &str, subject: &str, now: SystemTime) -> Result<String> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = json!({
        "iss": ISSUER, "sub": subject, "aud": server, "iat": now, "exp": now.saturating_add(300), "jti": random_id()?,
    });
    sign(&json!({ "alg": "ES256", "typ": "JWT" }), &claims)
}

fn sign(header: &Value, claims: &Value) -> Result<String> {
    let input = signing_input(header, claims);
    Ok(with_signature(&input, &signature(input.as_bytes())?))
}

/// ECDSA on P-256 with SHA-256: the two numbers side by side, as JOSE and XML signatures both write them.
fn signature(message: &[u8]) -> Result<Vec<u8>> {
    let body: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).map_err(|_| Error::Crypto("the demo's key"))?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
    let key = key.map_err(|_| Error::Crypto("the demo's key"))?;
    Ok(key.sign(&SystemRandom::new(), message).map_err(|_| Error::Crypto("ES256"))?.as_ref().to_vec())
}

fn random_id() -> Result<String> {
    let mut random = [0; 16];
    fill(&mut random).map_err(|_| Error::Crypto("random numbers"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
