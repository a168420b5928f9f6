//! The revocation feed: followed by one VM, heeded by all.

use super::*;
use bearward_token::feed::{ALWAYS, Subject};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

fn revoked(subject: Subject<'_>) -> Entry {
    Entry { key: subject.key(), cutoff: ALWAYS, expires_at: expiry(3_600) }
}

pub(super) fn expiry(in_seconds: u64) -> u32 {
    u32::try_from(START_MS / 1_000 + in_seconds).unwrap()
}

/// Entries that concern nobody.
pub(super) fn others(from: u64, count: u64, expires_at: u32) -> Vec<Entry> {
    (from..from + count)
        .map(|i| Entry { key: Subject::Token(&format!("other-{i}")).key(), cutoff: ALWAYS, expires_at })
        .collect()
}

fn statuses(envoy: &mut FakeEnvoy, token: &str) -> Vec<u16> {
    (0..envoy.vms.len()).map(|vm| status(envoy, vm, token)).collect()
}

#[test]
fn a_revoked_token_is_refused_by_every_worker_at_once() {
    for subject in [Subject::Token("t1"), Subject::Grant("g1"), Subject::Client("demo"), Subject::Person("alice")] {
        let mut envoy = ready(3, &config());
        assert_eq!(statuses(&mut envoy, &token()), [200; 3]);
        let path = envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked(subject)]));
        assert_eq!(path, "/mesh/revocations?wait=20&after=c0");
        // No tick in between: the next decision already knows.
        assert_eq!(statuses(&mut envoy, &token()), [401; 3], "{subject:?}");
        let other = Claims { jti: "t2".into(), gid: None, client_id: "d2".into(), sub: "bob".into(), ..claims() };
        assert_eq!(statuses(&mut envoy, &sign("k1", &other)), [200; 3]);
        assert_eq!(envoy.calls("/mesh/revocations?wait=20&after=c1").len(), 1, "and follows on");
    }
}

#[test]
fn a_gateway_says_that_it_is_one() {
    let secret = "g".repeat(32);
    let said = |envoy: &FakeEnvoy| {
        let calls = envoy.calls(FEED);
        let proof = calls[0].headers.iter().find(|(name, _)| name == "x-bearward-gateway");
        (calls[0].path.clone(), proof.map(|(_, proof)| proof.clone()))
    };
    assert_eq!(said(&ready(1, &config())).1, None);
    let feed =
        |c: &mut serde_json::Value| c["providers"]["bearward"]["revocations"]["gateway_secret"] = secret.clone().into();
    let envoy = ready(1, &config_with(feed));
    let (path, proof) = said(&envoy);
    let seconds = envoy.world.now_ms.get() / 1_000;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v1\n{seconds}\nGET\n{path}\n\n").as_bytes());
    assert_eq!(proof.unwrap(), format!("v1.{seconds}.{}", base64_url(&mac.finalize().into_bytes())));
}

#[test]
fn an_envoy_follows_under_one_name_whoever_leads() {
    let said = |envoy: &FakeEnvoy, name: &str| {
        let calls = envoy.calls(FEED);
        calls[0].headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    };
    let mut envoy = ready(2, &config());
    let name = said(&envoy, "bearward-follower").unwrap();
    assert_eq!((name.len(), said(&envoy, "bearward-node")), (32, None));
    // The leader is gone; another VM takes over.
    let id = b"sidecar~10.0.0.1~caf\xc3\xa9\n".to_vec();
    envoy.world.properties.borrow_mut().insert("xds.node.id".to_owned(), id);
    let leader = envoy.calls(FEED)[0].vm;
    envoy.world.calls.borrow_mut().clear();
    envoy.vms.remove(leader);
    envoy.pass(2_500);
    assert_eq!(said(&envoy, "bearward-follower"), Some(name));
    assert_eq!(said(&envoy, "bearward-node").as_deref(), Some("sidecar~10.0.0.1~caf%C3%A9%0A"));
}

