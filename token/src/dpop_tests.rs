use super::*;
use crate::signature::PureRust;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

fn signer() -> SigningKey {
    SigningKey::from_slice(&[3; 32]).unwrap()
}

fn jwk() -> Value {
    let point = signer().verifying_key().to_sec1_point(false);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "x": text(point.x().unwrap()), "y": text(point.y().unwrap()) })
}

fn header() -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk() })
}

fn claims() -> Value {
    let ath = URL_SAFE_NO_PAD.encode(Sha256::digest("token"));
    json!({ "jti": "j1", "htm": "GET", "htu": "https://api.example/orders/1", "iat": NOW, "ath": ath })
}

fn sign(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", text(header), text(claims));
    let signature: Signature = signer().sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn expected() -> Expected<'static> {
    Expected { method: "GET", origin: "https://api.example", path: "/orders/1", token: "token", now: NOW, window: 60 }
}

fn check(proof: &str) -> Result<Proof, ProofError> {
    Proof::check(proof, &expected(), &PureRust)
}

#[test]
fn a_good_proof_shows_its_key() {
    let proof = check(&sign(&header(), &claims())).unwrap();
    assert_eq!(Some(proof.key), thumbprint(&jwk()));
    let mut other = claims();
    other["jti"] = "j2".into();
    other["nonce"] = "n".into();
    let other = check(&sign(&header(), &other)).unwrap();
    assert!(other.id != proof.id && other.nonce.as_deref() == Some("n"));
}

#[test]
fn whatever_is_not_for_this_request_is_no_proof() {
    let with = |member: &str, value: Value| {
        let mut claims = claims();
        claims[member] = value;
        check(&sign(&header(), &claims)).err()
    };
    let headed = |member: &str, value: Value| {
        let mut header = header();
        header[member] = value;
        check(&sign(&header, &claims())).err()
    };
    for (member, value) in [
        ("htm", json!("POST")),
        ("htm", json!("get")),
        ("htu", json!("https://api.example/orders/2")),
        ("htu", json!("http://api.example/orders/1")),
        ("htu", json!("https://api.example.evil/orders/1")),
        ("htu", json!("/orders/1")),
        ("iat", json!(NOW - 61)),
        ("iat", json!(NOW + 61)),
        ("iat", Value::Null),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!("j".repeat(300))),
        ("ath", Value::Null),
        ("ath", json!("x")),
        ("nonce", json!(7)),
    ] {
        assert_eq!(with(member, value.clone()), Some(ProofError::Invalid), "{member} {value}");
    }
    let mut private = jwk();
    private["d"] = "AA".into();
    for (member, value) in [
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("jwk", private),
        ("jwk", Value::Null),
        ("jwk", json!({ "kty": "oct", "k": "AA" })),
        ("crit", json!(["x"])),
    ] {
        assert_eq!(headed(member, value.clone()), Some(ProofError::Invalid), "{member} {value}");
    }
    let (signed, _) = sign(&header(), &claims()).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(check(&format!("{signed}.AAAA")), Err(ProofError::Invalid));
    assert!(with("iat", json!(NOW - 60)).is_none() && with("iat", json!(NOW + 60)).is_none());
}

#[test]
fn one_uri_is_written_in_many_ways() {
    for good in
        ["https://api.example/orders/1", "HTTPS://API.example:443/orders/1", "https://api.example/orders/1?x=1#y"]
    {
        assert!(same_uri(good, "https://api.example", "/orders/1"), "{good}");
        assert!(same_uri(good, "https://api.example:443", "/orders/1"), "{good}");
    }
    assert!(same_uri("https://api.example", "https://api.example", "/"));
    assert!(same_uri("https://api.example/%6Frders/%7e%c3%a9%2F", "https://api.example", "/orders/~%C3%A9%2f"));
    for bad in ["/orders/%2F", "/orders/%31", "/orders%2f1", "/orders/1%", "/orders/1%2", "/orders/1%zz", "/orders/1%é"]
    {
        assert_eq!(
            same_uri(&format!("https://api.example{bad}"), "https://api.example", "/orders/1"),
            bad == "/orders/%31"
        );
    }
    for bad in ["https://api.example/Orders/1", "https://api.example:8443/orders/1", "ftp://api.example/orders/1", ""] {
        assert!(!same_uri(bad, "https://api.example", "/orders/1"), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_proof_panics(text in "\\PC{0,80}", header in "\\PC{0,60}", payload in "\\PC{0,80}", uri in "\\PC{0,40}") {
        prop_assert!(check(&text).is_err());
        let text = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let parts = format!("{}.{}.AA", text(&header), text(&payload));
        prop_assert!(check(&parts).is_err());
        let _ = same_uri(&uri, "https://api.example", "/");
    }
}
