//! A clock that is set, while Envoy runs: back by an hour, as after a start with a wrong time; and forward by one, as after a
//! machine has slept. Calls that are on their way know nothing of it: what ends them is a clock that nobody sets.

use super::providers::{INTROSPECT, active, introspecting};
use super::*;

const HOUR_MS: u64 = 3_600_000;

fn set_back(envoy: &FakeEnvoy) {
    envoy.world.now_ms.set(envoy.world.now_ms.get() - HOUR_MS);
}

fn set_forward(envoy: &FakeEnvoy) {
    envoy.world.now_ms.set(envoy.world.now_ms.get() + HOUR_MS);
}

/// Good at any of these times.
fn lasting(kid: &str) -> String {
    sign(kid, &Claims { iat: START_MS / 1_000 - 7_200, exp: START_MS / 1_000 + 7_200, ..claims() })
}

#[test]
fn the_feed_is_asked_again_at_once() {
    for set in [set_back, set_forward] {
        let mut envoy = ready(2, &config());
        let late = envoy.calls(FEED).pop().unwrap();
        set(&envoy);
        assert_eq!(status(&mut envoy, 0, &lasting("k1")), 503);
        envoy.tick(late.vm);
        let again = envoy.calls(FEED).into_iter().find(|call| call.id != late.id).unwrap();
        assert_eq!(again.path, "/mesh/revocations?wait=0&after=c0", "to be told at once that nothing is missing");
        envoy.answer_call(&again, 200, &page(false, false, "c0", &[]));
        assert_eq!(status(&mut envoy, 0, &lasting("k1")), 200);
        // What the first is answered is nobody's any more.
        envoy.answer_call(&late, 200, &page(true, false, "c9", &[]));
        envoy.pass(500);
        assert_eq!(envoy.answer(FEED, 200, &page(false, false, "c1", &[])), "/mesh/revocations?wait=20&after=c0");
    }
}

#[test]
fn what_is_tried_again_in_a_moment_is_not_tried_in_an_hour() {
    let mut envoy = ready(1, &config());
    envoy.answer(FEED, 503, b"");
    set_back(&envoy);
    envoy.pass(10);
    assert_eq!(envoy.calls(FEED).len(), 1);
    // So it is with keys: those that are fetched, and one that is new.
    let mut envoy = FakeEnvoy::new(2, &config());
    envoy.pass(10);
    let lost = envoy.calls(JWKS).pop().unwrap();
    set_back(&envoy);
    envoy.world.calls.borrow_mut().retain(|call| call.id != lost.id); // its VM crashed
    envoy.tick(1 - lost.vm);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    for call in envoy.calls(FEED) {
        envoy.answer_call(&call, 200, &page(true, false, "c0", &[]));
    }
    for _ in 0..4 {
        envoy.send(0, &get("/orders/1", &format!("Bearer {}", lasting("k2"))));
        envoy.pass(10);
        envoy.answer(JWKS, 200, &jwks(&["k1"]));
    }
    set_back(&envoy);
    envoy.tick(1 - lost.vm);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    for call in envoy.calls(FEED) {
        envoy.answer_call(&call, 200, &page(false, false, "c0", &[]));
    }
    let id = envoy.send(0, &get("/orders/1", &format!("Bearer {}", lasting("k2"))));
    envoy.pass(10);
    envoy.answer(JWKS, 200, &jwks(&["k1", "k2"]));
    envoy.pass(10);
    assert_eq!(outcome(&envoy, 0, id), 200);
}

#[test]
fn nobody_is_held_for_an_hour() {
    let mut envoy = FakeEnvoy::new(1, &config());
    let id = envoy.send(0, &get("/orders/1", &format!("Bearer {}", lasting("k1"))));
    set_back(&envoy);
    envoy.tick(0);
    assert_eq!(outcome(&envoy, 0, id), 503);
}

#[test]
fn what_an_issuer_said_does_not_hold_for_an_hour() {
    for (said, outcome_before) in [(true, 200), (false, 401)] {
        // Without a feed, so that nothing else says anything of the token.
        let config = introspecting(|c| drop(c["providers"]["bearward"].as_object_mut().unwrap().remove("revocations")));
        let mut envoy = ready(2, &config);
        let mut answer = active();
        (answer["active"], answer["iat"]) = (said.into(), (START_MS / 1_000 - 7_200).into());
        let first = envoy.send(0, &get("/orders/1", "Bearer opaque"));
        envoy.answer(INTROSPECT, 200, answer.to_string().as_bytes());
        assert_eq!(outcome(&envoy, 0, first), outcome_before);
        set_back(&envoy);
        // In the worker that asked, and in the one that was told.
        for vm in 0..2 {
            let id = envoy.send(vm, &get("/orders/1", "Bearer opaque"));
            assert_eq!((outcome(&envoy, vm, id), envoy.calls(INTROSPECT).len()), (0, 1));
        }
        let call = envoy.calls(INTROSPECT).pop().unwrap();
        envoy.world.calls.borrow_mut().retain(|other| other.id != call.id); // its VM crashed, and the clock was set again
        set_back(&envoy);
        let id = envoy.send(1 - call.vm, &get("/orders/1", "Bearer opaque"));
        assert_eq!((outcome(&envoy, 1 - call.vm, id), envoy.calls(INTROSPECT).len()), (0, 1));
    }
}
