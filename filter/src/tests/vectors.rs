//! Other people's test vectors (project Wycheproof), through both ways in which signatures are checked: by the host, for
//! which AWS-LC stands in here (the end-to-end tests ask a real Envoy), and by pure Rust.

use super::fake::FakeEnvoy;
use super::*;
use crate::proxy::{HostError, HostResult};
use crate::verifier::HostVerifier;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use bearward_scenarios::vectors::{self, Vector};
use bearward_token::jws::Algorithm;
use bearward_token::signature::{PureRust, SignatureVerifier};
use std::collections::BTreeMap;

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

/// A host with `verify_signature`, one without, and no host at all; how many good ones of each algorithm there were.
#[test]
fn every_vector_gets_its_verdict_by_each_way() {
    let (with, without) = (FakeEnvoy::new(1, &config()), FakeEnvoy::new(1, &config()));
    *with.world.verify.borrow_mut() = Some(Box::new(verify_signature));
    let [with, without] = [&with, &without].map(|envoy| envoy.vms[0].host.clone());
    let mut counted = BTreeMap::<String, u32>::new();
    for Vector { name, key, algorithm, message, signature, good } in vectors::all() {
        let mut verdicts = vec![HostVerifier(&with).verify(&key, algorithm, &message, &signature).is_ok()];
        if algorithm != Algorithm::ES384 {
            // Which only the host does.
            verdicts.push(HostVerifier(&without).verify(&key, algorithm, &message, &signature).is_ok());
            verdicts.push(PureRust.verify(&key, algorithm, &message, &signature).is_ok());
        }
        for verdict in &verdicts {
            assert!(good.is_none_or(|good| *verdict == good), "{name}: {verdicts:?}");
        }
        *counted.entry(format!("{algorithm:?}")).or_default() += u32::from(verdicts[0]);
    }
    assert_eq!(counted.len(), 12, "{counted:?}");
    assert!(counted.values().all(|good| *good > 5), "{counted:?}");
}
