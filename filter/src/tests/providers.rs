//! Several issuers, and opaque tokens.

use super::*;
use serde_json::{Value, json};

pub(super) const INTROSPECT: &str = "/oauth2/introspect";

pub(super) fn introspecting(change: impl Fn(&mut Value)) -> String {
    config_with(|c| {
        c["providers"]["bearward"]["introspection"] = json!({
            "cluster": "authserver", "path": INTROSPECT, "client_id": "me:sh", "client_secret": "s ecret",
        });
        change(c);
    })
}

pub(super) fn active() -> Value {
    let mut answer = serde_json::to_value(claims()).unwrap();
    answer["active"] = true.into();
    answer
}

pub(super) fn answer(envoy: &mut FakeEnvoy, status: u16, body: &Value) {
    envoy.answer(INTROSPECT, status, body.to_string().as_bytes());
}

#[test]
fn secrets_and_inline_keys_need_no_calls() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let secret = "0123456789abcdef0123456789abcdef";
    let inline: Value = serde_json::from_slice(&jwks(&["k7"])).unwrap();
    let config = config_with(|c| {
        c["providers"] = json!({
            "shared": { "issuer": "https://hs.example", "audiences": ["a"], "hmac": { "secret": secret },
                        "types": ["JWT", "none"], "required_claims": ["sub"] },
            "inline": { "issuer": "https://in.example", "audiences": ["https://api.example"],
                        "jwks": { "inline": inline } },
        });
    });
    let mut envoy = FakeEnvoy::new(2, &config);
    envoy.pass(500);
    assert_eq!(envoy.world.calls.borrow().len(), 0);
    let text = |value: &Value| base64_url(value.to_string().as_bytes());
    let hs = |header: Value, iss: &str| {
        let exp = START_MS / 1_000 + 60;
        let claims = json!({ "iss": iss, "sub": "s", "aud": "a", "exp": exp, "scope": "orders:read" });
        let input = format!("{}.{}", text(&header), text(&claims));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(input.as_bytes());
        format!("{input}.{}", base64_url(&mac.finalize().into_bytes()))
    };
    assert_eq!(status(&mut envoy, 0, &hs(json!({ "alg": "HS256" }), "https://hs.example")), 200);
    assert_eq!(status(&mut envoy, 1, &hs(json!({ "alg": "HS256", "typ": "JWT" }), "https://hs.example")), 200);
    assert_eq!(status(&mut envoy, 0, &hs(json!({ "alg": "HS512" }), "https://hs.example")), 401);
    assert_eq!(status(&mut envoy, 0, &hs(json!({ "alg": "HS256", "typ": "at+jwt" }), "https://in.example")), 401);
    assert_eq!(status(&mut envoy, 0, &sign("k7", &Claims { iss: "https://in.example".into(), ..claims() })), 200);
    assert_eq!(status(&mut envoy, 0, &sign("k7", &Claims { iss: "https://hs.example".into(), ..claims() })), 401);
}

#[test]
fn one_issuer_s_failure_is_its_own() {
    let config = config_with(|c| {
        let mut other = c["providers"]["bearward"].clone();
        other["issuer"] = "https://other.example".into();
        other["jwks"]["path"] = "/other/jwks".into();
        other["revocations"]["path"] = "/other/feed".into();
        c["providers"]["other"] = other;
    });
    let mut envoy = FakeEnvoy::new(1, &config);
    envoy.pass(10);
    envoy.answer("/other/jwks", 500, b"");
    envoy.answer("/other/feed", 500, b"");
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    assert_eq!(status(&mut envoy, 0, &token()), 200);
    let other = sign("k1", &Claims { iss: "https://other.example".into(), ..claims() });
    assert_eq!(status(&mut envoy, 0, &other), 0, "waits for its own issuer");
    envoy.pass(2_000);
    assert_eq!(envoy.metric("bearward.denied.keys_unavailable"), 0, "counted with the next tick");
    envoy.pass(500);
    assert_eq!(envoy.metric("bearward.denied.keys_unavailable"), 1);
    assert_eq!(status(&mut envoy, 0, &token()), 200);
}

