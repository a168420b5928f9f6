//! What one worker was told of an opaque token, the others know.

use super::providers::{INTROSPECT, active, answer, introspecting, revoked_grant};
use super::*;
use serde_json::json;

fn send(envoy: &mut FakeEnvoy, vm: usize) -> u32 {
    envoy.send(vm, &get("/orders/1", "Bearer opaque"))
}

#[test]
fn workers_ask_once_between_them() {
    let mut envoy = ready(3, &introspecting(|_| {}));
    let ids: Vec<_> = (0..3).map(|vm| send(&mut envoy, vm)).collect();
    assert_eq!(envoy.calls(INTROSPECT).len(), 1);
    answer(&mut envoy, 200, &active());
    envoy.pass(10);
    for (vm, id) in ids.into_iter().enumerate() {
        assert_eq!(outcome(&envoy, vm, id), 200, "{vm}");
        assert!(envoy.stream(vm, id).headers.iter().any(|(n, v)| n == b"x-auth-subject" && v == b"alice"));
    }
    envoy.add_vm(&introspecting(|_| {}));
    assert_eq!(status(&mut envoy, 3, "opaque"), 200, "at once");
    // The feed is heeded in all of them.
    envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked_grant()]));
    assert_eq!((0..4).map(|vm| status(&mut envoy, vm, "opaque")).collect::<Vec<_>>(), [401; 4]);
    assert_eq!(envoy.calls(INTROSPECT).len(), 0);
    envoy.pass(500);
    assert_eq!(envoy.metric("bearward.introspect.active"), 1, "one answer");
}

#[test]
fn an_answer_holds_for_all_from_when_it_was_given() {
    let mut envoy = ready(2, &introspecting(|_| {}));
    send(&mut envoy, 0);
    answer(&mut envoy, 200, &active());
    envoy.pass(40_000);
    envoy.answer(FEED, 200, &page(false, false, "c1", &[]));
    assert_eq!(status(&mut envoy, 1, "opaque"), 200);
    envoy.pass(20_001);
    envoy.answer(FEED, 200, &page(false, false, "c2", &[]));
    assert_eq!(status(&mut envoy, 1, "opaque"), 0, "asked again, as long after the answer as the worker that had it");
    answer(&mut envoy, 200, &json!({ "active": false }));
    assert_eq!(status(&mut envoy, 0, "opaque"), 401);
    envoy.pass(10_001);
    assert_eq!(status(&mut envoy, 0, "opaque"), 0, "no is kept for less long");
    assert_eq!(envoy.calls(INTROSPECT).len(), 1);
}

#[test]
fn who_waits_for_another_asks_if_that_one_gets_no_answer() {
    let mut envoy = ready(2, &introspecting(|_| {}));
    let (first, second) = (send(&mut envoy, 0), send(&mut envoy, 1));
    answer(&mut envoy, 500, &json!({}));
    assert_eq!(outcome(&envoy, 0, first), 503);
    envoy.pass(10);
    answer(&mut envoy, 200, &active());
    assert_eq!(outcome(&envoy, 1, second), 200);
}

#[test]
fn who_waits_for_another_asks_if_that_one_is_gone() {
    let config = introspecting(|c| c["providers"]["bearward"]["introspection"]["timeout"] = "1s".into());
    let mut envoy = ready(2, &config);
    send(&mut envoy, 0);
    envoy.world.calls.borrow_mut().retain(|call| call.path != INTROSPECT);
    let second = send(&mut envoy, 1);
    envoy.pass(1_000);
    assert_eq!((envoy.calls(INTROSPECT).len(), outcome(&envoy, 1, second)), (0, 0), "it may still come");
    envoy.pass(110);
    answer(&mut envoy, 200, &active());
    assert_eq!(outcome(&envoy, 1, second), 200);
}

#[test]
fn a_worker_whose_configuration_goes_lets_others_ask() {
    let mut envoy = ready(2, &introspecting(|_| {}));
    send(&mut envoy, 0);
    envoy.vms[0].root.step_down();
    envoy.world.calls.borrow_mut().retain(|call| call.path != INTROSPECT);
    send(&mut envoy, 1);
    assert_eq!(envoy.calls(INTROSPECT).len(), 1);
}

#[test]
fn what_is_too_long_to_be_told_each_asks_for_itself() {
    let mut envoy = ready(2, &introspecting(|_| {}));
    let ids = [send(&mut envoy, 0), send(&mut envoy, 1)];
    let mut long = active();
    long["more"] = "x".repeat(9_000).into();
    answer(&mut envoy, 200, &long);
    envoy.pass(10);
    answer(&mut envoy, 200, &long);
    assert_eq!([outcome(&envoy, 0, ids[0]), outcome(&envoy, 1, ids[1])], [200; 2]);
}

#[test]
fn without_shared_data_each_asks_for_itself() {
    let mut envoy =
        ready(2, &introspecting(|c| drop(c["providers"]["bearward"].as_object_mut().unwrap().remove("revocations"))));
    envoy.world.broken.borrow_mut().extend(["shared", "set_shared"]);
    let ids = [send(&mut envoy, 0), send(&mut envoy, 1)];
    let calls = envoy.calls(INTROSPECT);
    assert_eq!(calls.len(), 2);
    for call in &calls {
        envoy.answer_call(call, 200, active().to_string().as_bytes());
    }
    assert_eq!([outcome(&envoy, 0, ids[0]), outcome(&envoy, 1, ids[1])], [200; 2]);
}

#[test]
fn clients_that_are_told_different_things_do_not_share() {
    let other = introspecting(|c| c["providers"]["bearward"]["introspection"]["client_secret"] = "other".into());
    let mut envoy = ready(1, &introspecting(|_| {}));
    envoy.add_vm(&other);
    send(&mut envoy, 0);
    send(&mut envoy, 1);
    assert_eq!(envoy.calls(INTROSPECT).len(), 2);
}

#[test]
fn an_answer_signed_by_a_key_that_is_withdrawn_holds_no_longer() {
    let mut envoy = ready(2, &introspecting(|_| {}));
    send(&mut envoy, 0);
    answer(&mut envoy, 200, &active());
    envoy.pass(300_000);
    send(&mut envoy, 0);
    answer(&mut envoy, 200, &active());
    envoy.answer(JWKS, 200, &jwks(&["k2"]));
    assert_eq!(status(&mut envoy, 1, "opaque"), 0);
    assert_eq!(envoy.calls(INTROSPECT).len(), 1);
}
