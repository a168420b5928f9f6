//! Signatures by another library, and what must not pass.

use super::destinations::Lookup;
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken as other;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key in PEM and the JWK of its public one.
fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> (rcgen::KeyPair, Value) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let raw = key.public_key_raw();
    let half = raw.len() / 2 + 1;
    let jwk = if *algorithm == rcgen::PKCS_ED25519 {
        json!({"kty": "OKP", "crv": "Ed25519", "x": b64(raw)})
    } else if *algorithm == rcgen::PKCS_ECDSA_P384_SHA384 {
        json!({"kty": "EC", "crv": "P-384", "x": b64(&raw[1..half]), "y": b64(&raw[half..])})
    } else {
        json!({"kty": "EC", "crv": "P-256", "x": b64(&raw[1..half]), "y": b64(&raw[half..])})
    };
    (key, jwk)
}

fn encoding_key(alg: other::Algorithm, pem: &str) -> other::EncodingKey {
    match alg {
        other::Algorithm::EdDSA => other::EncodingKey::from_ed_pem(pem.as_bytes()),
        other::Algorithm::ES256 | other::Algorithm::ES384 => other::EncodingKey::from_ec_pem(pem.as_bytes()),
        _ => other::EncodingKey::from_rsa_pem(pem.as_bytes()),
    }
    .unwrap()
}

fn sign(alg: other::Algorithm, pem: &str, kid: Option<&str>) -> String {
    let header = other::Header { kid: kid.map(str::to_owned), ..other::Header::new(alg) };
    other::encode(&header, &json!({"sub": "x"}), &encoding_key(alg, pem)).unwrap()
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::from_value(&json!({ "keys": keys })).unwrap()
}

#[test]
fn signatures_of_another_library_pass_by_jwk_and_by_certificate() {
    use other::Algorithm as A;
    for (kind, algorithms) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, &[A::ES256][..]),
        (&rcgen::PKCS_ECDSA_P384_SHA384, &[A::ES384]),
        (&rcgen::PKCS_ED25519, &[A::EdDSA]),
        (&rcgen::PKCS_RSA_SHA256, &[A::RS256, A::RS384, A::RS512, A::PS256, A::PS384, A::PS512]),
    ] {
        let (key, jwk) = pair(kind);
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let pinned = KeySet::from_certificates([certificate.pem().as_str()]).unwrap();
        let (foreign, _) = pair(if *kind == rcgen::PKCS_RSA_SHA256 { &rcgen::PKCS_ECDSA_P256_SHA256 } else { kind });
        let foreign = rcgen::CertificateParams::default().self_signed(&foreign).unwrap();
        let foreign = KeySet::from_certificates([foreign.pem().as_str()]).unwrap();
        for alg in algorithms {
            let text = sign(*alg, &key.serialize_pem(), Some("any"));
            let jwt = Jwt::parse(&text).unwrap();
            assert!(jwt.verify(&pinned).is_ok(), "{alg:?}");
            assert!(jwt.verify(&foreign).is_err(), "{alg:?}");
            if *kind != rcgen::PKCS_RSA_SHA256 {
                assert!(jwt.verify(&set(std::slice::from_ref(&jwk))).is_ok(), "{alg:?}");
            }
        }
    }
}

#[test]
fn rsa_by_its_numbers() {
    // Modulus and exponent out of the library's own structure.
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&key.serialize_der()).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair);
    let jwk = json!({
        "kty": "RSA", "n": b64(public.modulus().big_endian_without_leading_zero()),
        "e": b64(public.exponent().big_endian_without_leading_zero()), "alg": "PS256",
    });
    let only = set(&[jwk]);
    let jwt = |alg| sign(alg, &key.serialize_pem(), None);
    assert!(Jwt::parse(&jwt(other::Algorithm::PS256)).unwrap().verify(&only).is_ok());
    let refused = jwt(other::Algorithm::RS256);
    assert_eq!(Jwt::parse(&refused).unwrap().verify(&only), Err(JwtError::NoKey), "the key names its algorithm");
}

