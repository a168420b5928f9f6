//! Bound tokens, and what the filter vouches for.

use super::*;
use bearward_token::jwk::thumbprint;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn public(kid: &str) -> Value {
    let set: Value = serde_json::from_slice(&jwks(&[kid])).unwrap();
    let key = &set["keys"][0];
    json!({ "kty": "EC", "crv": "P-256", "x": key["x"], "y": key["y"] })
}

/// A token bound to the key `d1`.
fn bound() -> String {
    bound_for("alice", "d1")
}

/// One of that person's, bound to the key of that name.
fn bound_for(subject: &str, kid: &str) -> String {
    let mut claims = serde_json::to_value(claims()).unwrap();
    claims["sub"] = subject.into();
    claims["cnf"] = json!({ "jkt": base64_url(&thumbprint(&public(kid)).unwrap()) });
    sign_json("k1", &claims)
}

fn proof(kid: &str, token: &str, change: impl FnOnce(&mut Value)) -> String {
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(kid) });
    let mut claims = json!({
        "jti": "p1", "htm": "GET", "htu": "https://api.example/orders/1", "iat": START_MS / 1_000,
        "ath": base64_url(&Sha256::digest(token)),
    });
    change(&mut claims);
    let text = |value: &Value| base64_url(value.to_string().as_bytes());
    let input = format!("{}.{}", text(&header), text(&claims));
    let signature: Signature = signer(kid).sign(input.as_bytes());
    format!("{input}.{}", base64_url(&signature.to_bytes()))
}

fn send(envoy: &mut FakeEnvoy, vm: usize, authorization: &str, proofs: &[&str]) -> (u16, Reply, Vec<String>) {
    let mut headers = get("/orders/1?q=1", authorization);
    headers.extend([(":authority", b"api.example".as_slice()), (":scheme", b"https")]);
    headers.extend(proofs.iter().map(|proof| ("dpop", proof.as_bytes())));
    let id = envoy.send(vm, &headers);
    let stream = envoy.stream(vm, id);
    let names = stream.headers.iter().map(|(name, _)| String::from_utf8(name.clone()).unwrap()).collect();
    (outcome(envoy, vm, id), stream.reply.unwrap_or_default(), names)
}

#[test]
fn a_bound_token_needs_its_proof_once() {
    let mut envoy = ready(2, &config());
    let token = bound();
    let dpop = format!("DPoP {token}");
    let good = proof("d1", &token, |_| {});
    let (status, _, names) = send(&mut envoy, 0, &dpop, &[&good]);
    assert_eq!(status, 200);
    assert!(!names.iter().any(|name| name == "dpop" || name == "authorization"));
    for vm in 0..2 {
        let (status, reply, _) = send(&mut envoy, vm, &dpop, &[&good]);
        assert_eq!((status, reply.details.as_str()), (401, "bearward_replayed"), "also in another worker");
        assert!(reply.header("www-authenticate").unwrap().starts_with("DPoP realm="));
    }
    let second = proof("d1", &token, |claims| claims["jti"] = "p2".into());
    assert_eq!(send(&mut envoy, 1, &dpop, &[&second]).0, 200);
}

#[test]
fn whatever_is_no_proof_is_refused() {
    let mut envoy = ready(1, &config());
    let token = bound();
    let dpop = format!("DPoP {token}");
    let good = proof("d1", &token, |_| {});
    let details =
        |envoy: &mut FakeEnvoy, authorization: &str, proofs: &[&str]| send(envoy, 0, authorization, proofs).1.details;
    assert_eq!(details(&mut envoy, &dpop, &[]), "bearward_proof");
    assert_eq!(details(&mut envoy, &dpop, &[&good, &good]), "bearward_proof");
    assert_eq!(details(&mut envoy, &dpop, &["junk"]), "bearward_proof");
    assert_eq!(details(&mut envoy, &dpop, &[&proof("d2", &token, |_| {})]), "bearward_proof");
    assert_eq!(details(&mut envoy, &dpop, &[&proof("d1", "other", |_| {})]), "bearward_proof");
    assert_eq!(details(&mut envoy, &dpop, &[&proof("d1", &token, |c| c["htm"] = "POST".into())]), "bearward_proof");
    assert_eq!(details(&mut envoy, &format!("Bearer {token}"), &[&good]), "bearward_scheme", "no downgrade");
    let unbound = super::token();
    let of_it = proof("d1", &unbound, |_| {});
    assert_eq!(details(&mut envoy, &format!("DPoP {unbound}"), &[&of_it]), "bearward_scheme");
    envoy.world.broken.borrow_mut().push("set_shared");
    assert_eq!(
        details(&mut envoy, &dpop, &[&good]),
        "bearward_unavailable",
        "what can't be remembered is not let through"
    );
    envoy.world.broken.borrow_mut().clear();
    assert_eq!(send(&mut envoy, 0, &dpop, &[&good]).0, 200, "and none of this has used the good one up");
}

