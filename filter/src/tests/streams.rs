//! Requests that go on when their token does not.

use super::feed::expiry;
use super::*;
use bearward_token::feed::{ALWAYS, Subject};
use fake::Stream;
use serde_json::json;

/// Longer than a request is left alone.
const GRACE_MS: u64 = 5_000;

fn revoke(envoy: &mut FakeEnvoy, subject: Subject<'_>) {
    let entry = Entry { key: subject.key(), cutoff: ALWAYS, expires_at: u32::MAX };
    envoy.answer(FEED, 200, &page(false, false, "c1", &[entry]));
}

fn with(open_streams: &serde_json::Value) -> String {
    config_with(|config| config["open_streams"] = open_streams.clone())
}

/// Opens a stream in this VM, and sees that it is let through.
fn open(envoy: &mut FakeEnvoy, vm: usize, token: &str) -> u32 {
    let id = envoy.begin(vm, &get("/orders/1", &format!("Bearer {token}")), false);
    assert_eq!(outcome(envoy, vm, id), 200);
    id
}

fn closed(envoy: &FakeEnvoy) -> [u64; 2] {
    ["bearward.closed.revoked", "bearward.closed.expired"].map(|name| envoy.metric(name))
}

#[test]
fn one_ends_when_its_token_is_revoked() {
    for subject in [Subject::Token("t1"), Subject::Grant("g1"), Subject::Client("demo"), Subject::Person("alice")] {
        let mut envoy = ready(2, &config());
        let other = Claims { jti: "t2".into(), gid: None, client_id: "d2".into(), sub: "bob".into(), ..claims() };
        let ids = [0, 1].map(|vm| open(&mut envoy, vm, &token()));
        let others = [0, 1].map(|vm| open(&mut envoy, vm, &sign("k1", &other)));
        let without = envoy.begin(0, &get("/healthz", ""), false);
        let over = open(&mut envoy, 0, &token());
        envoy.drop_stream(0, over);
        envoy.pass(GRACE_MS);
        assert_eq!([0, 1].map(|vm| outcome(&envoy, vm, ids[vm])), [200; 2]);
        revoke(&mut envoy, subject);
        envoy.pass(100);
        for vm in [0, 1] {
            let Stream { reply, .. } = envoy.stream(vm, ids[vm]);
            let reply = reply.unwrap();
            assert_eq!((reply.status, reply.details.as_str()), (401, "bearward_revoked"), "{subject:?}");
            assert!(reply.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
            assert_eq!((reply.grpc_status, outcome(&envoy, vm, others[vm])), (-1, 200));
        }
        assert_eq!(outcome(&envoy, 0, without), 200);
        envoy.pass(500);
        assert_eq!(closed(&envoy), [2, 0]);
        assert_eq!(envoy.metric("bearward.denied.revoked"), 0, "it was let through");
    }
}

#[test]
fn one_that_has_just_begun_is_left_to_finish() {
    let mut envoy = ready(1, &config());
    let id = open(&mut envoy, 0, &token());
    envoy.pass(1_000);
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.pass(GRACE_MS - 1_001);
    assert_eq!(outcome(&envoy, 0, id), 200);
    envoy.pass(1);
    assert_eq!(outcome(&envoy, 0, id), 401);
    // Or not, if that is what is wanted.
    let mut envoy = ready(1, &with(&json!({ "grace": 0 })));
    let id = open(&mut envoy, 0, &token());
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.pass(1);
    assert_eq!(outcome(&envoy, 0, id), 401);
}

#[test]
fn one_that_is_spared_for_long_ends_all_the_same() {
    let mut envoy = ready(1, &with(&json!({ "grace": "1h" })));
    let id = open(&mut envoy, 0, &token());
    // The feed forgets it when the token would have expired.
    let entry = Entry { key: Subject::Token("t1").key(), cutoff: ALWAYS, expires_at: expiry(600) };
    envoy.answer(FEED, 200, &page(false, false, "c1", &[entry]));
    for _ in 0..3_599 {
        envoy.pass(1_000);
    }
    assert_eq!(outcome(&envoy, 0, id), 200);
    envoy.pass(1_000);
    assert_eq!(outcome(&envoy, 0, id), 401);
}

#[test]
fn a_clock_that_is_set_back_spares_nobody() {
    let mut envoy = ready(1, &config());
    let id = open(&mut envoy, 0, &token());
    envoy.pass(1_000);
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.pass(10);
    assert_eq!(outcome(&envoy, 0, id), 200);
    envoy.world.now_ms.set(START_MS - 60_000);
    envoy.pass(0);
    assert_eq!(outcome(&envoy, 0, id), 401);
}

#[test]
fn one_that_had_to_wait_ends_too() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.pass(10);
    let id = envoy.begin(0, &get("/orders/1", &format!("Bearer {}", token())), false);
    assert_eq!(outcome(&envoy, 0, id), 0);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    assert_eq!(outcome(&envoy, 0, id), 200);
    envoy.pass(GRACE_MS);
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.pass(100);
    assert_eq!(outcome(&envoy, 0, id), 401);
}