#[test]
fn an_opaque_token_is_asked_about_once() {
    let mut envoy = ready(2, &introspecting(|_| {}));
    let ids: Vec<_> = (0..3).map(|_| envoy.send(0, &get("/orders/1", "Bearer bw_at_x"))).collect();
    let calls = envoy.calls(INTROSPECT);
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(call.body, "token_type_hint=access_token&token=bw_at_x");
    let header = |name: &str| call.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!((header(":method"), header("content-type")), (Some("POST"), Some("application/x-www-form-urlencoded")));
    // RFC 6749 §2.3.1: form-encoded, then joined, then base64: "me%3Ash:s%20ecret".
    assert_eq!(header("authorization"), Some("Basic bWUlM0FzaDpzJTIwZWNyZXQ="));
    answer(&mut envoy, 200, &active());
    assert_eq!(ids.iter().map(|id| outcome(&envoy, 0, *id)).collect::<Vec<_>>(), [200; 3]);
    assert!(envoy.stream(0, ids[0]).headers.iter().any(|(n, v)| n == b"x-auth-subject" && v == b"alice"));
    assert_eq!(status(&mut envoy, 0, "bw_at_x"), 200, "known");
    assert_eq!(envoy.calls(INTROSPECT).len(), 0);
    // The feed is heeded as for any token, before the answer's time is over.
    envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked_grant()]));
    assert_eq!(status(&mut envoy, 0, "bw_at_x"), 401);
    envoy.pass(500);
    assert_eq!(envoy.metric("bearward.introspect.active"), 1);
}

pub(super) fn revoked_grant() -> Entry {
    use bearward_token::feed::{ALWAYS, Subject};
    let expires_at = u32::try_from(START_MS / 1_000 + 3_600).unwrap();
    Entry { key: Subject::Grant("g1").key(), cutoff: ALWAYS, expires_at }
}

#[test]
fn an_answer_that_is_not_kept_is_good_for_those_who_wait() {
    let config = introspecting(|c| {
        let introspection = &mut c["providers"]["bearward"]["introspection"];
        (introspection["cache_duration"], introspection["inactive_duration"]) = (0.into(), 0.into());
    });
    let mut envoy = ready(1, &config);
    for (said, expected) in [(active(), 200), (json!({ "active": false }), 401), (active(), 200)] {
        let ids = [0, 1].map(|_| envoy.send(0, &get("/orders/1", "Bearer opaque")));
        answer(&mut envoy, 200, &said);
        assert_eq!(ids.map(|id| outcome(&envoy, 0, id)), [expected; 2]);
        envoy.pass(1);
    }
}

#[test]
fn what_only_looks_like_a_jwt_is_opaque() {
    // Three parts, as of PASETO's public tokens, some of which are base64url too.
    for token in ["v4.public.dG9rZW4", "v4.local.dG9rZW4", "a.b.c", "MTIz.NDU2.Nzg5", ".."] {
        let mut envoy = ready(1, &introspecting(|_| {}));
        let id = envoy.send(0, &get("/orders/1", &format!("Bearer {token}")));
        answer(&mut envoy, 200, &active());
        assert_eq!(outcome(&envoy, 0, id), 200, "{token}");
    }
    // What is one is never asked about where there are keys, however bad it is.
    let mut envoy = ready(1, &introspecting(|_| {}));
    for header in ["{}", r#"{"alg":"none"}"#, r#"{"alg":"ES256"}"#] {
        let token = format!("{}.{}.", base64_url(header.as_bytes()), base64_url(b"{}"));
        assert_eq!(status(&mut envoy, 0, &token), 401, "{header}");
    }
    assert_eq!(envoy.calls(INTROSPECT).len(), 0);
}

