//! What one request may do, and what it may not.

use super::*;
use bearward_token::jwk::{KeySet, Material};
use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::Verifier as _;
use proptest::prelude::*;

fn names(headers: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    headers.iter().map(|(n, v)| format!("{}={}", n.escape_ascii(), v.escape_ascii())).collect()
}

fn passed(envoy: &mut FakeEnvoy, headers: &[(&str, &[u8])]) -> Vec<String> {
    let id = envoy.send(0, headers);
    let stream = envoy.stream(0, id);
    assert!(stream.resumed, "{:?}", stream.reply);
    names(&stream.headers).split_off(2)
}

#[test]
fn a_good_token_opens_the_route_and_is_not_passed_on() {
    let mut envoy = ready(1, &config());
    let authorization = format!("Bearer {}", token());
    for _ in 0..2 {
        assert_eq!(
            passed(&mut envoy, &get("/orders/1", &authorization)),
            ["x-request-id=r1", "x-auth-client=demo", "x-auth-scope=orders:read", "x-auth-subject=alice"]
        );
    }
    assert_eq!(envoy.world.verified.get(), 1, "the second time it is known");
    envoy.pass(500);
    assert_eq!((envoy.metric("bearward.allowed"), envoy.metric("bearward.cache.hit")), (2, 1));
}

#[test]
fn what_goes_to_the_authserver_loses_identities_and_keeps_its_credentials() {
    let mut envoy = ready(1, &config());
    let mut headers = get("/oauth2/token", "Basic YTpi");
    headers.extend([("x-auth-subject", b"mallory".as_slice()), ("X_AUTH_SCOPE", b"\xff"), ("x-other", b"stays")]);
    assert_eq!(passed(&mut envoy, &headers), ["x-request-id=r1", "authorization=Basic YTpi", "x-other=stays"]);
}

#[test]
fn a_path_of_the_authserver_s_in_disguise_is_a_path_like_any_other() {
    let mut envoy = ready(1, &config());
    for path in ["/%6fauth2/token", "/oauth%32/token", "/logi%6e"] {
        assert_eq!(refusal(&mut envoy, &get(path, "")).details, "bearward_no_rule", "{path}");
    }
    assert_eq!(passed(&mut envoy, &get("/oauth2/a%20b?c=%6f", "")), ["x-request-id=r1"]);
}

#[test]
fn the_credential_is_kept_where_the_configuration_says_so() {
    let mut envoy = ready(1, &config_with(|c| c["forward"]["authorization"] = "keep".into()));
    let authorization = format!("Bearer {}", token());
    assert!(passed(&mut envoy, &get("/orders/1", &authorization)).contains(&format!("authorization={authorization}")));
}

#[test]
fn the_log_names_the_request_and_never_the_token() {
    let mut envoy = ready(1, &config());
    let token = token();
    let authorization = format!("Bearer {}", &token[..token.len() - 2]);
    refusal(&mut envoy, &get("/orders/1?access_token=secret", &authorization));
    envoy.world.properties.borrow_mut().insert("request.id".to_owned(), b"from\xff\nEnvoy".to_vec());
    refusal(&mut envoy, &get("/orders/1", ""));
    let log = envoy.world.log.borrow();
    let line = &log.last().unwrap().1;
    assert!(line.ends_with(r"path=/orders/1 request_id=from\xff\nEnvoy"), "{line}");
    let line = &log.iter().rev().nth(1).unwrap().1;
    assert!(line.contains("reason=signature status=401 method=GET path=/orders/1 request_id=r1"), "{line}");
    assert!(!log.iter().any(|(_, line)| line.contains("secret") || line.contains("eyJ")));
}

#[test]
fn a_known_token_still_expires() {
    let mut envoy = ready(1, &config());
    assert_eq!(status(&mut envoy, 0, &token()), 200);
    envoy.world.now_ms.set(START_MS + 360_000);
    assert_eq!(status(&mut envoy, 0, &token()), 401);
}