#[test]
fn what_was_exchanged_ends_with_what_it_was_exchanged_from() {
    let exchanged = Claims { jti: "t3".into(), exchanged_from: vec!["t2".into(), "t0".into()], ..claims() };
    let exchanged = sign("k1", &exchanged);
    for ancestor in ["t2", "t0"] {
        let mut envoy = ready(2, &config());
        assert_eq!(statuses(&mut envoy, &exchanged), [200; 2]);
        envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked(Subject::Token(ancestor))]));
        assert_eq!(statuses(&mut envoy, &exchanged), [401; 2], "{ancestor}");
        assert_eq!(statuses(&mut envoy, &token()), [200; 2]);
    }
}

#[test]
fn a_token_issued_after_a_cutoff_is_good() {
    let mut envoy = ready(2, &config());
    let cutoff = u32::try_from(START_MS / 1_000).unwrap();
    let entry = Entry { cutoff, ..revoked(Subject::Client("demo")) };
    envoy.answer(FEED, 200, &page(false, false, "c1", &[entry]));
    assert_eq!(statuses(&mut envoy, &token()), [401; 2]);
    let later = Claims { iat: START_MS / 1_000 + 1, jti: "t2".into(), ..claims() };
    assert_eq!(statuses(&mut envoy, &sign("k1", &later)), [200; 2]);
}

#[test]
fn requests_wait_for_the_whole_snapshot() {
    let mut envoy = FakeEnvoy::new(2, &config());
    envoy.pass(10);
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    let authorization = format!("Bearer {}", token());
    let ids = [envoy.send(0, &get("/orders/1", &authorization)), envoy.send(1, &get("/orders/1", &authorization))];
    for i in 0..3 {
        envoy.answer(FEED, 200, &page(i == 0, true, &format!("s{i}"), &others(i * 3_000, 3_000, expiry(600))));
        envoy.pass(10);
        assert_eq!([outcome(&envoy, 0, ids[0]), outcome(&envoy, 1, ids[1])], [0, 0]);
    }
    envoy.answer(FEED, 200, &page(false, false, "s3", &[revoked(Subject::Token("t1"))]));
    for _ in 0..10 {
        envoy.pass(10); // 9,001 entries are read a little at a time
    }
    assert_eq!([outcome(&envoy, 0, ids[0]), outcome(&envoy, 1, ids[1])], [401, 401]);
    envoy.pass(500);
    assert_eq!(envoy.metric("bearward.feed.entries"), 9_001);
}

#[test]
fn what_holds_without_a_snapshot_is_configured() {
    for (on_stale, expected) in [("deny", 503), ("allow", 200)] {
        let config = config_with(|c| c["providers"]["bearward"]["revocations"]["on_stale"] = on_stale.into());
        let mut envoy = FakeEnvoy::new(1, &config);
        envoy.pass(10);
        envoy.answer(JWKS, 200, &jwks(&["k1"]));
        let authorization = format!("Bearer {}", token());
        let id = envoy.send(0, &get("/orders/1", &authorization));
        envoy.pass(1_999);
        assert_eq!(outcome(&envoy, 0, id), 0);
        envoy.pass(1);
        assert_eq!(outcome(&envoy, 0, id), expected);
        // After a while nobody waits for it any more.
        envoy.pass(60_000);
        assert_eq!(status(&mut envoy, 0, &token()), expected);
    }
}

#[test]
fn a_feed_that_is_silent_for_too_long_is_stale() {
    for (on_stale, expected) in [("deny", 503), ("allow", 200)] {
        let config = config_with(|c| c["providers"]["bearward"]["revocations"]["on_stale"] = on_stale.into());
        let mut envoy = ready(2, &config);
        envoy.pass(59_000);
        assert_eq!(statuses(&mut envoy, &token()), [200; 2]);
        envoy.pass(1_500);
        assert_eq!(statuses(&mut envoy, &token()), [expected; 2], "{on_stale}");
        envoy.pass(500);
        assert_eq!(envoy.metric("bearward.feed.stale_allowed") > 0, on_stale == "allow");
        // As soon as it speaks again, all is well.
        let leader = envoy.calls(FEED).pop().unwrap();
        assert!(leader.path.ends_with("after=c0"));
        envoy.world.calls.borrow_mut().retain(|call| call.path.starts_with(JWKS) || call.id == leader.id);
        envoy.answer(FEED, 200, &page(false, false, "c1", &[]));
        assert_eq!(statuses(&mut envoy, &token()), [200; 2]);
    }
}

