//! Keys of clients, and what they sign with another library.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward::model::Digest;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// An ES256 key pair.
pub(crate) struct Key {
    private: EncodingKey,
    pub(crate) jwk: Value,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let point = pair.public_key_raw();
        let half = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": half(&point[1..33]), "y": half(&point[33..]) });
        Self { private: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(), jwk }
    }

    /// RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        let (x, y) = (&self.jwk["x"], &self.jwk["y"]);
        URL_SAFE_NO_PAD.encode(Digest::of(&format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#)).0)
    }

    pub(crate) fn sign(&self, typ: Option<&str>, jwk: Option<&Value>, claims: &Value) -> String {
        let header = Header {
            typ: typ.map(str::to_owned),
            jwk: jwk.map(|jwk| serde_json::from_value(jwk.clone()).unwrap()),
            ..Header::new(Algorithm::ES256)
        };
        encode(&header, claims, &self.private).unwrap()
    }
}
