use super::*;
use crate::jwk::Jwk;
use crate::jws::Header;
use crate::jws::{append_signature, signing_input};
use crate::signature::PureRust;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

fn signer() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn key() -> PublicKey {
    let point = signer().verifying_key().to_sec1_point(false);
    let (x, y) = (point.x().unwrap().as_slice().try_into().unwrap(), point.y().unwrap().as_slice().try_into().unwrap());
    PublicKey::from_jwk(&serde_json::to_value(Jwk::es256("k1", x, y)).unwrap(), None).unwrap()
}

fn expectation() -> Expectation {
    Expectation::rfc9068("https://as.example".into(), vec!["https://api.example".into()])
}

fn header() -> Header<'static> {
    Header { alg: "ES256".into(), kid: Some("k1".into()), typ: Some("at+jwt".into()), crit: None }
}

fn payload() -> Value {
    json!({
        "iss": "https://as.example", "sub": "alice", "aud": "https://api.example", "client_id": "demo",
        "scope": "orders:read", "iat": NOW - 10, "exp": NOW + 300, "jti": "t1", "gid": "g1",
    })
}

fn sign(header: &Header<'_>, payload: &Value) -> String {
    let input = signing_input(header, payload).unwrap();
    let signature: Signature = signer().sign(input.as_bytes());
    append_signature(input, &signature.to_bytes())
}

fn verify_at(token: &str, now: u64) -> Result<String, Refusal> {
    let compact = Compact::parse(token).map_err(|_| Refusal::MalformedToken)?;
    let checked = Unverified::parse(&compact)?.check(&expectation(), now)?;
    Ok(checked.verify(&key(), &PureRust)?.claims().text("sub")?.unwrap_or_default().to_owned())
}

fn with(member: &str, value: impl Into<Value>) -> Result<String, Refusal> {
    let mut payload = payload();
    payload[member] = value.into();
    verify_at(&sign(&header(), &payload), NOW)
}

#[test]
fn a_good_token_is_good() {
    assert_eq!(verify_at(&sign(&header(), &payload()), NOW).as_deref(), Ok("alice"));
    assert_eq!(with("aud", json!(["https://other.example", "https://api.example"])).as_deref(), Ok("alice"));
    assert_eq!(with("gid", Value::Null).as_deref(), Ok("alice"));
}

#[test]
fn the_header_must_be_an_access_token_s() {
    let header = |change: &dyn Fn(&mut Header<'static>)| {
        let mut header = header();
        change(&mut header);
        verify_at(&sign(&header, &payload()), NOW)
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(header(&|h| h.typ = Some(typ.into())).is_ok(), "{typ}");
    }
    for typ in ["JWT", "", "application/jwt", "at+jwtx", "application/"] {
        assert_eq!(header(&|h| h.typ = Some(typ.into())), Err(Refusal::TokenType), "{typ}");
    }
    assert_eq!(header(&|h| h.typ = None), Err(Refusal::TokenType));
    for alg in ["none", "None", "ES512", "ES256K", "HS256", "RS512", "es256", ""] {
        assert_eq!(header(&|h| h.alg = alg.into()), Err(Refusal::Algorithm), "{alg}");
    }
    // A known algorithm that is not the key's.
    assert_eq!(header(&|h| h.alg = "RS256".into()), Err(Refusal::Algorithm));
    assert_eq!(header(&|h| h.crit = Some(crate::jws::Extensions)), Err(Refusal::Critical));
}

