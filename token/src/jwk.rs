//! JSON Web Keys, RFC 7517: an issuer's public keys, checked once when the set is read.
//!
//! A key decides its algorithm (RFC 8725 §3.1): whatever a token's `alg` says can only agree with it or be refused.
//! An entry that is of no use here (another key type or curve, an encryption key, too small) is left out; it never
//! spoils the rest of the set.

use crate::jws::{Algorithm, Algorithms};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::VerifyingKey as P256Key;
use rsa::{BoxedUint, RsaPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// The largest JWK Set that is read, in bytes.
pub const MAX_SET: usize = 256 * 1024;
/// The most entries of a set that are looked at.
pub const MAX_KEYS: usize = 256;
/// The longest `kid`, in bytes.
pub const MAX_KID: usize = 512;
/// The smallest RSA modulus, in bits (RFC 7518 §3.3).
pub const MIN_RSA_BITS: usize = 2048;
/// The largest RSA modulus, in bits: beyond it a check takes too long.
pub const MAX_RSA_BITS: usize = 4096;

/// A public key in its JSON form (RFC 7517 §4, RFC 7518 §6), for writing one or reading one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk<'a> {
    /// Key type: `EC` or `RSA` are of use here.
    #[serde(borrow)]
    pub kty: Cow<'a, str>,
    /// What it is for; `sig` or absent is of use here.
    #[serde(borrow, rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Cow<'a, str>>,
    /// What may be done with it; must include `verify` if present.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<Cow<'a, str>>>,
    /// The algorithm it is for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<Cow<'a, str>>,
    /// Its name, unique in the set.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<Cow<'a, str>>,
    /// The curve of an `EC` key.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<Cow<'a, str>>,
    /// The x coordinate, base64url.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Cow<'a, str>>,
    /// The y coordinate, base64url.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub y: Option<Cow<'a, str>>,
    /// The RSA modulus, base64url.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub n: Option<Cow<'a, str>>,
    /// The RSA public exponent, base64url.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub e: Option<Cow<'a, str>>,
}

impl Jwk<'static> {
    /// The public JWK of a P-256 key that signs with ES256.
    ///
    /// `x` and `y` are the coordinates, big-endian, 32 bytes each.
    #[must_use]
    pub fn es256(kid: &str, x: &[u8; 32], y: &[u8; 32]) -> Self {
        Self {
            kty: "EC".into(),
            usage: Some("sig".into()),
            key_ops: None,
            alg: Some("ES256".into()),
            kid: Some(kid.to_owned().into()),
            crv: Some("P-256".into()),
            x: Some(URL_SAFE_NO_PAD.encode(x).into()),
            y: Some(URL_SAFE_NO_PAD.encode(y).into()),
            n: None,
            e: None,
        }
    }
}

/// A key that passed its checks: public, or a secret that the configuration gives.
#[derive(Debug, Clone)]
pub struct PublicKey {
    kid: Option<String>,
    spki: Vec<u8>,
    material: Material,
    algorithms: Algorithms,
}

/// The key itself, parsed once.
#[derive(Clone)]
pub enum Material {
    /// A point on P-256, for ES256.
    P256(P256Key),
    /// A point that is said to be on P-384, for ES384. Whether it is, the host finds out, which alone can use it.
    P384,
    /// An RSA key of 2048 to 4096 bits, for RS256 and its like.
    Rsa(Box<RsaPublicKey>),
    /// A point on edwards25519, for EdDSA.
    Ed25519(Box<Ed25519Key>),
    /// A secret, for HS256 and its like.
    Secret(Box<[u8]>),
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::P256(_) => "P256",
            Self::P384 => "P384",
            Self::Rsa(_) => "Rsa",
            Self::Ed25519(_) => "Ed25519",
            Self::Secret(_) => "Secret",
        })
    }
}

/// Why an entry of a set is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A key type, curve or algorithm that is not verified here, or a key that is not for signatures.
    #[error("a key of a kind that is of no use here")]
    Unsupported,
    /// A member is missing, not base64url, or of the wrong size; or the point is not on the curve.
    #[error("a malformed key")]
    Malformed,
    /// An RSA modulus under 2048 or over 4096 bits, or a secret shorter than the hash (RFC 7518 §3.2).
    #[error("an RSA key of fewer than 2048 or more than 4096 bits, or a secret shorter than the hash")]
    Size,
}

