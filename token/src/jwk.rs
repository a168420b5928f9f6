//! JSON Web Keys, RFC 7517: an issuer's public keys, checked once when the set is read.
//!
//! A key decides its algorithm (RFC 8725 §3.1): whatever a token's `alg` says can only agree with it or be refused.
//! An entry that is of no use here (another key type or curve, an encryption key, too small) is left out; it never
//! spoils the rest of the set.

use crate::jws::Algorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::VerifyingKey as P256Key;
use rsa::{BoxedUint, RsaPublicKey};
use serde::{Deserialize, Serialize};
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

/// A public key that passed its checks.
#[derive(Debug, Clone)]
pub struct PublicKey {
    kid: Option<String>,
    spki: Vec<u8>,
    material: Material,
}

/// The key itself, parsed once.
#[derive(Debug, Clone)]
pub enum Material {
    /// A point on P-256, for ES256.
    P256(P256Key),
    /// An RSA key of 2048 to 4096 bits, for RS256.
    Rsa(Box<RsaPublicKey>),
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
    /// An RSA modulus under 2048 or over 4096 bits.
    #[error("an RSA key of fewer than 2048 or more than 4096 bits")]
    Size,
}

impl PublicKey {
    /// Checks a JWK.
    ///
    /// # Errors
    /// [`KeyError`] if no token may be checked with it.
    pub fn from_jwk(jwk: &Jwk<'_>) -> Result<Self, KeyError> {
        let for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
            && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !for_signatures {
            return Err(KeyError::Unsupported);
        }
        let (material, spki) = match jwk.kty.as_ref() {
            "EC" if jwk.crv.as_deref() == Some("P-256") => p256_key(jwk)?,
            "RSA" => rsa_key(jwk)?,
            _ => return Err(KeyError::Unsupported),
        };
        if jwk.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(KeyError::Malformed);
        }
        let key = Self { kid: jwk.kid.as_deref().map(str::to_owned), spki, material };
        if jwk.alg.as_deref().is_some_and(|alg| alg != key.algorithm().name()) {
            return Err(KeyError::Unsupported);
        }
        Ok(key)
    }

    /// The one algorithm that signatures by this key may use.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::P256(_) => Algorithm::ES256,
            Material::Rsa(_) => Algorithm::RS256,
        }
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
    /// Of two entries with one `kid`, neither is taken unless they hold the same key: a name must not be ambiguous.
    ///
    /// # Errors
    /// [`KeySetError`]
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<&'a serde_json::value::RawValue>,
        }
        if json.len() > MAX_SET {
            return Err(KeySetError::TooLarge);
        }
        let set: Set<'_> = serde_json::from_slice(json).map_err(|_| KeySetError::Syntax)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooLarge);
        }
        let total = set.keys.len();
        let mut keys: Vec<PublicKey> = Vec::with_capacity(total);
        let mut ambiguous: Vec<String> = Vec::new();
        for entry in set.keys {
            let Ok(jwk) = serde_json::from_str::<Jwk<'_>>(entry.get()) else { continue };
            let Ok(key) = PublicKey::from_jwk(&jwk) else { continue };
            match keys.iter().find(|known| known.kid.is_some() && known.kid == key.kid) {
                None => keys.push(key),
                Some(known) if known.spki == key.spki => {}
                Some(_) => ambiguous.extend(key.kid),
            }
        }
        keys.retain(|key| !key.kid.as_ref().is_some_and(|kid| ambiguous.contains(kid)));
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { skipped: total.saturating_sub(keys.len()), keys })
    }

    /// The key that a token's header names. Without a `kid` it is the only key of that algorithm, or none.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        match kid {
            Some(kid) => self.keys.iter().find(|key| key.kid() == Some(kid)),
            None => {
                let mut candidates = self.keys.iter().filter(|key| key.algorithm() == algorithm);
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

fn member(value: Option<&Cow<'_, str>>) -> Result<Vec<u8>, KeyError> {
    let value = value.ok_or(KeyError::Malformed)?;
    URL_SAFE_NO_PAD.decode(value.as_bytes()).map_err(|_| KeyError::Malformed)
}

fn p256_key(jwk: &Jwk<'_>) -> Result<(Material, Vec<u8>), KeyError> {
    let (x, y) = (member(jwk.x.as_ref())?, member(jwk.y.as_ref())?);
    if x.len() != 32 || y.len() != 32 {
        return Err(KeyError::Malformed); // RFC 7518 §6.2.1.2: the full size of a coordinate
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let key = P256Key::from_sec1_bytes(&point).map_err(|_| KeyError::Malformed)?;
    Ok((Material::P256(key), [SPKI_P256.as_slice(), &point].concat()))
}

fn rsa_key(jwk: &Jwk<'_>) -> Result<(Material, Vec<u8>), KeyError> {
    let (n, e) = (member(jwk.n.as_ref())?, member(jwk.e.as_ref())?);
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

fn without_zeros(mut bytes: &[u8]) -> &[u8] {
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

/// `SEQUENCE { rsaEncryption, NULL }`.
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

fn spki_rsa(n: &[u8], e: &[u8]) -> Vec<u8> {
    let key = der(0x30, &[der_unsigned(n), der_unsigned(e)].concat());
    let bits = der(0x03, &[&[0], key.as_slice()].concat());
    der(0x30, &[RSA_ALGORITHM.as_slice(), &bits].concat())
}

fn der_unsigned(number: &[u8]) -> Vec<u8> {
    let padded = number.first().is_some_and(|first| first & 0x80 != 0);
    if padded { der(0x02, &[&[0], number].concat()) } else { der(0x02, number) }
}

/// A DER element with a definite length; contents of up to 65,535 bytes, which 4096 bits stay far below.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
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
