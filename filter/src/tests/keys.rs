//! Keys: fetched once per Envoy, waited for, kept.

use super::*;
use crate::keys::{UNKNOWN_BURST, UNKNOWN_PAUSE_MS};

#[test]
fn eight_workers_fetch_once() {
    let mut envoy = FakeEnvoy::new(9, &config());
    envoy.pass(10);
    envoy.pass(500);
    assert_eq!(envoy.calls(JWKS).len(), 1);
    assert_eq!(envoy.calls(FEED).len(), 1);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.pass(500);
    assert_eq!(envoy.calls(JWKS).len(), 0);
    // And once more when the set is due again.
    envoy.pass(300_000);
    assert_eq!(envoy.calls(JWKS).len(), 1);
}

#[test]
fn requests_wait_for_the_first_keys_in_every_worker() {
    let mut envoy = FakeEnvoy::new(3, &config());
    envoy.pass(10);
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    let authorization = format!("Bearer {}", token());
    let ids: Vec<_> = (0..3).map(|vm| envoy.send(vm, &get("/orders/1", &authorization))).collect();
    for (vm, id) in ids.iter().enumerate() {
        assert_eq!(outcome(&envoy, vm, *id), 0);
    }
    // What needs no key does not wait.
    assert_eq!(refusal(&mut envoy, &get("/orders/1", "")).status, 401);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.pass(10);
    for (vm, id) in ids.iter().enumerate() {
        assert_eq!(outcome(&envoy, vm, *id), 200);
        assert!(envoy.stream(vm, *id).headers.iter().any(|(name, _)| name == b"x-auth-subject"));
    }
}

#[test]
fn requests_wait_two_seconds_at_most() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.pass(10);
    let authorization = format!("Bearer {}", token());
    let id = envoy.send(0, &get("/orders/1", &authorization));
    envoy.pass(1_990);
    assert_eq!(outcome(&envoy, 0, id), 0);
    envoy.pass(10);
    let reply = envoy.stream(0, id).reply.unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
}

#[test]
fn so_many_wait_and_no_more() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.pass(10);
    let token = token();
    for _ in 0..crate::root::HOLD_MOST {
        assert_eq!(status(&mut envoy, 0, &token), 0);
    }
    assert_eq!(status(&mut envoy, 0, &token), 503);
}

#[test]
fn a_client_that_gives_up_is_forgotten() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.pass(10);
    let authorization = format!("Bearer {}", token());
    let id = envoy.send(0, &get("/orders/1", &authorization));
    envoy.drop_stream(0, id);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.pass(2_000);
}

#[test]
fn a_fetch_that_fails_is_tried_again() {
    let mut envoy = FakeEnvoy::new(2, &config());
    envoy.pass(10);
    for (status, body) in
        [(503, b"down".to_vec()), (200, b"<html>".to_vec()), (200, b"{\"keys\":[]}".to_vec()), (0, vec![])]
    {
        envoy.answer(JWKS, status, &body);
        assert_eq!(envoy.calls(JWKS).len(), 0, "not at once");
        envoy.pass(30_000);
        assert_eq!(envoy.calls(JWKS).len(), 1);
    }
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.pass(500);
    assert_eq!((envoy.metric("bearward.jwks.fetch_fail"), envoy.metric("bearward.jwks.fetch_ok")), (4, 1));
}

#[test]
fn a_call_that_cannot_be_made_is_a_failed_fetch() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.world.broken.borrow_mut().push("call");
    envoy.pass(10);
    envoy.world.broken.borrow_mut().clear();
    envoy.pass(1_000);
    assert_eq!(envoy.calls(JWKS).len(), 1);
}

#[test]
fn keys_are_kept_when_the_issuer_is_down() {
    let mut envoy =
        ready(2, &config_with(|c| drop(c["providers"]["bearward"].as_object_mut().unwrap().remove("revocations"))));
    envoy.pass(299_000);
    assert_eq!(envoy.calls(JWKS).len(), 0);
    envoy.pass(1_000);
    envoy.answer(JWKS, 503, b"");
    let later = Claims { iat: START_MS / 1_000 + 300, exp: START_MS / 1_000 + 600, ..claims() };
    for vm in 0..2 {
        assert_eq!(status(&mut envoy, vm, &sign("k1", &later)), 200);
    }
}

#[test]
fn a_new_key_is_fetched_when_a_token_names_it() {
    let mut envoy = ready(2, &config());
    let authorization = format!("Bearer {}", sign("k2", &claims()));
    let first = envoy.send(0, &get("/orders/1", &authorization));
    let second = envoy.send(1, &get("/orders/1", &authorization));
    assert_eq!(envoy.calls(JWKS).len(), 0, "a request calls nobody: its answer would be lost with it");
    envoy.pass(10);
    assert_eq!(envoy.calls(JWKS).len(), 1, "one fetch for both");
    envoy.answer(JWKS, 200, &jwks(&["k1", "k2"]));
    envoy.pass(10);
    assert_eq!((outcome(&envoy, 0, first), outcome(&envoy, 1, second)), (200, 200));
    assert_eq!(status(&mut envoy, 1, &token()), 200, "the old key still holds");
}

#[test]
fn unknown_keys_cause_few_fetches() {
    let mut envoy = ready(2, &config());
    let mut fetches = 0;
    for i in 0..100 {
        let id = envoy.send(i % 2, &get("/orders/1", &format!("Bearer {}", sign(&format!("z{i}"), &claims()))));
        if outcome(&envoy, i % 2, id) == 0 {
            fetches += 1;
            envoy.tick(0);
            envoy.answer(JWKS, 200, &jwks(&["k1"]));
            envoy.pass(1);
        }
        assert_eq!(outcome(&envoy, i % 2, id), 401);
    }
    assert_eq!(fetches, UNKNOWN_BURST);
    envoy.pass(UNKNOWN_PAUSE_MS);
    assert_eq!(status(&mut envoy, 0, &sign("zz", &claims())), 0, "and another after a while");
}

#[test]
fn a_key_that_is_withdrawn_takes_its_tokens_along() {
    let mut envoy = ready(2, &config());
    for vm in 0..2 {
        assert_eq!(status(&mut envoy, vm, &token()), 200);
    }
    envoy.pass(301_000);
    envoy.answer(JWKS, 200, &jwks(&["k2"]));
    envoy.answer(FEED, 200, &page(false, false, "c1", &[]));
    let mut later = claims();
    later.exp += 600;
    for vm in 0..2 {
        assert_ne!(status(&mut envoy, vm, &token()), 200);
    }
}

#[test]
fn a_set_that_did_not_change_costs_nothing() {
    let mut envoy =
        ready(1, &config_with(|c| drop(c["providers"]["bearward"].as_object_mut().unwrap().remove("revocations"))));
    let long = sign("k1", &Claims { exp: START_MS / 1_000 + 3_600, ..claims() });
    assert_eq!(status(&mut envoy, 0, &long), 200);
    envoy.pass(300_000);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    assert_eq!(status(&mut envoy, 0, &long), 200);
    assert_eq!(envoy.world.verified.get(), 1);
}
