//! A public key of somebody else, from a JWK (RFC 7517) or a certificate (RFC 5280).

use super::Algorithm;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{PublicEncryptingKey, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The largest RSA modulus and exponent, in bytes: beyond them a check takes too long.
const MAX_MODULUS: usize = 1024;
const MAX_EXPONENT: usize = 4;
/// The longest `kid`, in bytes.
const MAX_KID: usize = 512;

/// A public key that passed its checks, with what binds it: its kind, and the one algorithm its owner named, if any.
#[derive(Debug, Clone)]
pub struct PublicKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    material: Material,
    thumbprint: Option<String>,
}

#[derive(Debug, Clone)]
enum Material {
    /// Modulus and exponent.
    Rsa(PublicKeyComponents<Vec<u8>>),
    /// `RSAPublicKey` in a `SubjectPublicKeyInfo`.
    RsaDer(Vec<u8>),
    /// A point, uncompressed or in a `SubjectPublicKeyInfo`.
    P256(Vec<u8>),
    /// The same.
    P384(Vec<u8>),
    /// 32 bytes, or in a `SubjectPublicKeyInfo`.
    Ed25519(Vec<u8>),
}

/// Why a key is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// A type, curve or algorithm that is not verified here, or a key that is not for signatures.
    #[error("the key is of a kind that is not used here")]
    Unsupported,
    /// A member is missing, not base64url, or of the wrong size; a point that is not on its curve; RSA under 2048 bits.
    #[error("the key is malformed or too small")]
    Malformed,
    /// It holds a private or a symmetric key.
    #[error("the key is private: give the public one")]
    Private,
}

