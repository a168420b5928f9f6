//! DPoP proofs, for one request with one token. An input is either `T` and a proof, or `J`, a header, a line feed and a
//! payload, which are then signed; in these, `$jwk` stands for the public key and `$ath` for the token's digest.

use crate::jwt::NOW;
use crate::{json, keys};
use bearward_token::dpop::{Expected, Proof};
use bearward_token::jwk::thumbprint;
use bearward_token::signature::PureRust;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::OnceLock;
use url::Url;

/// The token that the proofs are for; what it says does not matter here.
const TOKEN: &str = "the-token";
const EXPECTED: Expected<'static> =
    Expected { method: "GET", origin: "https://api.example", path: "/orders/1", token: TOKEN, now: NOW, window: 60 };

/// See the module.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((b'T', proof)) => {
            if let Ok(proof) = str::from_utf8(proof) {
                as_it_is(proof);
            }
        }
        Some((b'J', texts)) => {
            if let Ok(texts) = str::from_utf8(texts)
                && let Some((header, payload)) = texts.split_once('\n')
            {
                signed(header, payload);
            }
        }
        _ => {}
    }
}

/// A good proof by the P-256 key of that name.
pub(crate) fn good(key: &str, expected: &Expected<'_>, jti: &str) -> String {
    let claims = json!({
        "jti": jti, "htm": expected.method, "htu": format!("{}{}", expected.origin, expected.path),
        "iat": expected.now, "ath": ath(expected.token),
    });
    keys::token(key, &json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": keys::p256_jwk(key) }), &claims)
}

/// The one that is in the corpus.
pub(crate) fn in_corpus() -> String {
    good("d1", &EXPECTED, "p1")
}

fn ath(token: &str) -> String {
    keys::base64_url(&Sha256::digest(token))
}

fn known() -> &'static (String, [u8; 32]) {
    static KNOWN: OnceLock<(String, [u8; 32])> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let proof = in_corpus();
        (proof.rsplit_once('.').unwrap().0.to_owned(), thumbprint(&keys::p256_jwk("d1")).unwrap())
    })
}

fn as_it_is(proof: &str) {
    let Ok(good) = Proof::check(proof, &EXPECTED, &PureRust) else { return };
    is_what_it_says(proof, &good);
    let (signed, key) = known();
    // Whoever has a key of their own can sign a proof by it; what counts is that it is not taken for ours.
    assert!(good.key != *key || proof.starts_with(signed.as_str()), "a proof that nobody signed");
    for n in 0..4 {
        let mut bytes = proof.as_bytes().to_vec();
        let at = (n * bytes.len() / 4 + proof.len()) % bytes.len();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = Proof::check(str::from_utf8(&bytes).unwrap(), &EXPECTED, &PureRust);
        assert!(altered.is_err(), "altered, and good all the same");
    }
    for other in [
        Expected { method: "POST", ..EXPECTED },
        Expected { origin: "https://other.example", ..EXPECTED },
        Expected { origin: "http://api.example", ..EXPECTED },
        Expected { path: "/orders/2", ..EXPECTED },
        Expected { token: "another-token", ..EXPECTED },
        Expected { now: NOW + 200, ..EXPECTED },
        Expected { now: NOW - 200, ..EXPECTED },
    ] {
        assert!(Proof::check(proof, &other, &PureRust).is_err(), "good for {other:?} as well");
    }
}

fn signed(header: &str, payload: &str) {
    let header = header.replace("$jwk", &keys::p256_jwk("d1").to_string());
    let payload = payload.replace("$ath", &ath(TOKEN));
    let input = keys::signing_input(header.as_bytes(), payload.as_bytes());
    let proof = format!("{input}.{}", keys::base64_url(&keys::es256("d1", input.as_bytes())));
    match Proof::check(&proof, &EXPECTED, &PureRust) {
        Ok(good) => is_what_it_says(&proof, &good),
        Err(_) => assert!(!is_plainly_good(&header, &payload), "refused, and nothing is wrong with it"),
    }
}

/// What RFC 9449 §4.3 asks of a proof, by another library and another reader of URLs.
fn is_what_it_says(proof: &str, good: &Proof) {
    let parts: Vec<_> = proof.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { panic!("not three parts") };
    let (header, claims) = (decoded(header), decoded(payload));
    assert_eq!(json::text(&header, "typ").flatten().unwrap().to_ascii_lowercase(), "dpop+jwt");
    assert!(header["crit"].is_null());
    let jwk = &header["jwk"];
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(jwk[private].is_null(), "a private key: {private}");
    }
    let key: Jwk = serde_json::from_value(jwk.clone()).unwrap();
    assert_eq!(key.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), keys::base64_url(&good.key));
    let algorithm: Algorithm = serde_json::from_value(match header["alg"].as_str() {
        Some("Ed25519") => "EdDSA".into(),
        _ => header["alg"].clone(),
    })
    .unwrap();
    let message = &proof.as_bytes()[..proof.len() - signature.len() - 1];
    let theirs = crypto::verify(signature, message, &DecodingKey::from_jwk(&key).unwrap(), algorithm);
    assert!(theirs.unwrap(), "of one signature, two verdicts");

    assert_eq!(claims["htm"], EXPECTED.method);
    assert_eq!(claims["ath"], ath(TOKEN));
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    assert!(good.iat.abs_diff(NOW) <= EXPECTED.window && json::seconds(&claims, "iat") == Some(Some(good.iat)));
    assert_eq!(good.nonce.as_deref(), claims["nonce"].as_str());
    let mut said = Url::parse(claims["htu"].as_str().unwrap()).unwrap();
    said.set_query(None);
    said.set_fragment(None);
    assert_eq!(said, Url::parse(&format!("{}{}", EXPECTED.origin, EXPECTED.path)).unwrap());
}

fn decoded(part: &str) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    json::object(&bytes).expect("an object in which nothing comes twice")
}

/// A proof about which there can be no two opinions.
fn is_plainly_good(header: &str, payload: &str) -> bool {
    let (Some(header), Some(claims)) = (json::object(header.as_bytes()), json::object(payload.as_bytes())) else {
        return false;
    };
    let plain = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": keys::p256_jwk("d1") });
    header == plain
        && claims["htm"] == "GET"
        && claims["htu"] == "https://api.example/orders/1"
        && claims["ath"] == ath(TOKEN)
        && claims["iat"].as_u64().is_some_and(|iat| iat.abs_diff(NOW) <= 60)
        && claims["jti"].as_str().is_some_and(|jti| (1..=256).contains(&jti.len()))
        && (claims["nonce"].is_null() || claims["nonce"].is_string())
        && claims.to_string().len() < 2_000
}