#[test]
fn a_poll_that_fails_is_tried_again_from_where_it_was() {
    let mut envoy = ready(1, &config());
    for (status, body) in [(503, vec![]), (200, b"nonsense".to_vec()), (0, vec![]), (504, vec![])] {
        envoy.answer(FEED, status, &body);
        assert_eq!(envoy.calls(FEED).len(), 0);
        envoy.pass(5_000);
        assert!(envoy.calls(FEED)[0].path.ends_with("after=c0"));
    }
    envoy.answer(FEED, 410, b"");
    envoy.pass(5_000);
    assert_eq!(envoy.calls(FEED)[0].path, "/mesh/revocations?wait=20", "a cursor it does not know is dropped");
    envoy.answer(FEED, 200, &page(true, false, "d0", &[revoked(Subject::Token("t1"))]));
    assert_eq!(status(&mut envoy, 0, &token()), 401);
}

#[test]
fn a_feed_that_does_not_wait_is_not_hammered() {
    let mut envoy = ready(1, &config());
    envoy.pass(300);
    envoy.answer(FEED, 200, &page(false, false, "c0", &[]));
    assert_eq!(envoy.calls(FEED).len(), 1, "that one had waited");
    envoy.answer(FEED, 200, &page(false, false, "c0", &[]));
    assert_eq!(envoy.calls(FEED).len(), 0);
    envoy.pass(500);
    assert_eq!(envoy.calls(FEED).len(), 1);
}

#[test]
fn a_leader_that_is_gone_is_replaced() {
    let mut envoy = ready(3, &config());
    envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked(Subject::Token("gone"))]));
    let leader = envoy.calls(FEED)[0].vm;
    envoy.world.calls.borrow_mut().clear(); // its VM crashed, and its call with it
    for _ in 0..5 {
        envoy.world.now_ms.set(envoy.world.now_ms.get() + 500);
        for vm in (0..3).filter(|vm| *vm != leader) {
            envoy.tick(vm);
        }
    }
    let calls = envoy.calls(FEED);
    assert_eq!(calls.len(), 1);
    assert_ne!(calls[0].vm, leader);
    assert_eq!(calls[0].path, "/mesh/revocations?wait=20&after=c1", "it goes on where the other stopped");
    envoy.answer(FEED, 200, &page(false, false, "c2", &[revoked(Subject::Token("t1"))]));
    assert_eq!(statuses(&mut envoy, &token()), [401; 3]);
}

#[test]
fn a_leader_that_is_late_does_no_harm() {
    let mut envoy = ready(2, &config());
    let late = envoy.calls(FEED).pop().unwrap();
    envoy.world.now_ms.set(envoy.world.now_ms.get() + 3_000);
    envoy.tick(1 - late.vm);
    let new = envoy.calls(FEED).into_iter().find(|call| call.id != late.id).unwrap();
    // Its answer comes after another took over: it is dropped, as the other gets it too.
    envoy.world.calls.borrow_mut().retain(|call| call.id == late.id);
    envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked(Subject::Token("t1"))]));
    assert_eq!(statuses(&mut envoy, &token()), [200; 2]);
    envoy.world.calls.borrow_mut().push(new);
    envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked(Subject::Token("t1"))]));
    assert_eq!(statuses(&mut envoy, &token()), [401; 2]);
}

#[test]
fn a_leader_steps_down_when_its_configuration_goes() {
    let mut envoy = ready(2, &config());
    let leader = envoy.calls(FEED)[0].vm;
    envoy.vms[leader].root.step_down();
    envoy.world.calls.borrow_mut().clear();
    envoy.tick(1 - leader);
    assert_eq!(envoy.calls(FEED).len(), 1, "the other need not wait for the lease");
}

#[test]
fn a_new_worker_learns_what_was_said_before_it_came() {
    let mut envoy = ready(1, &config());
    envoy.answer(FEED, 200, &page(false, true, "c1", &others(0, 1_000, expiry(600))));
    envoy.answer(FEED, 200, &page(false, false, "c2", &[revoked(Subject::Token("t1"))]));
    envoy.add_vm(&config());
    assert_eq!(status(&mut envoy, 1, &token()), 401);
    assert_eq!(envoy.calls(FEED).len(), 1, "and does not ask the authserver");
}

