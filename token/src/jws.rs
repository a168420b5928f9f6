//! JWS compact serialisation, RFC 7515 §7.1: taken apart, nothing believed yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// A signature algorithm that Bearward verifies, RFC 7518 §3.1 and RFC 8037 §3.1. `none` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; the signature is `r || s`, 64 bytes.
    ES256,
    /// ECDSA on P-384 with SHA-384; the signature is `r || s`, 96 bytes.
    ES384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256, the salt as long as the hash.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
}

impl Algorithm {
    /// All of them, with their registered names.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::ES256, "ES256"),
        (Self::ES384, "ES384"),
        (Self::RS256, "RS256"),
        (Self::RS384, "RS384"),
        (Self::RS512, "RS512"),
        (Self::PS256, "PS256"),
        (Self::PS384, "PS384"),
        (Self::PS512, "PS512"),
        (Self::EdDSA, "EdDSA"),
        (Self::HS256, "HS256"),
        (Self::HS384, "HS384"),
        (Self::HS512, "HS512"),
    ];

    /// The registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(algorithm, _)| *algorithm == self).map_or("", |(_, name)| name)
    }

    /// From the registered name. `Ed25519`, which RFC 9864 §2.2 has for it, is `EdDSA`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
    }

    /// Whether it takes a secret that both sides have.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

/// A set of algorithms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// Those of RSA keys.
    pub const RSA: [Algorithm; 6] =
        [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

    /// Whether it is among them.
    #[must_use]
    pub fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & bit(algorithm) != 0
    }

    /// Those that are in both sets.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either set.
    #[must_use]
    pub fn either(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |bits, algorithm| bits | bit(algorithm)))
    }
}

fn bit(algorithm: Algorithm) -> u16 {
    1 << (algorithm as u16)
}

/// The protected header as it is written, RFC 7515 §4; what is verified reads it as a `ClaimSet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header<'a> {
    /// The algorithm the token claims; the key decides whether it may.
    #[serde(borrow)]
    pub alg: Cow<'a, str>,
    /// Which of the issuer's keys signed.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<Cow<'a, str>>,
    /// The media type, RFC 9068 §2.1.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub typ: Option<Cow<'a, str>>,
    /// Extensions that must be understood (RFC 7515 §4.1.11); Bearward understands none, so a token that has it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crit: Option<Extensions>,
}

/// That a token names extensions; which ones does not matter, as none is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions;

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Serialize for Extensions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ["unknown"].serialize(serializer)
    }
}

/// A compact JWS, its parts still encoded except where noted.
#[derive(Debug, Clone)]
pub struct Compact<'a> {
    /// `header.payload`, the bytes that were signed.
    pub signing_input: &'a [u8],
    /// The header, decoded: JSON text.
    pub header: Vec<u8>,
    /// The payload, decoded: JSON text.
    pub payload: Vec<u8>,
    /// The signature, decoded.
    pub signature: Vec<u8>,
}

/// Why a text is not a compact JWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// Over so many bytes, [`MAX_TOKEN`] for a token.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts.
    #[error("a JWT has three parts")]
    Parts,
    /// A part is not base64url without padding (RFC 7515 §2).
    #[error("a part of the JWT is not base64url")]
    Base64,
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`CompactError`]; nothing is said yet about the JSON inside.
    pub fn parse(token: &'a str) -> Result<Self, CompactError> {
        Self::parse_up_to(token, MAX_TOKEN)
    }

    /// Takes apart what is no token, and may be longer than one: so many bytes.
    ///
    /// # Errors
    /// As [`Compact::parse`].
    pub fn parse_up_to(token: &'a str, most: usize) -> Result<Self, CompactError> {
        if token.len() > most {
            return Err(CompactError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(CompactError::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(CompactError::Parts)?;
        if payload.contains('.') {
            return Err(CompactError::Parts);
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| CompactError::Base64);
        Ok(Self {
            signing_input: signing_input.as_bytes(),
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

/// Whether a token can be a JWS in compact form (RFC 7515 §7.1), good or bad: three parts, the first of which is a JSON object by
/// its first character. What is not, is an opaque token, whatever dots it has.
#[must_use]
pub fn is_compact(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let object = |bytes: Vec<u8>| bytes.trim_ascii_start().first() == Some(&b'{');
    token.bytes().filter(|b| *b == b'.').count() == 2 && URL_SAFE_NO_PAD.decode(header).is_ok_and(object)
}

/// The signing input of a token: `base64url(header) "." base64url(payload)`.
///
/// # Errors
/// If a value cannot be written as JSON, which the types of this crate always can.
pub fn signing_input(header: &Header<'_>, payload: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut out = URL_SAFE_NO_PAD.encode(serde_json::to_vec(header)?);
    out.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(payload)?, &mut out);
    Ok(out)
}

/// The whole token: the signing input, a dot, the signature.
#[must_use]
pub fn append_signature(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    signing_input
}