impl PublicKey {
    /// Checks a JWK. `accepted` are the algorithms that are wanted; `None` is all of them.
    ///
    /// A key that names its algorithm is for that one alone. An RSA key that names none is for what is accepted, or for
    /// RS256 where nothing is said.
    ///
    /// # Errors
    /// [`KeyError`] if no token may be checked with it.
    pub fn from_jwk(jwk: &Value, accepted: Option<Algorithms>) -> Result<Self, KeyError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let ops = jwk.get("key_ops").and_then(Value::as_array);
        let for_signatures = text("use").is_none_or(|usage| usage == "sig")
            && ops.is_none_or(|ops| ops.iter().any(|op| op.as_str() == Some("verify")));
        if !for_signatures {
            return Err(KeyError::Unsupported);
        }
        let ((material, spki), possible): (_, &[Algorithm]) = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => (p256_key(jwk)?, &[Algorithm::ES256]),
            (Some("EC"), Some("P-384")) => (p384_key(jwk)?, &[Algorithm::ES384]),
            (Some("OKP"), Some("Ed25519")) => (ed25519_key(jwk)?, &[Algorithm::EdDSA]),
            (Some("RSA"), _) => (rsa_key(jwk)?, &Algorithms::RSA),
            _ => return Err(KeyError::Unsupported),
        };
        let named: Algorithms = match text("alg") {
            Some(name) => Algorithm::from_name(name).into_iter().collect(),
            None if possible.len() > 1 && accepted.is_none() => [Algorithm::RS256].into_iter().collect(),
            None => possible.iter().copied().collect(),
        };
        let possible: Algorithms = possible.iter().copied().collect();
        let algorithms = possible.both(named).both(accepted.unwrap_or(possible));
        if algorithms.is_empty() {
            return Err(KeyError::Unsupported);
        }
        if text("kid").is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(KeyError::Malformed);
        }
        Ok(Self { kid: text("kid").map(str::to_owned), spki, material, algorithms })
    }

    /// A secret for HS256, HS384 or HS512.
    ///
    /// # Errors
    /// [`KeyError::Size`] if it is shorter than the hash (RFC 7518 §3.2); [`KeyError::Unsupported`] for an algorithm
    /// that takes no secret.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let least = match algorithm {
            Algorithm::HS256 => 32,
            Algorithm::HS384 => 48,
            Algorithm::HS512 => 64,
            _ => return Err(KeyError::Unsupported),
        };
        if secret.len() < least {
            return Err(KeyError::Size);
        }
        let (material, algorithms) = (Material::Secret(secret.into()), [algorithm].into_iter().collect());
        Ok(Self { kid: None, spki: Vec::new(), material, algorithms })
    }

    /// Whether signatures by this key may use the algorithm.
    #[must_use]
    pub fn permits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(algorithm)
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key as a DER `SubjectPublicKeyInfo` (RFC 5280 §4.1), encoded once.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key as the pure-Rust verifier takes it.
    #[must_use]
    pub fn material(&self) -> &Material {
        &self.material
    }
}

/// An issuer's keys.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    skipped: usize,
}

/// Why a text is not a JWK Set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Over [`MAX_SET`] bytes or [`MAX_KEYS`] entries.
    #[error("the JWK Set is too large")]
    TooLarge,
    /// Not a JSON object with an array `keys`.
    #[error("not a JWK Set")]
    Syntax,
    /// Not one key in it is of use.
    #[error("the JWK Set holds no key that is of use here")]
    Empty,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517 §5). Entries of no use are skipped, and counted in [`KeySet::skipped`].
    ///
    /// Of two entries with one `kid`, neither is taken unless they hold the same key: a name must not be ambiguous. The same
    /// key is then good for the algorithms of both.
    /// `accepted` is as for [`PublicKey::from_jwk`].
    ///
    /// # Errors
    /// [`KeySetError`]
    pub fn parse(json: &[u8], accepted: Option<Algorithms>) -> Result<Self, KeySetError> {
        if json.len() > MAX_SET {
            return Err(KeySetError::TooLarge);
        }
        let set = crate::json::parse(json).map_err(|_| KeySetError::Syntax)?;
        Self::from_json(&set, accepted)
    }

    /// Takes a JWK Set that was read already; see [`KeySet::parse`].
    ///
    /// # Errors
    /// [`KeySetError`]
    pub fn from_json(set: &Value, accepted: Option<Algorithms>) -> Result<Self, KeySetError> {
        let entries = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Syntax)?;
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooLarge);
        }
        let total = entries.len();
        let mut keys: Vec<PublicKey> = Vec::with_capacity(total);
        let mut ambiguous: Vec<String> = Vec::new();
        for entry in entries {
            let Ok(key) = PublicKey::from_jwk(entry, accepted) else { continue };
            match keys.iter_mut().find(|known| known.kid.is_some() && known.kid == key.kid) {
                None => keys.push(key),
                Some(known) if known.spki == key.spki => known.algorithms = known.algorithms.either(key.algorithms),
                Some(_) => ambiguous.extend(key.kid),
            }
        }
        keys.retain(|key| !key.kid.as_ref().is_some_and(|kid| ambiguous.contains(kid)));
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { skipped: total.saturating_sub(keys.len()), keys })
    }

    /// A set of one key.
    #[must_use]
    pub fn of(key: PublicKey) -> Self {
        Self { keys: vec![key], skipped: 0 }
    }

    /// The key that a token's header names. Without a `kid` it is the only key of that algorithm, or none.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        match kid {
            Some(kid) => self.keys.iter().find(|key| key.kid() == Some(kid)),
            None => {
                let mut candidates = self.keys.iter().filter(|key| key.permits(algorithm));
                candidates.next().filter(|_| candidates.next().is_none())
            }
        }
    }

    /// How many keys are of use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many entries were left out.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}