#[test]
fn a_reset_forgets_what_was_said() {
    let mut envoy = ready(2, &config());
    envoy.answer(FEED, 200, &page(false, false, "c1", &[revoked(Subject::Token("t1"))]));
    assert_eq!(statuses(&mut envoy, &token()), [401; 2]);
    envoy.answer(FEED, 200, &page(true, true, "d0", &others(0, 100, expiry(600))));
    assert_eq!(statuses(&mut envoy, &token()), [401; 2], "what was said holds until the new snapshot is whole");
    envoy.answer(FEED, 200, &page(false, false, "d1", &[revoked(Subject::Token("t2"))]));
    envoy.pass(10);
    assert_eq!(statuses(&mut envoy, &token()), [200; 2]);
    assert_eq!(statuses(&mut envoy, &sign("k1", &Claims { jti: "t2".into(), ..claims() })), [401; 2]);
}

#[test]
fn a_log_of_the_expired_is_cut_short() {
    let mut envoy = ready(2, &config());
    let long = Claims { exp: START_MS / 1_000 + 90_000, ..claims() };
    let keep = Entry { expires_at: expiry(90_000), ..revoked(Subject::Token("t1")) };
    for i in 0..5 {
        envoy.answer(FEED, 200, &page(false, true, &format!("c{i}"), &others(i * 4_000, 4_000, expiry(600))));
    }
    envoy.answer(FEED, 200, &page(false, false, "c9", &[keep]));
    let slots = |envoy: &FakeEnvoy| {
        let shared = envoy.world.shared.borrow();
        shared.iter().filter(|(key, (value, _))| key.contains("/log/") && !value.is_empty()).count()
    };
    assert!(slots(&envoy) >= 20);
    // They expire; the feed goes on saying nothing.
    for _ in 0..60 {
        envoy.pass(40_000);
        if let [call] = envoy.calls(FEED).as_slice() {
            let after = call.path.split_once("after=").map(|(_, cursor)| cursor.to_owned());
            assert_eq!(after.as_deref(), Some("c9"));
            envoy.answer(FEED, 200, &page(false, false, "c9", &[]));
        } else {
            envoy.world.calls.borrow_mut().clear(); // lost with the lease, as time leaps here
        }
        if let [_] = envoy.calls(JWKS).as_slice() {
            envoy.answer(JWKS, 200, &jwks(&["k1"]));
        }
    }
    for _ in 0..40 {
        envoy.pass(10);
    }
    assert!(slots(&envoy) <= 2, "{} slots", slots(&envoy));
    envoy.add_vm(&config());
    for _ in 0..5 {
        envoy.pass(10);
    }
    envoy.world.calls.borrow_mut().retain(|call| call.path.starts_with(FEED));
    assert_eq!(statuses(&mut envoy, &sign("k1", &long)), [401; 3]);
}

#[test]
fn so_many_entries_are_read_in_so_many_steps() {
    let mut envoy = ready(1, &config());
    for i in 0..10 {
        envoy.answer(FEED, 200, &page(false, true, &format!("c{i}"), &others(i * 4_000, 4_000, expiry(600))));
    }
    envoy.answer(FEED, 200, &page(false, false, "c10", &[revoked(Subject::Token("t1"))]));
    envoy.add_vm(&config());
    let authorization = format!("Bearer {}", token());
    let id = envoy.send(1, &get("/orders/1", &authorization));
    assert_eq!(outcome(&envoy, 1, id), 0, "40,001 entries are too many for one go");
    for _ in 0..40 {
        envoy.pass(10);
    }
    assert_eq!(outcome(&envoy, 1, id), 401);
}