#[test]
fn the_claims_must_fit() {
    assert_eq!(with("iss", "https://as.example/"), Err(Refusal::Issuer));
    assert_eq!(with("aud", "https://api.example/"), Err(Refusal::Audience));
    assert_eq!(with("aud", json!([])), Err(Refusal::Audience));
    assert_eq!(with("exp", NOW - 60), Err(Refusal::Expired));
    assert!(with("exp", NOW - 59).is_ok());
    assert_eq!(with("iat", NOW + 61), Err(Refusal::NotYetValid));
    assert!(with("iat", NOW + 60).is_ok());
    assert_eq!(with("nbf", NOW + 61), Err(Refusal::NotYetValid));
    assert_eq!(with("cnf", json!({ "jkt": "x" })), Err(Refusal::Bound));
    assert_eq!(with("cnf", json!({ "kid": "x" })), Err(Refusal::Bound));
    assert_eq!(with("exp", u64::MAX).as_deref(), Ok("alice"));
    for (member, value) in
        [("exp", json!("soon")), ("exp", json!(-1)), ("sub", json!(7)), ("exp", Value::Null), ("iss", Value::Null)]
    {
        assert_eq!(with(member, value), Err(Refusal::MalformedToken), "{member}");
    }
    for member in ["sub", "client_id", "iat", "jti"] {
        assert_eq!(with(member, Value::Null), Err(Refusal::MissingClaim), "{member}");
    }
}

#[test]
fn a_claim_that_comes_twice_is_no_claim() {
    let twice = payload().to_string().replace("\"sub\":", "\"sub\":\"mallory\",\"sub\":");
    let input = format!("{}.{}", base64_url(&serde_json::to_vec(&header()).unwrap()), base64_url(twice.as_bytes()));
    let signature: Signature = signer().sign(input.as_bytes());
    assert_eq!(verify_at(&append_signature(input, &signature.to_bytes()), NOW), Err(Refusal::MalformedToken));
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn any_altered_byte_is_noticed() {
    let token = sign(&header(), &payload());
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        if bytes != token.as_bytes() {
            assert!(verify_at(&String::from_utf8(bytes).unwrap(), NOW).is_err(), "byte {at}");
        }
    }
}

#[test]
fn the_handle_names_what_can_be_revoked() {
    let handle = |payload: &Value| {
        let token = sign(&header(), payload);
        let compact = Compact::parse(&token).unwrap();
        let checked = Unverified::parse(&compact).unwrap().check(&expectation(), NOW).unwrap();
        checked.verify(&key(), &PureRust).unwrap().handle()
    };
    let keys = [
        Subject::Token("t1").key(),
        Subject::Grant("g1").key(),
        Subject::Client("demo").key(),
        Subject::Person("alice").key(),
    ];
    assert_eq!(handle(&payload()), Handle { keys: keys.map(Some), exchanged_from: [].into(), iat: NOW - 10 });
    let mut exchanged = payload();
    exchanged["exchanged_from"] = json!(["t0", "t-1"]);
    exchanged["exchanged_by"] = json!(["c0"]);
    let came_from = [Subject::Token("t0").key(), Subject::Token("t-1").key(), Subject::Client("c0").key()];
    assert_eq!(*handle(&exchanged).exchanged_from, came_from);
    let mut without = payload();
    without.as_object_mut().unwrap().remove("gid");
    assert_eq!(handle(&without).keys, [Some(keys[0]), None, Some(keys[2]), Some(keys[3])]);
}

#[test]
fn another_issuer_s_tokens_are_as_its_provider_says() {
    let mut plain = payload();
    for member in ["client_id", "jti", "iat", "scope"] {
        plain.as_object_mut().unwrap().remove(member);
    }
    let verify = |typ: Option<&'static str>, types: &[&str], required: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        let expected = Expectation { types: texts(types), required_claims: texts(required), ..expectation() };
        let token = sign(&Header { typ: typ.map(Into::into), ..header() }, &plain);
        let compact = Compact::parse(&token).unwrap();
        let checked = Unverified::parse(&compact)?.check(&expected, NOW)?;
        checked.verify(&key(), &PureRust).map(|verified| verified.handle().iat)
    };
    assert_eq!(verify(Some("JWT"), &["JWT"], &["sub"]), Ok(0), "older than any cutoff");
    assert_eq!(verify(None, &["JWT", ""], &[]), Ok(0));
    assert_eq!(verify(None, &["JWT"], &[]), Err(Refusal::TokenType));
    assert_eq!(verify(Some("at+jwt"), &["JWT"], &[]), Err(Refusal::TokenType));
    assert_eq!(verify(Some("JWT"), &["JWT"], &["sub", "email"]), Err(Refusal::MissingClaim));
}