#[test]
fn what_is_remembered_of_proofs_is_bounded() {
    let mut envoy = ready(1, &config());
    let token = bound();
    let dpop = format!("DPoP {token}");
    for i in 0..50 {
        let proof = proof("d1", &token, |c| c["jti"] = format!("n{i}").into());
        assert_eq!(send(&mut envoy, 0, &dpop, &[&proof]).0, 200);
    }
    assert_eq!(remembered(&envoy), 50 * 20);
    let slots = envoy.world.shared.borrow().keys().filter(|key| key.contains("/proofs/")).count();
    assert!(slots <= 50);
}

/// How many bytes.
fn remembered(envoy: &FakeEnvoy) -> usize {
    let shared = envoy.world.shared.borrow();
    shared.iter().filter(|(key, _)| key.contains("/proofs/")).map(|(_, (value, _))| value.len()).sum()
}

#[test]
fn who_floods_leaves_room_to_the_others() {
    let mut envoy = ready(2, &config());
    let other = bound_for("bob", "d3");
    let mut flood = FloodOfOneSlot::default();
    // The same person's, whatever the keys.
    let tokens = [bound(), bound_for("alice", "d2")];
    let mut taken = Vec::new();
    loop {
        let (token, key) = if taken.len() % 2 == 0 { (&tokens[0], "d1") } else { (&tokens[1], "d2") };
        let one = proof(key, token, |c| c["jti"] = flood.next(key).into());
        let (status, reply, _) = send(&mut envoy, taken.len() % 2, &format!("DPoP {token}"), &[&one]);
        if status != 200 {
            assert_eq!((status, reply.details.as_str()), (429, "bearward_too_many_proofs"));
            assert_eq!((reply.header("retry-after"), reply.header("www-authenticate")), (Some("1"), None));
            break;
        }
        taken.push((token, one));
    }
    assert_eq!(taken.len(), 171, "a third of a slot");
    let mut others = |envoy: &mut FakeEnvoy| {
        let one = proof("d3", &other, |c| c["jti"] = flood.next("d3").into());
        send(envoy, 0, &format!("DPoP {other}"), &[&one]).0
    };
    for _ in 0..100 {
        assert_eq!(others(&mut envoy), 200);
    }
    for (token, used) in &taken {
        assert_eq!(send(&mut envoy, 1, &format!("DPoP {token}"), &[used]).1.details, "bearward_replayed");
    }
    envoy.pass(62_000);
    let now = envoy.world.now_ms.get() / 1_000;
    let late = proof("d1", &tokens[0], |c| (c["jti"], c["iat"]) = (flood.next("d1").into(), now.into()));
    envoy.answer(FEED, 200, &page(false, false, "c0", &[]));
    assert_eq!(send(&mut envoy, 0, &format!("DPoP {}", tokens[0]), &[&late]).0, 200, "and then it has room again");
    assert_eq!(remembered(&envoy), 20, "what is too old is forgotten");
}

/// Names for proofs that all fall into one slot.
#[derive(Default)]
struct FloodOfOneSlot(u32);

impl FloodOfOneSlot {
    fn next(&mut self, key: &str) -> String {
        let of_key = Sha256::new().chain_update(thumbprint(&public(key)).unwrap());
        loop {
            self.0 += 1;
            let jti = self.0.to_string();
            let id = of_key.clone().chain_update(&jti).finalize();
            if u16::from_le_bytes([id[0], id[1]]) % 2048 == 7 {
                return jti;
            }
        }
    }
}