#[test]
fn a_slow_machine_reads_fewer_entries_in_one_go() {
    let mut envoy = ready(1, &config());
    let mut entries = others(0, 3_000, expiry(600));
    entries.push(revoked(Subject::Token("t1")));
    envoy.answer(FEED, 200, &page(false, false, "c1", &entries));
    envoy.add_vm(&config());
    let authorization = format!("Bearer {}", token());
    // The first of them reads 1,024; then it is enough for this millisecond.
    let ids: Vec<_> = (0..20).map(|_| envoy.send(1, &get("/orders/1", &authorization))).collect();
    // Nearly 0.4 ms for each look at the clock: 128 entries, and 128 more.
    envoy.world.look_ns.set(399_999);
    let mut turns = 0;
    while outcome(&envoy, 1, ids[0]) == 0 {
        envoy.world.now_ms.set(envoy.world.now_ms.get() + 1);
        let before = envoy.world.looks.get();
        envoy.tick(1);
        // However many requests wait, the log is read on once.
        assert!(envoy.world.looks.get() - before < 10);
        turns += 1;
    }
    assert_eq!(turns, (3_001_u32 - 1_024).div_ceil(256));
    assert!(ids.iter().all(|id| outcome(&envoy, 1, *id) == 401));
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_fresh() {
    let mut envoy = ready(2, &config());
    let token = sign("k1", &Claims { iat: START_MS / 1_000 - 3_700, ..claims() });
    assert_eq!(statuses(&mut envoy, &token), [200; 2]);
    // An hour back, and the feed silent from then on: its last answer is now one of the future.
    envoy.world.now_ms.set(envoy.world.now_ms.get() - 3_600_000);
    assert_eq!(statuses(&mut envoy, &token), [503; 2]);
    // Nor does the lease hold for an hour: whoever is there leads again.
    let leader = envoy.calls(FEED)[0].vm;
    envoy.world.calls.borrow_mut().clear(); // its VM crashed, and its call with it
    envoy.tick(1 - leader);
    envoy.answer(FEED, 200, &page(false, false, "c1", &[]));
    assert_eq!(statuses(&mut envoy, &token), [200; 2]);
}

#[test]
fn a_leader_that_slept_undoes_nothing() {
    let mut envoy = ready(2, &config());
    let late = envoy.calls(FEED).pop().unwrap();
    // It wakes in the middle of writing, and another has led and written in the meantime.
    let mut awake = true;
    let head = envoy.world.shared.borrow().keys().find(|key| key.ends_with("/head")).unwrap().clone();
    let key = head.replace("/head", "/log/1/0");
    *envoy.world.meanwhile.borrow_mut() = Some(Box::new(move |world, written| {
        let mut shared = world.shared.borrow_mut();
        if written == key && std::mem::take(&mut awake) {
            // Two entries, of which the late one knows nothing.
            let (bytes, cas) = shared.get_mut(&head).unwrap();
            bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
            *cas += 1_000_000;
        }
    }));
    envoy.answer_call(&late, 200, &page(false, false, "c1", &others(0, 1, expiry(600))));
    let head = envoy.world.shared.borrow().iter().find(|(key, _)| key.ends_with("/head")).unwrap().1.0.clone();
    assert_eq!(head[8..12], 2_u32.to_le_bytes(), "what the other wrote stays");
}

#[test]
fn a_log_that_is_not_as_it_was_left_is_begun_anew() {
    let mut envoy = ready(1, &config());
    envoy.answer(FEED, 200, &page(false, false, "c1", &others(0, 2, expiry(600))));
    // Another VM, which had slept while it led, wrote over it.
    let log = envoy.world.shared.borrow().keys().find(|key| key.contains("/log/")).unwrap().clone();
    envoy.world.shared.borrow_mut().get_mut(&log).unwrap().0.truncate(4);
    envoy.answer(FEED, 200, &page(false, false, "c2", &[revoked(Subject::Token("t1"))]));
    envoy.pass(2_500);
    assert_eq!(envoy.calls(FEED)[0].path, "/mesh/revocations?wait=20", "from a snapshot");
    envoy.answer(FEED, 200, &page(true, false, "c2", &[revoked(Subject::Token("t1"))]));
    envoy.pass(10);
    assert_eq!(status(&mut envoy, 0, &token()), 401);
}

#[test]
fn a_feed_that_never_answered_has_an_age() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.pass(30_000);
    assert_eq!(envoy.metric("bearward.feed.age_seconds"), 30);
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    envoy.pass(5_000);
    assert_eq!(envoy.metric("bearward.feed.age_seconds"), 5);
}
