//! Other people's test vectors (project Wycheproof), through both ways in which signatures are checked: by the host, for
//! which AWS-LC stands in here as BoringSSL does in Envoy, and by pure Rust.

use super::fake::{FakeEnvoy, FakeHost};
use super::*;
use crate::proxy::{HostError, HostResult};
use crate::verifier::HostVerifier;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use bearward_token::jwk::PublicKey;
use bearward_token::jws::Algorithm;
use bearward_token::signature::{PureRust, SignatureVerifier};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

/// What Envoy's `verify_signature` does, by the measurements: the algorithm is the key's kind and the hash.
pub(super) fn verify_signature(arguments: &[u8]) -> HostResult<Vec<u8>> {
    let mut fields = Vec::new();
    let mut rest = arguments;
    while let [_, after @ ..] = rest {
        let (mut length, mut after, mut shift) = (0, after, 0);
        while let [byte, more @ ..] = after {
            length |= usize::from(byte & 0x7f) << shift;
            (after, shift) = (more, shift + 7);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (field, more) = after.split_at_checked(length).ok_or(HostError::BAD_ARGUMENT)?;
        fields.push(field);
        rest = more;
    }
    let [hash, key, signature, text] = fields.as_slice() else { return Err(HostError::BAD_ARGUMENT) };
    let algorithm: &dyn VerificationAlgorithm = match (*hash, key.len()) {
        (b"sha256", 91) => &ECDSA_P256_SHA256_ASN1,
        (b"sha384", 120) => &ECDSA_P384_SHA384_ASN1,
        (b"sha256", _) => &RSA_PKCS1_2048_8192_SHA256,
        (b"sha384", _) => &RSA_PKCS1_2048_8192_SHA384,
        (b"sha512", _) => &RSA_PKCS1_2048_8192_SHA512,
        _ => return Ok(Vec::new()),
    };
    let good = UnparsedPublicKey::new(algorithm, key).verify(text, signature).is_ok();
    Ok(if good { vec![0x08, 0x01] } else { b"\x12\x01x".to_vec() })
}

/// A host with and one without `verify_signature`.
fn hosts() -> [FakeHost; 2] {
    let without = FakeEnvoy::new(1, &config());
    let with = FakeEnvoy::new(1, &config());
    *with.world.verify.borrow_mut() = Some(Box::new(verify_signature));
    [with.vms[0].host.clone(), without.vms[0].host.clone()]
}

/// Checks one vector; gives how many were good, so that a test can tell that it tested something.
fn check(
    key: &PublicKey,
    algorithm: Algorithm,
    vector: (&[u8], &[u8], TestResult),
    what: &str,
    hosts: &[FakeHost],
) -> usize {
    let (message, signature, expected) = vector;
    let mut verdicts: Vec<bool> =
        hosts.iter().map(|host| HostVerifier(host).verify(key, algorithm, message, signature).is_ok()).collect();
    verdicts.push(PureRust.verify(key, algorithm, message, signature).is_ok());
    if algorithm == Algorithm::ES384 {
        verdicts.truncate(1); // which only the host does
    }
    for verdict in &verdicts {
        assert!(
            expected == TestResult::Acceptable || *verdict == (expected == TestResult::Valid),
            "{what}: {verdicts:?}"
        );
    }
    usize::from(verdicts[0])
}

fn key(jwk: &Value, algorithm: Algorithm) -> PublicKey {
    PublicKey::from_jwk(jwk, Some([algorithm].into_iter().collect())).unwrap()
}

#[test]
fn ecdsa_signatures() {
    let hosts = hosts();
    for (name, algorithm, crv, size) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256, "P-256", 32),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384, "P-384", 48),
    ] {
        let mut good = 0;
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let (rest, y) = group.der.split_at(group.der.len() - size);
            let x = &rest[rest.len() - size..];
            let jwk = json!({ "kty": "EC", "crv": crv, "x": base64_url(x), "y": base64_url(y) });
            let key = key(&jwk, algorithm);
            for test in group.tests {
                let what = format!("{crv} {} {}", test.tc_id, test.comment);
                good += check(&key, algorithm, (&test.msg, &test.sig, test.result), &what, &hosts);
            }
        }
        assert!(good > 50, "{crv}: {good}");
    }
}

#[test]
fn rsa_signatures() {
    use rsa_pkcs1_verify::TestName as Pkcs1;
    use rsa_pss_verify::TestName as Pss;
    let hosts = hosts();
    for (name, algorithm) in [
        (Pkcs1::Rsa2048Sha256, Algorithm::RS256),
        (Pkcs1::Rsa2048Sha384, Algorithm::RS384),
        (Pkcs1::Rsa4096Sha512, Algorithm::RS512),
    ] {
        let mut good = 0;
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(&rsa(&group.key), algorithm);
            for test in group.tests {
                let what = format!("{algorithm:?} {} {}", test.tc_id, test.comment);
                good += check(&key, algorithm, (&test.msg, &test.sig, test.result), &what, &hosts);
            }
        }
        assert!(good > 5, "{algorithm:?}: {good}");
    }
    for (name, algorithm) in [
        (Pss::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
        (Pss::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
        (Pss::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
    ] {
        let mut good = 0;
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(&rsa(&group.key), algorithm);
            for test in group.tests {
                let what = format!("{algorithm:?} {} {}", test.tc_id, test.comment);
                good += check(&key, algorithm, (&test.msg, &test.sig, test.result), &what, &hosts);
            }
        }
        assert!(good > 5, "{algorithm:?}: {good}");
    }
}

fn rsa(key: &wycheproof::RsaPublic) -> Value {
    let text = |number: &[u8]| base64_url(&number.iter().copied().skip_while(|b| *b == 0).collect::<Vec<_>>());
    json!({ "kty": "RSA", "n": text(key.n.as_ref()), "e": text(key.e.as_ref()) })
}

#[test]
fn ed25519_signatures() {
    let hosts = hosts();
    let mut good = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let x = &group.der[group.der.len() - 32..];
        let key = key(&json!({ "kty": "OKP", "crv": "Ed25519", "x": base64_url(x) }), Algorithm::EdDSA);
        for test in group.tests {
            let what = format!("Ed25519 {} {}", test.tc_id, test.comment);
            good += check(&key, Algorithm::EdDSA, (&test.msg, &test.sig, test.result), &what, &hosts);
        }
    }
    assert!(good > 50, "{good}");
}

#[test]
fn hmac_tags() {
    let hosts = hosts();
    for (name, algorithm, size) in [
        (mac::TestName::HmacSha256, Algorithm::HS256, 32),
        (mac::TestName::HmacSha384, Algorithm::HS384, 48),
        (mac::TestName::HmacSha512, Algorithm::HS512, 64),
    ] {
        let mut good = 0;
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // Shorter keys are refused beforehand, and a shorter tag is none in a JWS.
                let Ok(key) = PublicKey::from_secret(&test.key, algorithm) else { continue };
                let expected = if group.tag_size == size * 8 { test.result } else { TestResult::Invalid };
                let what = format!("{algorithm:?} {} {}", test.tc_id, test.comment);
                good += check(&key, algorithm, (&test.msg, &test.tag, expected), &what, &hosts);
            }
        }
        assert!(good > 5, "{algorithm:?}: {good}");
    }
}