#[test]
fn the_host_verifies_where_it_can() {
    let mut envoy = ready(1, &config());
    // What Envoy does: SPKI key, DER signature, message; as protobuf.
    *envoy.world.verify.borrow_mut() = Some(Box::new(|arguments| {
        let mut fields = Vec::new();
        let mut rest = arguments;
        while let [_, low, after @ ..] = rest {
            let (length, after) = match low {
                0..0x80 => (usize::from(*low), after),
                _ => (usize::from(low & 0x7f) | usize::from(after[0]) << 7, &after[1..]),
            };
            fields.push(&after[..length]);
            rest = &after[length..];
        }
        let set = KeySet::parse(&jwks(&["k1"]), None).unwrap();
        let key = set.find(None, bearward_token::jws::Algorithm::ES256).unwrap();
        assert_eq!((fields[0], fields[1]), (b"sha256".as_slice(), key.spki()));
        let Material::P256(key) = key.material() else { panic!("an EC key") };
        let good = key.verify(fields[3], &DerSignature::try_from(fields[2]).unwrap()).is_ok();
        Ok(if good { vec![0x08, 0x01] } else { vec![0x12, 0x01, b'x'] })
    }));
    assert_eq!(status(&mut envoy, 0, &token()), 200);
    let other = sign("k2", &claims());
    let forged = format!("{}.{}", token().rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    assert_eq!(status(&mut envoy, 0, &forged), 401);
    *envoy.world.verify.borrow_mut() = Some(Box::new(|_| Ok(Vec::new())));
    assert_eq!(
        status(&mut envoy, 0, &sign("k1", &Claims { jti: "t2".into(), ..claims() })),
        401,
        "no answer is no yes"
    );
}

#[test]
fn a_host_that_fails_lets_nothing_through() {
    for broken in ["request_headers", "remove_request_header", "add_request_header"] {
        let mut envoy = ready(1, &config());
        envoy.world.broken.borrow_mut().push(broken);
        assert_eq!(status(&mut envoy, 0, &token()), 503, "{broken}");
    }
    // Without shared data what is known holds, until the feed is too old.
    let mut envoy = ready(1, &config());
    envoy.world.broken.borrow_mut().push("shared");
    assert_eq!(status(&mut envoy, 0, &token()), 200);
    envoy.pass(61_000);
    assert_eq!(status(&mut envoy, 0, &token()), 503);
}

#[test]
fn tokens_are_checked_by_their_own_issuer_s_keys() {
    let two = config_with(|c| {
        let mut other = c["providers"]["bearward"].clone();
        other["issuer"] = "https://other.example".into();
        other["jwks"]["path"] = "/other/jwks".into();
        other.as_object_mut().unwrap().remove("revocations");
        c["providers"]["other"] = other;
    });
    let mut envoy = FakeEnvoy::new(1, &two);
    envoy.pass(10);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.answer("/other/jwks", 200, &jwks(&["k2"]));
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    let of = |issuer: &'static str| Claims { iss: issuer.into(), ..claims() };
    assert_eq!(status(&mut envoy, 0, &sign("k1", &of(ISSUER))), 200);
    assert_eq!(status(&mut envoy, 0, &sign("k2", &of("https://other.example"))), 200);
    let crossed = status(&mut envoy, 0, &sign("k1", &of("https://other.example")));
    assert_eq!(crossed, 0, "unknown there, so it waits for that issuer's keys");
    envoy.tick(0);
    envoy.answer("/other/jwks", 200, &jwks(&["k2"]));
    envoy.pass(10);
    envoy.pass(500);
    assert_eq!(envoy.metric("bearward.denied.unknown_key"), 1);
}

#[test]
fn without_a_configuration_nothing_gets_through() {
    let mut envoy = ready(1, &config());
    assert!(!envoy.vms[0].root.configure(b"{}"));
    // The one before goes on; Envoy keeps it.
    assert_eq!(status(&mut envoy, 0, &token()), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_request_panics_or_gets_through(
        headers in prop::collection::vec(("[a-z:_-]{0,16}", prop::collection::vec(any::<u8>(), 0..60)), 0..8),
        authorization in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut envoy = ready(1, &config());
        let mut all: Vec<(&str, &[u8])> = vec![(":method", b"GET"), (":path", b"/orders/1")];
        all.push(("authorization", &authorization));
        all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())));
        let id = envoy.send(0, &all);
        prop_assert!(!envoy.stream(0, id).resumed || headers.iter().any(|(n, _)| n == ":path"));
    }
}

#[test]
fn nobody_says_who_they_are_in_trailers() {
    let mut envoy = ready(1, &config());
    let id = envoy.send(0, &get("/orders/1", &format!("Bearer {}", token())));
    let trailers = [("x-auth-subject", "mallory"), ("checksum", "1"), ("X_Auth.Subject", "m"), ("x-auth-subject", "n")];
    assert_eq!(envoy.trailers(0, id, &trailers), ["checksum"]);
    assert_eq!(envoy.trailers(0, id, &[]), Vec::<String>::new());
}

#[test]
fn nobody_has_their_identity_dropped_on_the_way() {
    let mut envoy = ready(1, &config());
    let good = format!("Bearer {}", token());
    for (connection, expected) in [
        ("upgrade", "passed"),
        ("Upgrade, keep-alive", "passed"),
        ("upgrade, X-Auth-Subject", "bearward_made_up_identity"),
        ("x_auth_subject", "bearward_made_up_identity"),
        ("close,\tx-auth-subject ", "bearward_made_up_identity"),
    ] {
        let mut headers = get("/orders/1", &good);
        headers.extend([("upgrade", &b"websocket"[..]), ("connection", connection.as_bytes())]);
        assert_eq!(super::rules::details(&mut envoy, &headers), expected, "{connection}");
    }
}