impl PublicKey {
    /// From a JWK.
    ///
    /// # Errors
    /// [`JwkError`] if nothing may be verified with it.
    pub fn from_jwk(jwk: &Value) -> Result<Self, JwkError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| jwk.get(member).is_some()) {
            return Err(JwkError::Private);
        }
        let can_verify = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
        if jwk.get("use").is_some_and(|usage| usage != "sig") || jwk.get("key_ops").is_some_and(|o| !can_verify(o)) {
            return Err(JwkError::Unsupported);
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= MAX_KID).ok_or(JwkError::Malformed)?.to_owned()),
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(alg) => Some(alg.as_str().and_then(Algorithm::from_name).ok_or(JwkError::Unsupported)?),
        };
        let bytes = |name: &str| {
            let text = text(name).ok_or(JwkError::Malformed)?;
            URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed)
        };
        let point = |size: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            // RFC 7518 §6.2.1.2: the full size of a coordinate.
            let sized = x.len() == size && y.len() == size;
            sized.then(|| [&[4], x.as_slice(), y.as_slice()].concat()).ok_or(JwkError::Malformed)
        };
        let material = match (text("kty").ok_or(JwkError::Malformed)?, text("crv")) {
            ("RSA", _) => Material::Rsa(components(&bytes("n")?, &bytes("e")?)?),
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
            _ => return Err(JwkError::Unsupported),
        };
        Self { kid, algorithm, material, thumbprint: Some(thumbprint(jwk).ok_or(JwkError::Malformed)?) }.checked()
    }

    /// From a DER `SubjectPublicKeyInfo`, as a certificate holds one. It has no name and fits every `kid`.
    ///
    /// # Errors
    /// [`JwkError`] if nothing may be verified with it.
    pub fn from_spki(spki: &[u8]) -> Result<Self, JwkError> {
        let kinds: [fn(Vec<u8>) -> Material; 4] = [Material::P256, Material::P384, Material::Ed25519, Material::RsaDer];
        let key = |kind: &fn(Vec<u8>) -> Material| {
            let material = kind(spki.to_vec());
            Self { kid: None, algorithm: None, material, thumbprint: None }.checked().ok()
        };
        kinds.iter().find_map(key).ok_or(JwkError::Unsupported)
    }

    /// `kid`, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.material {
            Material::Rsa(_) | Material::RsaDer(_) => "RSA",
            Material::P256(_) => "P-256",
            Material::P384(_) => "P-384",
            Material::Ed25519(_) => "Ed25519",
        }
    }

    /// The thumbprint of a key that came as a JWK: RFC 7638, SHA-256, base64url.
    #[must_use]
    pub fn thumbprint(&self) -> Option<&str> {
        self.thumbprint.as_deref()
    }

    /// Whether a signature by it may use this algorithm.
    #[must_use]
    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        let fits = match self.material {
            Material::Rsa(_) | Material::RsaDer(_) => rsa(algorithm).is_some(),
            Material::P256(_) => algorithm == Algorithm::ES256,
            Material::P384(_) => algorithm == Algorithm::ES384,
            Material::Ed25519(_) => algorithm == Algorithm::EdDSA,
        };
        fits && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the signature over the message is this key's.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.is_for(algorithm) {
            return false;
        }
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        match &self.material {
            Material::Rsa(key) => rsa(algorithm).is_some_and(|how| key.verify(how, message, signature).is_ok()),
            Material::RsaDer(key) => rsa(algorithm).is_some_and(|how| with(how, key)),
            Material::P256(key) => with(&ECDSA_P256_SHA256_FIXED, key),
            Material::P384(key) => with(&ECDSA_P384_SHA384_FIXED, key),
            Material::Ed25519(key) => with(&ED25519, key),
        }
    }

    /// Whether the signature over the message is this key's, by the one algorithm that it is for, in the encodings of
    /// Web Authentication (Level 3, §6.5.5): those of JWTs, but for ECDSA, which is a SEQUENCE of ASN.1.
    pub(crate) fn verify_webauthn(&self, message: &[u8], signature: &[u8]) -> bool {
        match (&self.material, self.algorithm) {
            (Material::P256(key), Some(Algorithm::ES256)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature).is_ok()
            }
            (Material::P256(_) | Material::P384(_), _) | (_, None) => false,
            (_, Some(algorithm)) => self.verify(algorithm, message, signature),
        }
    }

    /// Refuses what the library would refuse at each use.
    fn checked(self) -> Result<Self, JwkError> {
        let parses = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            ParsedPublicKey::new(algorithm, key).map(drop).map_err(|_| JwkError::Malformed)
        };
        match &self.material {
            Material::Rsa(key) => {
                let key: Result<PublicEncryptingKey, _> = key.clone().try_into();
                if key.map_err(|_| JwkError::Malformed)?.key_size_bits() < 2048 {
                    return Err(JwkError::Malformed);
                }
            }
            Material::RsaDer(key) => parses(&RSA_PKCS1_2048_8192_SHA256, key)?,
            Material::P256(key) => parses(&ECDSA_P256_SHA256_FIXED, key)?,
            Material::P384(key) => parses(&ECDSA_P384_SHA384_FIXED, key)?,
            Material::Ed25519(key) => parses(&ED25519, key)?,
        }
        let claimed = self.algorithm;
        if claimed.is_some_and(|algorithm| !self.is_for(algorithm)) { Err(JwkError::Unsupported) } else { Ok(self) }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => return None,
    })
}

fn components(n: &[u8], e: &[u8]) -> Result<PublicKeyComponents<Vec<u8>>, JwkError> {
    let trimmed = |bytes: &[u8]| bytes.iter().copied().skip_while(|b| *b == 0).collect::<Vec<u8>>();
    let (n, e) = (trimmed(n), trimmed(e));
    let sized = n.len() <= MAX_MODULUS && e.len() <= MAX_EXPONENT;
    sized.then_some(PublicKeyComponents { n, e }).ok_or(JwkError::Malformed)
}

/// RFC 7638 §3: SHA-256 over the required members in order of name, without spaces.
fn thumbprint(jwk: &Value) -> Option<String> {
    let members: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "RSA" => &["e", "kty", "n"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    let pairs: Option<Vec<String>> = members
        .iter()
        .map(|name| Some(format!("\"{name}\":{}", serde_json::to_string(jwk.get(name)?).ok()?)))
        .collect();
    let text = format!("{{{}}}", pairs?.join(","));
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())))
}