#[test]
fn an_introspection_answer_is_checked_like_a_token() {
    let answer = |change: &dyn Fn(&mut Value)| {
        let mut answer = payload();
        answer["active"] = true.into();
        change(&mut answer);
        let claims = ClaimSet::parse(answer.to_string().as_bytes()).unwrap();
        Verified::introspected(claims, &expectation(), NOW).map(|verified| verified.handle())
    };
    assert_eq!(answer(&|_| {}).unwrap().keys[0], Some(Subject::Token("t1").key()));
    assert!(answer(&|a| drop((a["iss"].take(), a["exp"].take(), a["jti"].take()))).is_ok());
    for inactive in [json!(false), json!("true"), json!(1), Value::Null] {
        assert_eq!(answer(&|a| a["active"] = inactive.clone()), Err(Refusal::Inactive));
    }
    // Servers are asked about refresh tokens too (RFC 7662 §2.1), and say in ways of their own that one is.
    for (name, value) in [("token_use", "refresh_token"), ("token_type", "refresh_token"), ("typ", "Refresh")] {
        assert_eq!(answer(&|a| a[name] = value.into()), Err(Refusal::TokenType), "{name}");
    }
    for (name, value) in
        [("token_use", "access_token"), ("token_type", "Bearer"), ("token_type", "DPoP"), ("typ", "Bearer")]
    {
        assert!(answer(&|a| a[name] = value.into()).is_ok(), "{name}");
    }
    assert_eq!(answer(&|a| a["iss"] = "https://other.example".into()), Err(Refusal::Issuer));
    assert_eq!(answer(&|a| a["exp"] = (NOW - 61).into()), Err(Refusal::Expired));
    assert_eq!(answer(&|a| a["aud"] = Value::Null), Err(Refusal::Audience));
    assert_eq!(answer(&|a| a["cnf"] = json!({ "x": 1 })), Err(Refusal::Bound));
    // What the operator asks of tokens holds for answers too.
    let tenants = Expectation { required_of_answers: vec!["tenant".to_owned()], ..expectation() };
    let of = |tenant: Value| {
        let answer = json!({ "active": true, "aud": payload()["aud"], "sub": "alice", "tenant": tenant });
        let claims = ClaimSet::parse(answer.to_string().as_bytes()).unwrap();
        Verified::introspected(claims, &tenants, NOW).map(drop)
    };
    assert_eq!((of(json!("a")), of(Value::Null)), (Ok(()), Err(Refusal::MissingClaim)));
}

proptest! {
    #[test]
    fn no_token_panics(text in "\\PC{0,100}", header in "\\PC{0,60}", payload in "\\PC{0,120}") {
        let _ = verify_at(&text, NOW);
        let _ = verify_at(&format!("{}.{}.AA", base64_url(header.as_bytes()), base64_url(payload.as_bytes())), NOW);
    }

    #[test]
    fn times_at_the_ends_of_their_range(exp: u64, iat: u64, nbf: u64, now: u64) {
        let mut payload = payload();
        payload["exp"] = exp.into();
        payload["iat"] = iat.into();
        payload["nbf"] = nbf.into();
        let good = verify_at(&sign(&header(), &payload), now).is_ok();
        let latest = u128::from(now) + 60;
        prop_assert_eq!(good, u128::from(now) < (u128::from(exp) + 60).min(u128::from(u64::MAX))
            && u128::from(iat) <= latest && u128::from(nbf) <= latest);
    }
}
