//! Other people's test vectors (project Wycheproof), for whatever checks signatures: each with the key as the filter
//! holds it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the vectors are the library's, and as they should be"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::jwk::PublicKey;
use bearward_token::jws::Algorithm;
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

/// A signature, and whether it is one.
#[derive(Debug)]
pub struct Vector {
    /// Which one, and what is special about it.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// What is signed.
    pub message: Vec<u8>,
    /// The signature, as a JWS has it.
    pub signature: Vec<u8>,
    /// Whether it is good; `None` where either may be said.
    pub good: Option<bool>,
}

/// All of them.
///
/// # Panics
/// If a key of a vector cannot be read.
#[must_use]
pub fn all() -> Vec<Vector> {
    let mut all = Vec::new();
    ecdsa(&mut all);
    rsa(&mut all);
    ed25519(&mut all);
    hmac(&mut all);
    all
}

fn add(
    all: &mut Vec<Vector>,
    key: &PublicKey,
    algorithm: Algorithm,
    test: (usize, &str),
    signed: (&[u8], &[u8]),
    result: TestResult,
) {
    all.push(Vector {
        name: format!("{algorithm:?} {} {}", test.0, test.1),
        key: key.clone(),
        algorithm,
        message: signed.0.to_vec(),
        signature: signed.1.to_vec(),
        good: (result != TestResult::Acceptable).then_some(result == TestResult::Valid),
    });
}

fn ecdsa(all: &mut Vec<Vector>) {
    for (name, algorithm, crv, size) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256, "P-256", 32),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384, "P-384", 48),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let (rest, y) = group.der.split_at(group.der.len() - size);
            let x = &rest[rest.len() - size..];
            let key = key(&json!({ "kty": "EC", "crv": crv, "x": text(x), "y": text(y) }), algorithm);
            for test in group.tests {
                add(all, &key, algorithm, (test.tc_id, &test.comment), (&test.msg, &test.sig), test.result);
            }
        }
    }
}

fn rsa(all: &mut Vec<Vector>) {
    use rsa_pkcs1_verify::TestName as Pkcs1;
    use rsa_pss_verify::TestName as Pss;
    for (name, algorithm) in [
        (Pkcs1::Rsa2048Sha256, Algorithm::RS256),
        (Pkcs1::Rsa2048Sha384, Algorithm::RS384),
        (Pkcs1::Rsa4096Sha512, Algorithm::RS512),
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(&rsa_jwk(&group.key), algorithm);
            for test in group.tests {
                add(all, &key, algorithm, (test.tc_id, &test.comment), (&test.msg, &test.sig), test.result);
            }
        }
    }
    for (name, algorithm) in [
        (Pss::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
        (Pss::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
        (Pss::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(&rsa_jwk(&group.key), algorithm);
            for test in group.tests {
                add(all, &key, algorithm, (test.tc_id, &test.comment), (&test.msg, &test.sig), test.result);
            }
        }
    }
}

fn ed25519(all: &mut Vec<Vector>) {
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let x = &group.der[group.der.len() - 32..];
        let key = key(&json!({ "kty": "OKP", "crv": "Ed25519", "x": text(x) }), Algorithm::EdDSA);
        for test in group.tests {
            add(all, &key, Algorithm::EdDSA, (test.tc_id, &test.comment), (&test.msg, &test.sig), test.result);
        }
    }
}

fn hmac(all: &mut Vec<Vector>) {
    for (name, algorithm, size) in [
        (mac::TestName::HmacSha256, Algorithm::HS256, 32),
        (mac::TestName::HmacSha384, Algorithm::HS384, 48),
        (mac::TestName::HmacSha512, Algorithm::HS512, 64),
    ] {
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // Shorter keys are refused beforehand, and a shorter tag is none in a JWS.
                let Ok(key) = PublicKey::from_secret(&test.key, algorithm) else { continue };
                let result = if group.tag_size == size * 8 { test.result } else { TestResult::Invalid };
                add(all, &key, algorithm, (test.tc_id, &test.comment), (&test.msg, &test.tag), result);
            }
        }
    }
}

fn rsa_jwk(key: &wycheproof::RsaPublic) -> Value {
    let number = |bytes: &[u8]| text(&bytes.iter().copied().skip_while(|b| *b == 0).collect::<Vec<_>>());
    json!({ "kty": "RSA", "n": number(key.n.as_ref()), "e": number(key.e.as_ref()) })
}

fn key(jwk: &Value, algorithm: Algorithm) -> PublicKey {
    PublicKey::from_jwk(jwk, Some([algorithm].into_iter().collect())).unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