#[test]
fn a_nonce_is_asked_for_and_given() {
    let config = config_with(|c| c["dpop"] = json!({ "nonce_secret": "n".repeat(32) }));
    let mut envoy = ready(1, &config);
    let token = bound();
    let dpop = format!("DPoP {token}");
    let (status, reply, _) = send(&mut envoy, 0, &dpop, &[&proof("d1", &token, |_| {})]);
    assert_eq!((status, reply.details.as_str()), (401, "bearward_nonce"));
    assert!(reply.header("www-authenticate").unwrap().contains("error=\"use_dpop_nonce\""));
    let nonce = reply.header("dpop-nonce").unwrap().to_owned();
    let with = |nonce: &str, jti: &str| proof("d1", &token, |c| (c["nonce"], c["jti"]) = (nonce.into(), jti.into()));
    assert_eq!(send(&mut envoy, 0, &dpop, &[&with(&nonce, "a")]).0, 200);
    for forged in ["", "AAAA", &nonce[1..], &crate::dpop::nonce(&[b'x'; 32], START_MS / 1_000)] {
        assert_eq!(send(&mut envoy, 0, &dpop, &[&with(forged, "b")]).1.details, "bearward_nonce", "{forged}");
    }
    let old = crate::dpop::nonce("n".repeat(32).as_bytes(), START_MS / 1_000 - 121);
    assert_eq!(send(&mut envoy, 0, &dpop, &[&with(&old, "b")]).1.details, "bearward_nonce");
    let challenge = refusal(&mut envoy, &get("/orders/1", ""));
    let all: Vec<_> = challenge.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
    assert!(all.len() == 2 && all[1].1.contains("algs=\"ES256 "), "both schemes are offered: {all:?}");
}

#[test]
fn a_certificate_bound_token_needs_its_connection() {
    let mut envoy = ready(1, &config());
    let mut claims = serde_json::to_value(claims()).unwrap();
    claims["cnf"] = json!({ "x5t#S256": base64_url(&Sha256::digest("certificate")) });
    let token = sign_json("k1", &claims);
    assert_eq!(status(&mut envoy, 0, &token), 401);
    let mut under = |digest: Vec<u8>| {
        let name = "connection.sha256_peer_certificate_digest".to_owned();
        envoy.world.properties.borrow_mut().insert(name, digest);
        status(&mut envoy, 0, &token)
    };
    let hex = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(under(hex("certificate").into()), 200);
    assert_eq!(under(hex("certificate").into()), 200, "each time anew");
    assert_eq!(under(hex("other").into()), 401);
    assert_eq!(under(vec![]), 401);
    assert_eq!(under(b"zz".repeat(32)), 401);
}

#[test]
fn the_filter_vouches_for_what_only_it_knows() {
    let secret = "g".repeat(32);
    let forged: [(&str, &[u8]); 3] = [
        ("x-bearward-gateway", b"v1.1.x"),
        ("X_Bearward_Client_Address", b"10.0.0.1"),
        ("x-forwarded-client-cert", b"Hash=ab"),
    ];
    let mut headers = get("/oauth2/token?a=b", "Basic YTpi");
    headers.extend(forged);
    let ours = |stream: &fake::Stream| -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let all = stream.headers.iter().map(|(n, v)| (text(n), text(v)));
        all.filter(|(name, _)| name.to_lowercase().replace('_', "-").starts_with("x-bearward-")).collect()
    };
    let mut envoy = ready(1, &config());
    let id = envoy.send(0, &headers);
    assert_eq!(ours(&envoy.stream(0, id)), [], "what a client made up goes, secret or not");

    let mut envoy = ready(1, &config_with(|c| c["oauth"]["gateway_secret"] = secret.clone().into()));
    for (address, plain) in [("192.0.2.1:4711", "192.0.2.1"), ("[2001:db8::1]:4711", "2001:db8::1")] {
        envoy.world.properties.borrow_mut().insert("source.address".to_owned(), address.into());
        let id = envoy.send(0, &headers);
        let seconds = envoy.world.now_ms.get() / 1_000;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("v1\n{seconds}\nGET\n/oauth2/token?a=b\nHash=ab\n{plain}").as_bytes());
        let code = format!("v1.{seconds}.{}", base64_url(&mac.finalize().into_bytes()));
        let expected = [("x-bearward-gateway", code.as_str()), ("x-bearward-client-address", plain)];
        assert_eq!(ours(&envoy.stream(0, id)), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
