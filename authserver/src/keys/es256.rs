//! ES256 (RFC 7518 §3.4): making, storing and using a P-256 key.

use super::KeyError;
use super::seal::Sealer;
use crate::model::SigningKey;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::claims::ACCESS_TOKEN_TYPE;
use bearward_token::jws;
use serde_json::json;

/// The JWA name of the algorithm.
pub(super) const ALG: &str = "ES256";
const PURPOSE: &str = "signing key";
/// An uncompressed point: 4, then the two coordinates.
const POINT_LEN: usize = 65;

/// A key that signs.
pub(super) struct Signer {
    pair: EcdsaKeyPair,
    kid: String,
    /// The JOSE header with the dot behind it, as it begins every access token.
    prefix: String,
}

/// A key that verifies.
pub(super) struct Verifier {
    key: ParsedPublicKey,
}

/// A new key, sealed, published from `now` on.
pub(super) fn generate(sealer: &Sealer, now: i64, activates_at: Option<i64>) -> Result<SigningKey, KeyError> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| KeyError::Crypto("a key could not be made"))?;
    let pair = pair(document.as_ref())?;
    let (x, y) = coordinates(pair.public_key().as_ref())?;
    let kid = thumbprint(&x, &y);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": ALG, "use": "sig", "kid": kid });
    Ok(SigningKey {
        sealed_private: sealer.seal(PURPOSE, kid.as_bytes(), document.as_ref())?,
        kid,
        alg: ALG.to_owned(),
        public_jwk: jwk.to_string(),
        published_at: now,
        activates_at,
    })
}

impl Signer {
    /// Opens a stored key.
    pub(super) fn open(sealer: &Sealer, key: &SigningKey) -> Result<Self, KeyError> {
        let pair = pair(&sealer.open(PURPOSE, key.kid.as_bytes(), &key.sealed_private)?)?;
        Ok(Self { pair, prefix: prefix(&key.kid, ACCESS_TOKEN_TYPE)?, kid: key.kid.clone() })
    }

    /// A token of this `typ` over this payload.
    pub(super) fn token(&self, typ: &str, payload: &[u8]) -> Result<String, KeyError> {
        let other = if typ == ACCESS_TOKEN_TYPE { None } else { Some(prefix(&self.kid, typ)?) };
        let prefix = other.as_ref().unwrap_or(&self.prefix);
        // Room for the payload and the signature, each in base64.
        let mut token = String::with_capacity(prefix.len() + payload.len().div_ceil(3) * 4 + 90);
        token.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.map_err(|_| KeyError::Crypto("the key did not sign"))?;
        Ok(jws::append_signature(token, signature.as_ref()))
    }
}

impl Verifier {
    /// Reads a published key.
    pub(super) fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        #[derive(serde::Deserialize)]
        struct Point {
            x: String,
            y: String,
        }
        let malformed = || KeyError::Crypto("a stored public key is malformed");
        let point: Point = serde_json::from_str(jwk).map_err(|_| malformed())?;
        let mut bytes = vec![4];
        for coordinate in [point.x, point.y] {
            URL_SAFE_NO_PAD.decode_vec(coordinate, &mut bytes).map_err(|_| malformed())?;
        }
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).map_err(|_| malformed())?;
        Ok(Self { key })
    }

    /// Whether this key made the signature.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

fn prefix(kid: &str, typ: &str) -> Result<String, KeyError> {
    let header = jws::Header { alg: ALG.into(), kid: Some(kid.into()), typ: Some(typ.into()), crit: None };
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Crypto("a header that is no JSON"))?;
    Ok(URL_SAFE_NO_PAD.encode(header) + ".")
}

fn pair(pkcs8: &[u8]) -> Result<EcdsaKeyPair, KeyError> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
        .map_err(|_| KeyError::Crypto("a stored private key is malformed"))
}

fn coordinates(point: &[u8]) -> Result<(String, String), KeyError> {
    let point: &[u8; POINT_LEN] = point.try_into().map_err(|_| KeyError::Crypto("a point of another length"))?;
    let [_, coordinates @ ..] = point;
    let (x, y) = coordinates.split_at(32);
    Ok((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

/// RFC 7638 §3: SHA-256 over the required members, in order of name, without spaces.
fn thumbprint(x: &str, y: &str) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}