#[test]
fn an_answer_holds_for_its_time() {
    let mut envoy = ready(1, &introspecting(|_| {}));
    envoy.send(0, &get("/orders/1", "Bearer opaque"));
    answer(&mut envoy, 200, &active());
    envoy.pass(59_000);
    envoy.answer(FEED, 200, &page(false, false, "c0", &[]));
    assert_eq!(status(&mut envoy, 0, "opaque"), 200);
    envoy.pass(2_000);
    assert_eq!(status(&mut envoy, 0, "opaque"), 0, "asked again");
    answer(&mut envoy, 200, &json!({ "active": false }));
    envoy.pass(10);
    assert_eq!(status(&mut envoy, 0, "opaque"), 401);
    assert_eq!(envoy.calls(INTROSPECT).len(), 0, "inactive is remembered for a while");
    envoy.pass(10_001);
    assert_eq!(status(&mut envoy, 0, "opaque"), 0);
}

#[test]
fn what_is_no_answer_is_never_kept() {
    let mut envoy = ready(1, &introspecting(|_| {}));
    for (status, body) in [
        (500, json!({})),
        (200, json!([])),
        (200, json!({ "active": "true" })),
        (200, json!({})),
        (401, json!({ "error": "invalid_client" })),
        (0, json!(null)),
    ] {
        let id = envoy.send(0, &get("/orders/1", "Bearer opaque"));
        let other = envoy.send(0, &get("/orders/1", "Bearer opaque"));
        answer(&mut envoy, status, &body);
        let reply = envoy.stream(0, id).reply.unwrap();
        assert_eq!((reply.status, reply.details.as_str()), (503, "bearward_introspection_failed"), "{status} {body}");
        assert_eq!(outcome(&envoy, 0, other), 503);
    }
    envoy.world.broken.borrow_mut().push("call");
    assert_eq!(super::status(&mut envoy, 0, "opaque"), 503);
    envoy.world.broken.borrow_mut().clear();
    envoy.pass(10);
    assert_eq!(super::status(&mut envoy, 0, "opaque"), 0, "and asked afresh");
    let log = envoy.world.log.borrow();
    assert!(!log.iter().any(|(_, line)| line.contains("opaque") || line.contains("invalid_client")));
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_long() {
    let config = introspecting(|c| c["providers"]["bearward"]["introspection"]["timeout"] = "5s".into());
    let mut envoy = ready(1, &config);
    let id = envoy.send(0, &get("/orders/1", "Bearer opaque"));
    envoy.pass(2_000);
    assert_eq!(outcome(&envoy, 0, id), 503);
    // It comes late, and is of use to the next.
    answer(&mut envoy, 200, &active());
    assert_eq!(status(&mut envoy, 0, "opaque"), 200);
}

#[test]
fn what_an_answer_says_is_checked() {
    for (member, value, expected) in [
        ("aud", json!("https://other.example"), "bearward_audience"),
        ("aud", Value::Null, "bearward_audience"),
        ("iss", json!("https://other.example"), "bearward_issuer"),
        ("exp", json!(START_MS / 1_000 - 100), "bearward_expired"),
        ("scope", json!("other"), "bearward_insufficient_scope"),
        ("cnf", json!({ "kid": "x" }), "bearward_bound"),
    ] {
        let mut envoy = ready(1, &introspecting(|_| {}));
        let id = envoy.send(0, &get("/orders/1", "Bearer opaque"));
        let mut body = active();
        body[member] = value;
        answer(&mut envoy, 200, &body);
        assert_eq!(envoy.stream(0, id).reply.unwrap().details, expected, "{body}");
    }
}

#[test]
fn many_tokens_are_asked_about_in_turns() {
    use crate::introspect::CALLS_MOST;
    let mut envoy = ready(1, &introspecting(|_| {}));
    let ids: Vec<_> =
        (0..CALLS_MOST + 10).map(|i| envoy.send(0, &get("/orders/1", &format!("Bearer opaque{i}")))).collect();
    assert_eq!(envoy.calls(INTROSPECT).len(), CALLS_MOST);
    for _ in 0..ids.len() {
        let call = envoy.calls(INTROSPECT)[0].clone();
        envoy.answer_call(&call, 200, active().to_string().as_bytes());
    }
    assert!(ids.iter().all(|id| outcome(&envoy, 0, *id) == 200));
}

#[test]
fn without_keys_an_issuer_is_asked_about_jwts_too() {
    let config = introspecting(|c| drop(c["providers"]["bearward"].as_object_mut().unwrap().remove("jwks")));
    let mut envoy = FakeEnvoy::new(1, &config);
    envoy.pass(10);
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    assert_eq!(status(&mut envoy, 0, &token()), 0);
    answer(&mut envoy, 200, &active());
    assert_eq!(status(&mut envoy, 0, &token()), 200);
}

#[test]
fn an_opaque_token_is_its_issuer_s_by_its_beginning() {
    let config = introspecting(|c| c["providers"]["bearward"]["introspection"]["token_prefix"] = "bw_at_".into());
    let mut envoy = ready(1, &config);
    assert_eq!(status(&mut envoy, 0, "other"), 401);
    assert_eq!(envoy.calls(INTROSPECT).len(), 0);
    assert_eq!(status(&mut envoy, 0, "bw_at_1"), 401, "its checksum tells that it is junk");
    assert_eq!(envoy.calls(INTROSPECT).len(), 0);
    assert_eq!(status(&mut envoy, 0, "bw_at_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx4DrVZs"), 0);
}

#[test]
fn a_token_goes_to_the_issuer_whose_beginning_says_most() {
    // Whatever they are called, and so in whichever order they come.
    for name in ["a", "z"] {
        let config = introspecting(|c| {
            c["providers"]["bearward"]["introspection"]["token_prefix"] = "bw_at_".into();
            let mut other = c["providers"]["bearward"].clone();
            other["issuer"] = "https://other.example".into();
            other["introspection"]["path"] = "/other/introspect".into();
            other["introspection"].as_object_mut().unwrap().remove("token_prefix");
            c["providers"][name] = other;
        });
        let mut envoy = ready_of_several(&config);
        assert_eq!(status(&mut envoy, 0, "bw_at_1"), 401, "junk is nobody's");
        assert_eq!(envoy.calls("/other/introspect").len() + envoy.calls(INTROSPECT).len(), 0);
        envoy.send(0, &get("/orders/1", "Bearer bw_at_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx4DrVZs"));
        assert_eq!((envoy.calls(INTROSPECT).len(), envoy.calls("/other/introspect").len()), (1, 0), "{name}");
        envoy.send(0, &get("/orders/1", "Bearer opaque"));
        assert_eq!((envoy.calls(INTROSPECT).len(), envoy.calls("/other/introspect").len()), (1, 1), "{name}");
    }
}

/// One whose issuers have the same keys and the same empty feed.
fn ready_of_several(config: &str) -> FakeEnvoy {
    let mut envoy = FakeEnvoy::new(1, config);
    envoy.pass(10);
    for call in envoy.calls(JWKS) {
        envoy.answer_call(&call, 200, &jwks(&["k1"]));
    }
    for call in envoy.calls(FEED) {
        envoy.answer_call(&call, 200, &page(true, false, "c0", &[]));
    }
    envoy.pass(500);
    envoy
}

fn signing(change: impl Fn(&mut Value)) -> String {
    introspecting(|c| {
        c["providers"]["bearward"]["introspection"]["answers"] = "signed".into();
        change(c);
    })
}

/// An answer about an active token, signed, and changed before that: header and claims.
fn signed_answer(kid: &str, change: impl Fn(&mut Value, &mut Value)) -> String {
    let mut header = json!({ "typ": "token-introspection+jwt", "alg": "ES256", "kid": kid });
    let iat = START_MS / 1_000;
    let mut claims = json!({ "iss": ISSUER, "aud": "me:sh", "iat": iat, "token_introspection": active() });
    change(&mut header, &mut claims);
    let text = |value: &Value| base64_url(value.to_string().as_bytes());
    let input = format!("{}.{}", text(&header), text(&claims));
    let signature: Signature = signer(kid).sign(input.as_bytes());
    append_signature(input, &signature.to_bytes())
}

#[test]
fn a_signed_answer_is_as_good_as_a_plain_one() {
    let mut envoy = ready(1, &signing(|_| {}));
    for (token, change) in [("opaque1", json!(["other", "me:sh"])), ("opaque2", json!("me:sh"))] {
        let id = envoy.send(0, &get("/orders/1", &format!("Bearer {token}")));
        let call = envoy.calls(INTROSPECT).remove(0);
        let accept = call.headers.iter().find(|(name, _)| name == "accept").map(|(_, value)| value.as_str());
        assert_eq!(accept, Some("application/token-introspection+jwt"));
        let signed = signed_answer("k1", |_, claims| claims["aud"] = change.clone());
        envoy.answer_call(&call, 200, signed.as_bytes());
        assert_eq!(outcome(&envoy, 0, id), 200);
    }
    let id = envoy.send(0, &get("/orders/1", "Bearer opaque3"));
    let no = signed_answer("k1", |_, claims| claims["token_introspection"] = json!({ "active": false }));
    envoy.answer(INTROSPECT, 200, no.as_bytes());
    assert_eq!(envoy.stream(0, id).reply.unwrap().details, "bearward_inactive");
}

#[test]
fn an_answer_that_is_not_well_signed_is_none() {
    let now = START_MS / 1_000;
    let good = signed_answer("k1", |_, _| {});
    let claim = |name: &'static str, value: Value| signed_answer("k1", |_, claims| claims[name] = value.clone());
    let head = |name: &'static str, value: Value| signed_answer("k1", |header, _| header[name] = value.clone());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head_only, _) = signed.split_once('.').unwrap();
    for (about, body) in [
        ("plain", active().to_string()),
        ("nothing", String::new()),
        ("an access token", token()),
        ("no type", head("typ", Value::Null)),
        ("another type", head("typ", "JWT".into())),
        ("an extension", head("crit", json!(["b64"]))),
        ("alg none", head("alg", "none".into())),
        ("another alg", head("alg", "HS256".into())),
        ("another issuer", claim("iss", "https://other.example".into())),
        ("for another client", claim("aud", "other".into())),
        ("for nobody", claim("aud", Value::Null)),
        ("old", claim("iat", json!(now - 121))),
        ("of the future", claim("iat", json!(now + 61))),
        ("of no time", claim("iat", Value::Null)),
        ("about nothing", claim("token_introspection", Value::Null)),
        ("about a text", claim("token_introspection", "x".into())),
        ("by an unknown key", signed_answer("k2", |_, _| {})),
        ("by another key", signed_answer("k2", |header, _| header["kid"] = "k1".into())),
        ("of other words", format!("{head_only}.{}.{signature}", base64_url(b"{}"))),
        ("too large", claim("more", "x".repeat(70_000).into())),
    ] {
        let mut envoy = ready(1, &signing(|_| {}));
        let id = envoy.send(0, &get("/orders/1", "Bearer opaque"));
        envoy.answer(INTROSPECT, 200, body.as_bytes());
        let reply = envoy.stream(0, id).reply.unwrap();
        assert_eq!((reply.status, reply.details.as_str()), (503, "bearward_introspection_failed"), "{about}");
    }
}

#[test]
fn nobody_is_asked_before_there_are_keys_for_the_answer() {
    let mut envoy = FakeEnvoy::new(1, &signing(|_| {}));
    envoy.pass(10);
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    let id = envoy.send(0, &get("/orders/1", "Bearer opaque"));
    assert_eq!((envoy.calls(INTROSPECT).len(), outcome(&envoy, 0, id)), (0, 0));
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.answer(INTROSPECT, 200, signed_answer("k2", |_, _| {}).as_bytes());
    assert_eq!(outcome(&envoy, 0, id), 503);
    // The key was not known: the set is fetched again, for the next one.
    envoy.pass(10);
    envoy.answer(JWKS, 200, &jwks(&["k1", "k2"]));
    let id = envoy.send(0, &get("/orders/1", "Bearer opaque"));
    envoy.answer(INTROSPECT, 200, signed_answer("k2", |_, _| {}).as_bytes());
    assert_eq!(outcome(&envoy, 0, id), 200);
}
