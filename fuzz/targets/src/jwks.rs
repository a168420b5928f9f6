//! JWK Sets: the text of one, after a character that may say which algorithms are accepted (`e`, `r` or `s`).
//!
//! A key that is taken must be one that other libraries take and that its algorithm is safe with, and which key a name
//! leads to must not depend on the order of the set.

use crate::json;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::jwk::{KeySet, MAX_KEYS, MAX_KID, MAX_SET, Material, PublicKey, thumbprint};
use bearward_token::jws::{Algorithm, Algorithms};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::Value;

/// See the module.
pub fn run(data: &[u8]) {
    let (accepted, text): (Option<Algorithms>, _) = match data.split_first() {
        Some((b'e', text)) => (Some([Algorithm::ES256, Algorithm::EdDSA].into_iter().collect()), text),
        Some((b'r', text)) => (Some(Algorithms::RSA.into_iter().collect()), text),
        Some((b's', text)) => (Some([Algorithm::HS256, Algorithm::PS256].into_iter().collect()), text),
        _ => (None, data),
    };
    let set = KeySet::parse(text, accepted);
    let Some(json) = json::object(text).filter(|_| text.len() <= MAX_SET) else {
        assert!(set.is_err());
        return;
    };
    let entries = json["keys"].as_array().filter(|keys| keys.len() <= MAX_KEYS).map(Vec::as_slice).unwrap_or_default();
    let keys: Vec<_> = entries.iter().filter_map(|entry| PublicKey::from_jwk(entry, accepted).ok()).collect();
    for entry in entries {
        if let Ok(key) = PublicKey::from_jwk(entry, accepted) {
            is_sound(entry, &key, accepted);
        }
    }
    // A name that stands for two keys stands for none.
    let ambiguous = |key: &&PublicKey| {
        key.kid().is_some() && keys.iter().any(|other| other.kid() == key.kid() && other.spki() != key.spki())
    };
    let Ok(set) = set else {
        assert!(keys.iter().all(|key| ambiguous(&key)));
        return;
    };
    assert_eq!(set.len() + set.skipped(), entries.len());
    let backwards = {
        let mut json = json.clone();
        json["keys"].as_array_mut().unwrap().reverse();
        KeySet::from_json(&json, accepted).unwrap()
    };
    assert_eq!(backwards.len(), set.len());
    for key in &keys {
        for (algorithm, _) in Algorithm::ALL {
            let found = set.find(key.kid(), algorithm).map(|key| (key.kid(), key.spki()));
            assert_eq!(found, backwards.find(key.kid(), algorithm).map(|key| (key.kid(), key.spki())));
            let Some((kid, spki)) = found else { continue };
            let mut candidates = keys.iter().filter(|other| !ambiguous(other)).filter(|other| match kid {
                Some(kid) if key.kid().is_some() => other.kid() == Some(kid),
                _ => other.permits(algorithm),
            });
            assert!(candidates.all(|other| other.spki() == spki), "a name for two keys");
        }
    }
}

/// That a key was taken for good reasons.
fn is_sound(entry: &Value, key: &PublicKey, accepted: Option<Algorithms>) {
    let permitted: Vec<_> = Algorithm::ALL.into_iter().filter(|(algorithm, _)| key.permits(*algorithm)).collect();
    assert!(!permitted.is_empty());
    for (algorithm, name) in &permitted {
        assert!(!algorithm.is_symmetric(), "a public key as a secret");
        assert!(accepted.is_none_or(|accepted| accepted.contains(*algorithm)));
        let alg = entry["alg"].as_str().map(|alg| if alg == "Ed25519" { "EdDSA" } else { alg });
        assert!(alg.is_none_or(|alg| alg == *name));
        let family = match (entry["kty"].as_str().unwrap(), entry["crv"].as_str()) {
            ("EC", Some("P-256")) => "ES256",
            ("EC", Some("P-384")) => "ES384",
            ("OKP", Some("Ed25519")) => "EdDSA",
            ("RSA", _) if name.starts_with("RS") || name.starts_with("PS") => name,
            other => panic!("{other:?} for {name}"),
        };
        assert_eq!(family, *name);
    }
    assert!(entry["use"].as_str().is_none_or(|usage| usage == "sig"));
    assert_eq!(key.kid(), entry["kid"].as_str());
    assert!(key.kid().is_none_or(|kid| kid.len() <= MAX_KID));

    let algorithm: Option<&'static dyn VerificationAlgorithm> = match key.material() {
        Material::P256(_) => Some(&ECDSA_P256_SHA256_ASN1),
        Material::Rsa(_) => Some(&RSA_PKCS1_2048_8192_SHA256),
        Material::Ed25519(_) => Some(&ED25519),
        // Whether that is a point on its curve, the host finds out.
        Material::P384 => None,
        Material::Secret(_) => panic!("a JWK Set holds no secrets"),
    };
    if let Some(algorithm) = algorithm {
        if matches!(key.material(), Material::Rsa(_)) {
            let number = |name: &str| URL_SAFE_NO_PAD.decode(entry[name].as_str().unwrap()).unwrap();
            let (n, e) = (number("n"), number("e"));
            let e = e.iter().fold(0_u64, |e, byte| (e << 8) | u64::from(*byte));
            assert!(n.last().unwrap() & 1 == 1 && e & 1 == 1 && e >= 3, "an RSA key that protects nothing: {e}");
        }
        ParsedPublicKey::new(algorithm, key.spki()).expect("the host's library takes it too");
    }
    if let Ok(theirs) = serde_json::from_value::<Jwk>(entry.clone())
        && let Ok(theirs) = theirs.thumbprint(ThumbprintHash::SHA256)
    {
        let ours = thumbprint(entry).map(|digest| URL_SAFE_NO_PAD.encode(digest));
        assert_eq!(ours, Some(theirs));
    }
}