/// The thumbprint of a public key, RFC 7638 §3, with SHA-256: over its required members in their order. `None` if it
/// lacks one.
#[must_use]
pub fn thumbprint(jwk: &Value) -> Option<[u8; 32]> {
    let names: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let mut canonical = String::from("{");
    for name in names {
        // None of these values, of a key that was read, holds what JSON would escape.
        let value = jwk
            .get(*name)?
            .as_str()
            .filter(|value| value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))?;
        for part in [if canonical.len() > 1 { ",\"" } else { "\"" }, name, "\":\"", value, "\""] {
            canonical.push_str(part);
        }
    }
    canonical.push('}');
    Some(Sha256::digest(canonical).into())
}

fn member(jwk: &Value, name: &str) -> Result<Vec<u8>, KeyError> {
    let value = jwk.get(name).and_then(Value::as_str).ok_or(KeyError::Malformed)?;
    URL_SAFE_NO_PAD.decode(value).map_err(|_| KeyError::Malformed)
}

/// An uncompressed point (SEC 1 §2.3.3), its coordinates of their full size (RFC 7518 §6.2.1.2).
fn point(jwk: &Value, size: usize) -> Result<Vec<u8>, KeyError> {
    let (x, y) = (member(jwk, "x")?, member(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err(KeyError::Malformed);
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

fn p256_key(jwk: &Value) -> Result<(Material, Vec<u8>), KeyError> {
    let point = point(jwk, 32)?;
    let key = P256Key::from_sec1_bytes(&point).map_err(|_| KeyError::Malformed)?;
    Ok((Material::P256(key), [SPKI_P256.as_slice(), &point].concat()))
}

fn p384_key(jwk: &Value) -> Result<(Material, Vec<u8>), KeyError> {
    Ok((Material::P384, [SPKI_P384.as_slice(), &point(jwk, 48)?].concat()))
}

fn ed25519_key(jwk: &Value) -> Result<(Material, Vec<u8>), KeyError> {
    let bytes: [u8; 32] = member(jwk, "x")?.try_into().map_err(|_| KeyError::Malformed)?;
    let key = Ed25519Key::from_bytes(&bytes).map_err(|_| KeyError::Malformed)?;
    if key.is_weak() {
        return Err(KeyError::Malformed);
    }
    Ok((Material::Ed25519(Box::new(key)), [SPKI_ED25519.as_slice(), &bytes].concat()))
}

fn rsa_key(jwk: &Value) -> Result<(Material, Vec<u8>), KeyError> {
    let (n, e) = (member(jwk, "n")?, member(jwk, "e")?);
    let (n, e) = (without_zeros(&n), without_zeros(&e));
    let bits = n.len().saturating_mul(8).saturating_sub(n.first().map_or(0, |b| b.leading_zeros() as usize));
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyError::Size);
    }
    if e.len() > 4 {
        return Err(KeyError::Malformed); // what every library accepts; in practice it is 65537
    }
    let key = RsaPublicKey::new_with_size_limits(
        BoxedUint::from_be_slice_vartime(n),
        BoxedUint::from_be_slice_vartime(e),
        MIN_RSA_BITS..=MAX_RSA_BITS,
    )
    .map_err(|_| KeyError::Malformed)?;
    Ok((Material::Rsa(Box::new(key)), spki_rsa(n, e)))
}

pub(crate) fn without_zeros(mut bytes: &[u8]) -> &[u8] {
    while let Some((0, rest)) = bytes.split_first() {
        bytes = rest;
    }
    bytes
}

/// `SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING (66 bytes, none unused) }`, up to the point.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// `SEQUENCE { SEQUENCE { id-ecPublicKey, secp384r1 }, BIT STRING (98 bytes, none unused) }`, up to the point.
const SPKI_P384: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00,
];

/// `SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING (33 bytes, none unused) }`, up to the key (RFC 8410 §4).
const SPKI_ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// `SEQUENCE { rsaEncryption, NULL }`.
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

fn spki_rsa(n: &[u8], e: &[u8]) -> Vec<u8> {
    let key = der(0x30, &[der_unsigned(n), der_unsigned(e)].concat());
    let bits = der(0x03, &[&[0], key.as_slice()].concat());
    der(0x30, &[RSA_ALGORITHM.as_slice(), &bits].concat())
}

pub(crate) fn der_unsigned(number: &[u8]) -> Vec<u8> {
    let padded = number.first().is_some_and(|first| first & 0x80 != 0);
    if padded { der(0x02, &[&[0], number].concat()) } else { der(0x02, number) }
}

/// A DER element with a definite length; contents of up to 65,535 bytes, which 4096 bits stay far below.
pub(crate) fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [.., high, low] = contents.len().to_be_bytes();
    let header: &[u8] = match (high, low) {
        (0, 0..=0x7f) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [header, contents].concat()
}

#[cfg(test)]
#[path = "jwk_tests.rs"]
mod tests;