#[test]
fn one_may_be_kept() {
    let mut envoy = ready(1, &with(&json!({ "on_revoked": "keep" })));
    let id = open(&mut envoy, 0, &token());
    envoy.pass(GRACE_MS);
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.pass(3_600_000);
    assert_eq!((outcome(&envoy, 0, id), closed(&envoy)), (200, [0, 0]));
}

#[test]
fn one_ends_when_its_token_expires_where_that_is_said() {
    for (wanted, status) in [("keep", 200), ("close", 401)] {
        let mut envoy = ready(
            1,
            &config_with(|config| {
                config["open_streams"] = json!({ "on_revoked": "keep", "on_expired": wanted });
                config["providers"]["bearward"]["revocations"]["on_stale"] = "allow".into();
            }),
        );
        let long = Claims { exp: START_MS / 1_000 + 7_200, ..claims() };
        let [id, longer] = [token(), sign("k1", &long)].map(|token| open(&mut envoy, 0, &token));
        // The token is good for 300 s, and 60 s more as clocks may be apart; one half passed until it was ready.
        envoy.pass(359_000);
        assert_eq!(outcome(&envoy, 0, id), 200);
        envoy.pass(1_000);
        assert_eq!(outcome(&envoy, 0, id), status);
        envoy.pass(500);
        assert_eq!((outcome(&envoy, 0, longer), closed(&envoy)), (200, [0, u64::from(wanted == "close")]));
        // And one that begins later, with a token that ends before any that was looked at.
        let soon = Claims { exp: envoy.world.now_ms.get() / 1_000, jti: "t3".into(), ..claims() };
        let id = open(&mut envoy, 0, &sign("k1", &soon));
        envoy.pass(60_000);
        assert_eq!(outcome(&envoy, 0, id), status);
    }
}

#[test]
fn it_is_told_in_the_words_that_its_client_knows() {
    let mut envoy = ready(1, &config());
    let property = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    *envoy.world.properties.borrow_mut() =
        [property("request.headers.content-type", "application/grpc+proto"), property("request.id", "r\n7")].into();
    let id = open(&mut envoy, 0, &token());
    envoy.pass(GRACE_MS);
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.pass(100);
    assert_eq!(envoy.stream(0, id).reply.unwrap().grpc_status, 16);
    let log = envoy.world.log.borrow();
    assert!(log.iter().any(|(_, line)| line == "closed reason=revoked request_id=r\\n7"), "{log:?}");
}

#[test]
fn thousands_end_without_blocking_a_worker() {
    let mut envoy = ready(1, &config());
    let ids: Vec<_> = (0..2_000).map(|_| open(&mut envoy, 0, &token())).collect();
    envoy.pass(GRACE_MS);
    revoke(&mut envoy, Subject::Token("t1"));
    let mut before = 0;
    for _ in 0..2_000_u32.div_ceil(32) {
        envoy.pass(10);
        let now = ids.iter().filter(|id| outcome(&envoy, 0, **id) == 401).count();
        assert!((1..=32).contains(&(now - before)), "{before}, then {now}");
        before = now;
    }
    assert_eq!(before, ids.len());
}

#[test]
fn thousands_are_looked_at_a_few_at_a_time() {
    let mut envoy = ready(1, &config());
    for _ in 0..2_000 {
        open(&mut envoy, 0, &token());
    }
    let other = Claims { jti: "t2".into(), ..claims() };
    let id = open(&mut envoy, 0, &sign("k1", &other));
    envoy.pass(GRACE_MS);
    revoke(&mut envoy, Subject::Token("t2"));
    // Each look at the clock finds it 100 µs on.
    envoy.world.look_ns.set(100_000);
    let ticks = (1..).find(|_| {
        let looks = envoy.world.looks.get();
        envoy.tick(0);
        assert!(envoy.world.looks.get() - looks < 20, "a turn has an end");
        outcome(&envoy, 0, id) == 401
    });
    assert!(ticks.unwrap() < 100);
}

#[test]
fn one_that_cannot_be_told_is_no_reason_to_stop() {
    let mut envoy = ready(1, &config());
    let id = open(&mut envoy, 0, &token());
    envoy.pass(GRACE_MS);
    revoke(&mut envoy, Subject::Token("t1"));
    envoy.world.broken.borrow_mut().push("reply");
    envoy.pass(100);
    assert_eq!(outcome(&envoy, 0, id), 200);
    assert!(envoy.world.log.borrow().iter().any(|(_, line)| line.starts_with("an open stream could not be closed: ")));
    assert_eq!(closed(&envoy), [0, 0]);
    envoy.world.broken.borrow_mut().clear();
    envoy.pass(100);
    assert_eq!(outcome(&envoy, 0, id), 401, "it is tried again");
    envoy.pass(100);
    assert_eq!(closed(&envoy), [1, 0]);
}