#[test]
fn alg_and_kid_are_the_keys_to_say() {
    let (key, mut jwk) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    jwk["kid"] = "one".into();
    let keys = set(std::slice::from_ref(&jwk));
    let pem = key.serialize_pem();
    let check = |text: &str| Jwt::parse(text).and_then(|jwt| jwt.verify(&keys).map(<[u8]>::to_vec));
    assert!(check(&sign(other::Algorithm::ES256, &pem, Some("one"))).is_ok());
    assert!(check(&sign(other::Algorithm::ES256, &pem, None)).is_ok());
    assert_eq!(check(&sign(other::Algorithm::ES256, &pem, Some("two"))), Err(JwtError::NoKey));
    let good = sign(other::Algorithm::ES256, &pem, None);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let payload = input.split_once('.').unwrap().1;
    let with_header = |header: Value| format!("{}.{payload}.{signature}", b64(header.to_string().as_bytes()));
    for (header, error) in [
        (json!({"alg": "none"}), JwtError::Algorithm),
        (json!({"alg": "HS256"}), JwtError::Algorithm),
        (json!({"alg": "es256"}), JwtError::Algorithm),
        (json!({"alg": "RS256"}), JwtError::NoKey),
        (json!({"alg": "ES256", "x": 1}), JwtError::Signature),
        (json!({"alg": "ES256", "crit": ["b64"], "b64": false}), JwtError::Critical),
        (json!({"kid": "one"}), JwtError::Malformed),
    ] {
        assert_eq!(check(&with_header(header.clone())), Err(error), "{header}");
    }
    assert_eq!(check(&format!("{input}.")), Err(JwtError::Signature));
    let twice = format!("{}.{payload}.{signature}", b64(br#"{"alg":"ES256","alg":"ES256"}"#));
    assert_eq!(check(&twice), Err(JwtError::Malformed));
    for junk in ["", "a.b", "a.b.c.d", "....", "e30.e30.e30="] {
        assert_eq!(check(junk), Err(JwtError::Malformed), "{junk}");
    }
    // The public key as an HMAC secret: the classic confusion.
    let hmac = |secret: &[u8]| {
        let header = other::Header::new(other::Algorithm::HS256);
        other::encode(&header, &json!({}), &other::EncodingKey::from_secret(secret)).unwrap()
    };
    assert_eq!(check(&hmac(key.public_key_raw())), Err(JwtError::Algorithm));
    assert_eq!(check(&hmac(key.public_key_pem().as_bytes())), Err(JwtError::Algorithm));
    let text = hmac(b"shared");
    let jwt = Jwt::parse(&text).unwrap();
    assert!(jwt.verify_hmac(b"shared").is_ok() && jwt.verify_hmac(b"other").is_err());
    let signed = sign(other::Algorithm::ES256, &pem, None);
    assert_eq!(Jwt::parse(&signed).unwrap().verify_hmac(b"shared"), Err(JwtError::Algorithm));
}

#[test]
fn keys_of_no_use_are_left_out_and_private_ones_spoil_the_set() {
    let (_, good) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    let with = |name: &str, value: &str| {
        let mut jwk = good.clone();
        jwk[name] = value.into();
        jwk
    };
    for bad in [
        with("use", "enc"),
        with("crv", "secp256k1"),
        with("kty", "oct"),
        with("alg", "RS256"),
        with("alg", "none"),
        with("x", "AAAA"),
        with("y", good["x"].as_str().unwrap()),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "OKP", "crv": "X25519", "x": good["x"]}),
        json!("text"),
    ] {
        assert!(PublicKey::from_jwk(&bad).is_err(), "{bad}");
        assert!(KeySet::from_value(&json!({"keys": [bad, good]})).is_ok());
    }
    assert_eq!(PublicKey::from_jwk(&with("d", "AAAA")).err(), Some(JwkError::Private));
    assert!(KeySet::from_value(&json!({"keys": [good, with("d", "AAAA")]})).is_err());
    assert!(KeySet::from_value(&json!({"keys": []})).is_err() && KeySet::from_jwks(b"[]").is_err());
    // RFC 7638 §3.1 has its example in RSA.
    let example = json!({"kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
    let key = PublicKey::from_jwk(&example).unwrap();
    assert_eq!(key.thumbprint(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
}

#[test]
fn numbers_and_audiences_in_their_forms() {
    let date = |json: &str| serde_json::from_str::<NumericDate>(json).ok();
    assert_eq!(date("12").unwrap().seconds(false), Some(12));
    assert_eq!(date("12.9").unwrap().seconds(false), Some(12));
    assert_eq!(date("1e300").unwrap().seconds(false), None);
    assert_eq!((date("\"12\"").unwrap().seconds(true), date("\"12\"").unwrap().seconds(false)), (Some(12), None));
    assert!(date("null").is_none() && date("[1]").is_none());
    let audience = |json: &str| serde_json::from_str::<Audience>(json).ok();
    assert!(audience("[\"a\",\"b\"]").unwrap().any(|a| a == "b") && !audience("\"a\"").unwrap().any(|a| a == "b"));
    assert!(audience("[1]").is_none());
}

/// This machine, and nothing else that is not public.
fn here() -> Destinations {
    Destinations::new(&["127.0.0.1/32".parse().unwrap()])
}

fn remote() -> RemoteKeys {
    RemoteKeys::new(here())
}

/// A server that answers each request with what it holds then, and counts them.
struct Keyserver {
    url: String,
    body: std::sync::Arc<std::sync::Mutex<(u16, String)>>,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Keyserver {
    async fn start() -> Self {
        use axum::response::IntoResponse as _;
        let body = std::sync::Arc::new(std::sync::Mutex::new((200, String::new())));
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (shown, count) = (body.clone(), asked.clone());
        let answer = move || {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let (status, text) = shown.lock().unwrap().clone();
            async move { (http::StatusCode::from_u16(status).unwrap(), [("location", "/jwks")], text).into_response() }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/jwks", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, body, asked }
    }

    fn answers(&self, status: u16, body: String) {
        *self.body.lock().unwrap() = (status, body);
    }

    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_for_a_new_name() {
    let server = Keyserver::start().await;
    let named = |kid: &str| {
        let (key, mut jwk) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        jwk["kid"] = kid.into();
        (sign(other::Algorithm::ES256, &key.serialize_pem(), Some(kid)), jwk)
    };
    let ((one, first), (two, second)) = (named("one"), named("two"));
    server.answers(200, json!({ "keys": [first] }).to_string());
    let keys = remote();
    let check = async |text: &str, now| {
        let jwt = Jwt::parse(text).unwrap();
        keys.verify(&jwt, &server.url, now).await.map(drop)
    };
    assert!(check(&one, 1000).await.is_ok() && check(&one, 1599).await.is_ok());
    assert_eq!(server.asked(), 1, "kept");
    // A name that is not there is looked for once, and then not for a while.
    assert!(matches!(check(&two, 1599).await, Err(FetchError::Jwt(JwtError::NoKey))));
    assert_eq!(server.asked(), 2);
    server.answers(200, json!({ "keys": [first, second] }).to_string());
    assert!(check(&two, 1600).await.is_err());
    assert_eq!(server.asked(), 2, "made-up names do not make it knock at another's door");
    assert!(check(&two, 1630).await.is_ok());
    assert_eq!(server.asked(), 3);
    // When the other side is down, what is known goes on for a day.
    for (status, body) in [(500, String::new()), (302, String::new()), (200, "junk".into()), (200, " ".repeat(300_000))]
    {
        server.answers(status, body);
        assert!(check(&two, 1630 + 700).await.is_ok());
    }
    assert_eq!(server.asked(), 4, "nor is it asked again at once");
    assert!(check(&two, 1630 + 86_400).await.is_err());
    assert_eq!(server.asked(), 5);
}

#[tokio::test]
async fn answers_that_are_no_keys_are_refused() {
    let server = Keyserver::start().await;
    let (key, _) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    let text = sign(other::Algorithm::ES256, &key.serialize_pem(), None);
    let jwt = Jwt::parse(&text).unwrap();
    for (status, body) in [(500, String::new()), (302, String::new()), (200, "junk".into()), (200, " ".repeat(300_000))]
    {
        server.answers(status, body);
        assert!(remote().verify(&jwt, &server.url, 1000).await.is_err(), "{status}");
    }
    assert!(matches!(remote().verify(&jwt, "http://192.0.2.1/jwks", 1000).await, Err(FetchError::Address)));
}

/// Names whose addresses change from one look-up to the next.
struct Names(std::sync::Mutex<std::collections::VecDeque<&'static str>>);

impl Lookup for Names {
    fn addresses(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let answer = self.0.lock().unwrap().pop_front().expect("no more look-ups than answers");
        let answer = answer.split(' ').map(|ip| ip.parse().map_err(std::io::Error::other)).collect();
        Box::pin(async move { answer })
    }
}

/// Keys by names that have these addresses, one answer for each look-up; only this network is let in.
fn named(network: &str, answers: &[&'static str]) -> (RemoteKeys, Arc<Names>) {
    let names = Arc::new(Names(std::sync::Mutex::new(answers.iter().copied().collect())));
    (RemoteKeys::with(Destinations::new(&[network.parse().unwrap()]), names.clone()), names)
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let server = Keyserver::start().await;
    let (key, jwk) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    server.answers(200, json!({ "keys": [jwk] }).to_string());
    let text = sign(other::Algorithm::ES256, &key.serialize_pem(), None);
    let jwt = Jwt::parse(&text).unwrap();
    let url = server.url.replace("127.0.0.1", "idp.example");
    // Good when it was registered, another place when it is used: the address is looked at again, and not gone to.
    let (keys, _) = named("10.0.0.0/8", &["10.0.0.1", "127.0.0.1", "127.0.0.1 169.254.169.254"]);
    assert!(keys.check(&url).await.is_ok());
    assert!(keys.verify(&jwt, &url, 1000).await.is_err() && keys.verify(&jwt, &url, 2000).await.is_err());
    assert_eq!(server.asked(), 0);
    // One look-up a fetch: nothing can change between the check and the connection.
    let (keys, names) = named("127.0.0.1/32", &["10.0.0.1 127.0.0.1", "10.0.0.1"]);
    assert!(keys.verify(&jwt, &url, 1000).await.is_ok());
    assert_eq!((server.asked(), names.0.lock().unwrap().len()), (1, 1));
    // At registration each address has to be good; a name that nobody knows yet is looked at when it is used.
    let (keys, _) = named("127.0.0.1/32", &["127.0.0.1 10.0.0.1", "no address"]);
    assert!(matches!(keys.check(&url).await, Err(FetchError::Address)));
    assert!(keys.check(&url).await.is_ok());
}

#[tokio::test]
async fn nowhere_but_the_public_internet_unless_allowed() {
    let server = Keyserver::start().await;
    let (key, _) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
    let text = sign(other::Algorithm::ES256, &key.serialize_pem(), None);
    let jwt = Jwt::parse(&text).unwrap();
    let keys = RemoteKeys::new(Destinations::default());
    assert!(matches!(keys.verify(&jwt, &server.url, 1000).await, Err(FetchError::Url)));
    let secure = server.url.replace("http:", "https:");
    assert!(matches!(keys.verify(&jwt, &secure, 1000).await, Err(FetchError::Address)));
    assert_eq!(server.asked(), 0);
}
