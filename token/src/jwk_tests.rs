use super::*;
use crate::signature::{PureRust, SignatureError, SignatureVerifier as _, to_der};
use proptest::prelude::*;
use serde_json::json;

// RFC 7515 appendices A.2 and A.3.
const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const EC_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn ec() -> serde_json::Value {
    json!({ "kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y, "kid": "ec" })
}

fn rsa() -> serde_json::Value {
    json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB", "kid": "rsa" })
}

fn with(mut jwk: serde_json::Value, member: &str, value: &str) -> serde_json::Value {
    jwk[member] = value.into();
    jwk
}

fn read(jwk: &serde_json::Value) -> Result<PublicKey, KeyError> {
    PublicKey::from_jwk(jwk, None)
}

fn set(keys: &[serde_json::Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), None)
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn the_rfc_s_signatures_verify_and_altered_ones_do_not() {
    let cases = [
        (ec(), format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}"), EC_SIGNATURE, Algorithm::ES256),
        (rsa(), format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}"), RSA_SIGNATURE, Algorithm::RS256),
    ];
    for (jwk, message, signature, algorithm) in cases {
        let key = read(&jwk).unwrap();
        assert!(key.permits(algorithm));
        let mut signature = bytes(signature);
        assert_eq!(PureRust.verify(&key, algorithm, message.as_bytes(), &signature), Ok(()));
        let other = format!("{message}x");
        assert_eq!(PureRust.verify(&key, algorithm, other.as_bytes(), &signature), Err(SignatureError::Invalid));
        signature[5] ^= 1;
        assert_eq!(PureRust.verify(&key, algorithm, message.as_bytes(), &signature), Err(SignatureError::Invalid));
        assert_eq!(PureRust.verify(&key, algorithm, message.as_bytes(), &[]), Err(SignatureError::Invalid));
    }
}

#[test]
fn an_ecdsa_signature_becomes_der() {
    let key = read(&ec()).unwrap();
    let raw = bytes(EC_SIGNATURE);
    let der = to_der(&key, &raw).unwrap();
    // r is below 2^255, s above it and so padded.
    assert_eq!(der[..4], [0x30, 0x45, 0x02, 0x20]);
    assert_eq!(der[4..36], raw[..32]);
    assert_eq!(der[36..39], [0x02, 0x21, 0x00]);
    assert_eq!(der[39..], raw[32..]);
    assert_eq!(to_der(&key, &raw[..63]), Err(SignatureError::Invalid));
    assert_eq!(to_der(&key, &[0; 64]), Err(SignatureError::Invalid));
    assert_eq!(PureRust.verify(&key, Algorithm::ES256, b"", &[0xff; 64]), Err(SignatureError::Invalid));
}

#[test]
fn the_spki_is_what_other_tools_write() {
    // openssl pkey -pubin -outform DER of the same keys: the fixed parts, and where the key begins.
    let ec = read(&ec()).unwrap();
    assert_eq!(ec.spki().len(), 91);
    assert_eq!(ec.spki()[26], 4);
    assert_eq!(ec.spki()[27..59], bytes(EC_X));
    let rsa = read(&rsa()).unwrap();
    assert_eq!(rsa.spki().len(), 294);
    assert_eq!(rsa.spki()[..4], [0x30, 0x82, 0x01, 0x22]);
    assert_eq!(
        rsa.spki()[19..33],
        [0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00]
    );
    assert_eq!(rsa.spki()[33..289], bytes(RSA_N));
    assert_eq!(rsa.spki()[289..], [0x02, 0x03, 0x01, 0x00, 0x01]);
}

#[test]
fn keys_of_no_use_are_refused() {
    let cases = [
        (with(ec(), "use", "enc"), KeyError::Unsupported),
        (with(ec(), "crv", "P-521"), KeyError::Unsupported),
        (with(ec(), "crv", "P-384"), KeyError::Malformed),
        (with(ec(), "alg", "ES384"), KeyError::Unsupported),
        (with(ec(), "alg", "RS256"), KeyError::Unsupported),
        (with(ec(), "kty", "oct"), KeyError::Unsupported),
        (with(rsa(), "alg", "HS256"), KeyError::Unsupported),
        (with(rsa(), "alg", "ES256"), KeyError::Unsupported),
        (with(ec(), "x", EC_Y), KeyError::Malformed), // not on the curve
        (with(ec(), "x", "AQAB"), KeyError::Malformed),
        (with(ec(), "x", "not base64url!"), KeyError::Malformed),
        (with(rsa(), "n", "AQAB"), KeyError::Size),
        (with(rsa(), "n", &URL_SAFE_NO_PAD.encode([0xff; 513])), KeyError::Size),
        (with(rsa(), "n", &URL_SAFE_NO_PAD.encode([0xfe; 256])), KeyError::Malformed), // even
        (with(rsa(), "e", "AA"), KeyError::Malformed),
        (with(rsa(), "e", "AQ"), KeyError::Malformed),
        (with(rsa(), "e", "_________w"), KeyError::Malformed),
    ];
    for (jwk, error) in cases {
        assert_eq!(read(&jwk).map(|_| ()), Err(error), "{jwk}");
    }
    let mut ops = ec();
    ops["key_ops"] = json!(["encrypt"]);
    assert_eq!(read(&ops).map(|_| ()), Err(KeyError::Unsupported));
    ops["key_ops"] = json!(["verify"]);
    assert!(read(&ops).is_ok());
}

#[test]
fn a_key_is_for_the_algorithms_it_names_or_the_provider_does() {
    let permitted = |jwk: &serde_json::Value, accepted: &[Algorithm]| {
        let accepted = (!accepted.is_empty()).then(|| accepted.iter().copied().collect());
        let key = PublicKey::from_jwk(jwk, accepted).map_err(|error| error.to_string())?;
        let all = Algorithm::ALL.into_iter().filter(|(algorithm, _)| key.permits(*algorithm));
        Ok::<_, String>(all.map(|(_, name)| name).collect::<Vec<_>>())
    };
    assert_eq!(permitted(&ec(), &[]).unwrap(), ["ES256"]);
    assert_eq!(permitted(&rsa(), &[]).unwrap(), ["RS256"], "nothing said, nothing unusual");
    assert_eq!(permitted(&with(rsa(), "alg", "PS384"), &[]).unwrap(), ["PS384"]);
    assert_eq!(permitted(&rsa(), &[Algorithm::PS256, Algorithm::RS512]).unwrap(), ["RS512", "PS256"]);
    assert!(permitted(&with(rsa(), "alg", "RS256"), &[Algorithm::PS256]).is_err());
    assert!(permitted(&ec(), &[Algorithm::RS256]).is_err());
}

#[test]
fn a_secret_is_as_long_as_the_hash() {
    // RFC 7515 appendix A.1.
    let secret = bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let tag = bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let key = PublicKey::from_secret(&secret, Algorithm::HS256).unwrap();
    assert_eq!(PureRust.verify(&key, Algorithm::HS256, message.as_bytes(), &tag), Ok(()));
    assert!(PureRust.verify(&key, Algorithm::HS256, message.as_bytes(), &tag[..31]).is_err());
    assert!(PureRust.verify(&key, Algorithm::HS512, message.as_bytes(), &tag).is_err());
    assert_eq!(PublicKey::from_secret(&secret[..31], Algorithm::HS256).map(|_| ()), Err(KeyError::Size));
    assert_eq!(PublicKey::from_secret(&secret[..63], Algorithm::HS512).map(|_| ()), Err(KeyError::Size));
    assert_eq!(PublicKey::from_secret(&secret, Algorithm::ES256).map(|_| ()), Err(KeyError::Unsupported));
}

#[test]
fn thumbprints_are_the_rfcs() {
    // RFC 7638 §3.1, and RFC 8037 appendix A.3.
    let rsa = json!({ "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
    assert_eq!(
        thumbprint(&rsa).map(|t| URL_SAFE_NO_PAD.encode(t)).unwrap(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(
        thumbprint(&ed).map(|t| URL_SAFE_NO_PAD.encode(t)).unwrap(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    assert_eq!(thumbprint(&json!({ "kty": "oct", "k": "AA" })), None);
    assert_eq!(thumbprint(&with(ed, "x", "a\",\"y")), None);
    // RFC 8037 appendix A.4.
    let key =
        read(&json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })).unwrap();
    let signature = bytes("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(PureRust.verify(&key, Algorithm::EdDSA, message, &signature), Ok(()));
    assert!(PureRust.verify(&key, Algorithm::EdDSA, b"other", &signature).is_err());
}

#[test]
fn one_bad_entry_does_not_spoil_the_set() {
    let odd =
        [json!(7), json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }), json!({}), with(ec(), "x", EC_Y), ec(), rsa()];
    let keys = set(&odd).unwrap();
    assert_eq!((keys.len(), keys.skipped()), (2, 4));
    assert_eq!(set(&odd[..4]).map(|_| ()), Err(KeySetError::Empty));
    assert_eq!(KeySet::parse(b"[]", None).map(|_| ()), Err(KeySetError::Syntax));
    assert_eq!(set(&vec![ec(); MAX_KEYS + 1]).map(|_| ()), Err(KeySetError::TooLarge));
    assert_eq!(KeySet::parse(&vec![b' '; MAX_SET + 1], None).map(|_| ()), Err(KeySetError::TooLarge));
}

#[test]
fn a_name_for_two_keys_is_a_name_for_none() {
    let same = set(&[ec(), ec()]).unwrap();
    assert_eq!(same.len(), 1);
    let keys = set(&[ec(), with(rsa(), "kid", "ec"), with(rsa(), "kid", "other")]).unwrap();
    assert!(keys.find(Some("ec"), Algorithm::ES256).is_none());
    assert!(keys.find(Some("other"), Algorithm::RS256).is_some());
}

#[test]
fn without_a_name_only_one_key_will_do() {
    let keys = set(&[ec(), rsa()]).unwrap();
    assert_eq!(keys.find(None, Algorithm::ES256).unwrap().kid(), Some("ec"));
    let keys = set(&[rsa(), with(rsa(), "kid", "b")]).unwrap();
    assert!(keys.find(None, Algorithm::RS256).is_none());
    assert!(keys.find(Some("absent"), Algorithm::RS256).is_none());
}

#[test]
fn one_key_of_two_entries_is_good_for_both_in_either_order() {
    let [first, second] = ["PS256", "PS512"].map(|alg| with(rsa(), "alg", alg));
    for entries in [[first.clone(), second.clone()], [second, first]] {
        let keys = set(&entries).unwrap();
        assert_eq!((keys.len(), keys.skipped()), (1, 1));
        for algorithm in [Algorithm::PS256, Algorithm::PS512] {
            assert!(keys.find(None, algorithm).unwrap().permits(algorithm));
        }
        assert!(keys.find(None, Algorithm::RS256).is_none());
    }
}

#[test]
fn what_is_written_can_be_read() {
    let (x, y) = (bytes(EC_X).try_into().unwrap(), bytes(EC_Y).try_into().unwrap());
    let written = serde_json::to_value(Jwk::es256("k1", &x, &y)).unwrap();
    assert_eq!(
        written,
        json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": "k1", "crv": "P-256", "x": EC_X, "y": EC_Y })
    );
    assert_eq!(read(&written).unwrap().spki(), read(&ec()).unwrap().spki());
}

proptest! {
    #[test]
    fn no_set_panics(text in "\\PC{0,200}", n in "[A-Za-z0-9_-]{0,400}", e in "[A-Za-z0-9_-]{0,8}") {
        let _ = KeySet::parse(text.as_bytes(), None);
        let _ = set(&[json!({ "kty": "RSA", "n": n, "e": e }), json!({ "kty": "EC", "crv": "P-256", "x": n, "y": e })]);
    }

    #[test]
    fn no_signature_panics(signature in prop::collection::vec(any::<u8>(), 0..600)) {
        for jwk in [ec(), rsa()] {
            let key = read(&jwk).unwrap();
            let _ = to_der(&key, &signature);
            for (algorithm, _) in Algorithm::ALL {
                prop_assert!(PureRust.verify(&key, algorithm, b"message", &signature).is_err());
            }
        }
    }
}
