//! Keys that sign: making, storing and using one of each algorithm (RFC 7518 §3, RFC 8037).

use super::KeyError;
use super::lifecycle::Line;
use super::seal::Sealer;
use crate::jwt::{Algorithm, PublicKey};
use crate::model::SigningKey;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::claims::ACCESS_TOKEN_TYPE;
use bearward_token::jws;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The algorithms that this server can sign with, the usual one first.
pub const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::RS256, Algorithm::PS256];

pub(super) const PURPOSE: &str = "signing key";

/// A key that signs.
pub(super) struct Signer {
    pair: Pair,
    pub(super) algorithm: Algorithm,
    kid: String,
    /// The JOSE header with the dot behind it, as it begins every access token.
    prefix: String,
}

/// A key that verifies.
pub(super) struct Verifier {
    key: ParsedPublicKey,
    pub(super) algorithm: Algorithm,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

/// Whether this build signs with the algorithm of a stored key.
pub(super) fn algorithm(key: &SigningKey) -> Option<Algorithm> {
    Algorithm::from_name(&key.alg).filter(|algorithm| ALGORITHMS.contains(algorithm))
}

/// A new key, sealed, published from `now` on.
pub(super) fn generate(
    line: Line<'_>,
    sealer: &Sealer,
    now: i64,
    activates_at: Option<i64>,
) -> Result<SigningKey, KeyError> {
    let algorithm = line.algorithm;
    let document = pkcs8(algorithm).ok_or(KeyError::Crypto("a key could not be made"))?;
    let mut jwk = Pair::open(algorithm, &document)?.jwk()?;
    let kid = PublicKey::from_jwk(&jwk).ok().and_then(|key| key.thumbprint().map(str::to_owned));
    let kid = kid.ok_or(KeyError::Crypto("a key that is not one's own"))?;
    if let Some(members) = jwk.as_object_mut() {
        let more = [("alg", algorithm.name()), ("use", "sig"), ("kid", &kid)];
        members.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
    }
    Ok(SigningKey {
        sealed_private: sealer.seal(PURPOSE, kid.as_bytes(), &document)?,
        kid,
        alg: algorithm.name().to_owned(),
        public_jwk: jwk.to_string(),
        published_at: now,
        activates_at,
        line: line.name().to_owned(),
        ended_at: None,
    })
}

impl Signer {
    /// Opens a stored key of this algorithm.
    pub(super) fn open(sealer: &Sealer, algorithm: Algorithm, key: &SigningKey) -> Result<Self, KeyError> {
        let pair = Pair::open(algorithm, &sealer.open(PURPOSE, key.kid.as_bytes(), &key.sealed_private)?)?;
        let prefix = prefix(algorithm, &key.kid, ACCESS_TOKEN_TYPE)?;
        Ok(Self { pair, algorithm, kid: key.kid.clone(), prefix })
    }

    /// A token of this `typ` over this payload.
    pub(super) fn token(&self, typ: &str, payload: &[u8]) -> Result<String, KeyError> {
        let other = if typ == ACCESS_TOKEN_TYPE { None } else { Some(prefix(self.algorithm, &self.kid, typ)?) };
        let prefix = other.as_ref().unwrap_or(&self.prefix);
        // Room for the payload and the usual signature, each in base64.
        let mut token = String::with_capacity(prefix.len() + payload.len().div_ceil(3) * 4 + 90);
        token.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.pair.sign(self.algorithm, token.as_bytes());
        let signature = signature.ok_or(KeyError::Crypto("the key did not sign"))?;
        Ok(jws::append_signature(token, &signature))
    }

    /// The public half.
    pub(super) fn verifier(&self) -> Result<Verifier, KeyError> {
        let how: &'static dyn VerificationAlgorithm = match self.algorithm {
            Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDSA => &ED25519,
            Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
            _ => &ECDSA_P256_SHA256_FIXED,
        };
        let key = ParsedPublicKey::new(how, self.pair.public()).map_err(|_| KeyError::Crypto("a malformed key"))?;
        Ok(Verifier { key, algorithm: self.algorithm })
    }
}

impl Verifier {
    /// Whether this key made the signature.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl Pair {
    fn open(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::Ed25519),
            Algorithm::RS256 | Algorithm::PS256 => rsa::KeyPair::from_pkcs8(pkcs8).map(Self::Rsa),
            _ => EcdsaKeyPair::from_pkcs8(ecdsa(algorithm), pkcs8).map(Self::Ecdsa),
        };
        pair.map_err(|_| KeyError::Crypto("a stored private key is malformed"))
    }

    /// As JOSE has it (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => pair.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let how = if algorithm == Algorithm::PS256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(how, &random, message, &mut signature).ok().map(|()| signature)
            }
        }
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::Ecdsa(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    fn jwk(&self) -> Result<Value, KeyError> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(match self {
            Self::Ecdsa(pair) => {
                // An uncompressed point: 4, then the two coordinates.
                let Some((4, coordinates)) = pair.public_key().as_ref().split_first() else {
                    return Err(KeyError::Crypto("a point of another form"));
                };
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                let curve = if x.len() == 48 { "P-384" } else { "P-256" };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Self::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let modulus = encode(public.modulus().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": modulus, "e": encode(public.exponent().big_endian_without_leading_zero()) })
            }
        })
    }
}

fn pkcs8(algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
    let random = SystemRandom::new();
    let document = match algorithm {
        Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8(&random).ok()?.as_ref().to_vec(),
        Algorithm::RS256 | Algorithm::PS256 => {
            rsa::KeyPair::generate(KeySize::Rsa2048).ok()?.as_der().ok()?.as_ref().to_vec()
        }
        _ => EcdsaKeyPair::generate_pkcs8(ecdsa(algorithm), &random).ok()?.as_ref().to_vec(),
    };
    Some(Zeroizing::new(document))
}

fn ecdsa(algorithm: Algorithm) -> &'static EcdsaSigningAlgorithm {
    if algorithm == Algorithm::ES384 { &ECDSA_P384_SHA384_FIXED_SIGNING } else { &ECDSA_P256_SHA256_FIXED_SIGNING }
}

fn prefix(algorithm: Algorithm, kid: &str, typ: &str) -> Result<String, KeyError> {
    let header = jws::Header { alg: algorithm.name().into(), kid: Some(kid.into()), typ: Some(typ.into()), crit: None };
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Crypto("a header that is no JSON"))?;
    Ok(URL_SAFE_NO_PAD.encode(header) + ".")
}
