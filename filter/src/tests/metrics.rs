//! Metrics are the whole Envoy's, whatever configurations are in it.

use super::feed::others;
use super::*;

const OTHER: &str = "/other/revocations";

/// Two workers with each of two configurations, whose feeds say that three and five are revoked.
fn two_feeds() -> FakeEnvoy {
    let other = config_with(|c| c["providers"]["bearward"]["revocations"]["path"] = OTHER.into());
    let mut envoy = FakeEnvoy::new(2, &config());
    envoy.add_vm(&other);
    envoy.add_vm(&other);
    envoy.pass(10);
    let expiry = u32::try_from(START_MS / 1_000 + 3_600).unwrap();
    envoy.answer(FEED, 200, &page(true, false, "c0", &others(0, 3, expiry)));
    envoy.answer(OTHER, 200, &page(true, false, "c0", &others(0, 5, expiry)));
    envoy.pass(500);
    envoy
}

/// Lets so many seconds pass, in which this feed answers and the other is silent.
fn heard(envoy: &mut FakeEnvoy, feed: &str, seconds: u32) {
    for _ in 0..2 * seconds {
        envoy.pass(500);
        for call in envoy.calls(feed) {
            envoy.answer_call(&call, 200, &page(false, false, "c1", &[]));
        }
    }
}

#[test]
fn the_worst_age_is_shown() {
    let mut envoy = two_feeds();
    assert_eq!(envoy.metric("bearward.feed.age_seconds"), 0);
    for (fresh, silent) in [(FEED, OTHER), (OTHER, FEED)] {
        heard(&mut envoy, fresh, 12);
        let age = envoy.metric("bearward.feed.age_seconds");
        assert!((11..=13).contains(&age), "{age}");
        heard(&mut envoy, silent, 1);
        let age = envoy.metric("bearward.feed.age_seconds");
        assert!(age <= 1, "{age}");
    }
    // Nor does the age of one that is there no more stand for ever.
    heard(&mut envoy, FEED, 12);
    envoy.vms.truncate(2);
    envoy.world.calls.borrow_mut().retain(|call| !call.path.starts_with(OTHER));
    heard(&mut envoy, FEED, 2);
    assert!(envoy.metric("bearward.feed.age_seconds") >= 11, "it may still be there");
    heard(&mut envoy, FEED, 2);
    assert!(envoy.metric("bearward.feed.age_seconds") <= 1);
}

#[test]
fn each_feed_is_counted_once() {
    let mut envoy = two_feeds();
    let measured = |envoy: &FakeEnvoy| ["bearward.feed.entries", "bearward.feed.generation"].map(|m| envoy.metric(m));
    assert_eq!(measured(&envoy), [8, 2]);
    envoy.pass(500);
    assert_eq!(measured(&envoy), [8, 2]);
    // A leader that crashed is replaced by one that knows what it had said.
    let leader = envoy.calls(FEED)[0].vm;
    envoy.world.calls.borrow_mut().retain(|call| call.vm != leader);
    for _ in 0..6 {
        envoy.world.now_ms.set(envoy.world.now_ms.get() + 500);
        (0..4).filter(|vm| *vm != leader).for_each(|vm| envoy.tick(vm));
    }
    assert_eq!(envoy.calls(FEED)[0].vm, 1 - leader);
    assert_eq!(measured(&envoy), [8, 2]);
    // What is in force no more counts for nothing.
    for vm in [2, 3] {
        envoy.vms[vm].root.step_down();
        envoy.vms[vm].root.step_down();
    }
    assert_eq!(measured(&envoy), [3, 1]);
}
