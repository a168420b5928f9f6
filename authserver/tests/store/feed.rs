//! The feed as followers see it, on both databases.

use super::fixture::{Fixture, Follower, NOW, entry, revocation};
use bearward::model::Revocation;
use bearward_token::feed::Subject;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) async fn a_snapshot_then_what_follows(fixture: Fixture) {
    let store = fixture.open().await;
    let empty = store.feed(None, 10, NOW).await.unwrap();
    assert!(empty.entries.is_empty() && !empty.more && !empty.reset);
    let (a, b) = (revocation("a"), revocation("b"));
    store.revoke(&a).await.unwrap();
    let first = store.feed(Some(&empty.cursor), 10, NOW).await.unwrap();
    assert_eq!((&first.entries[..], first.more, first.reset), (&[entry(&a)][..], false, false));
    store.revoke(&b).await.unwrap();
    let second = store.feed(Some(&first.cursor), 10, NOW).await.unwrap();
    assert_eq!(second.entries, [entry(&b)], "only what is new");
    assert!(store.feed(Some(&second.cursor), 10, NOW).await.unwrap().entries.is_empty());
    let mut all = store.feed(None, 10, NOW).await.unwrap().entries;
    all.sort_by_key(|e| e.key != a.key);
    assert_eq!(all, [entry(&a), entry(&b)]);
    // An old cursor is still good.
    assert_eq!(store.feed(Some(&empty.cursor), 10, NOW).await.unwrap().entries.len(), 2);
}

pub(crate) async fn pages_of_any_size_hold_the_same(fixture: Fixture) {
    let store = fixture.open().await;
    let start = store.feed(None, 1, NOW).await.unwrap().cursor;
    for i in 0..20 {
        store.revoke(&revocation(&i.to_string())).await.unwrap();
    }
    for limit in [1, 3, 19, 20, 21] {
        for from in [None, Some(start.clone())] {
            let mut follower = Follower { cursor: from, ..Follower::default() };
            let pages = follower.catch_up(&*store, limit).await;
            assert_eq!((follower.held.len(), pages, follower.resets), (20, 20_u32.div_ceil(limit), 0), "limit {limit}");
        }
    }
}

pub(crate) async fn a_wider_revocation_comes_again(fixture: Fixture) {
    let store = fixture.open().await;
    let client = |cutoff, expires_at| Revocation::up_to(Subject::Client("c"), cutoff, NOW, expires_at);
    store.revoke(&client(NOW, NOW + 100)).await.unwrap();
    let mut follower = Follower::default();
    follower.catch_up(&*store, 10).await;
    store.revoke(&client(NOW - 5, NOW + 50)).await.unwrap();
    assert!(store.feed(follower.cursor.as_deref(), 10, NOW).await.unwrap().entries.is_empty(), "nothing grew");
    for wider in [client(NOW + 5, NOW + 100), client(NOW + 5, NOW + 200)] {
        store.revoke(&wider).await.unwrap();
        assert_eq!(store.feed(follower.cursor.as_deref(), 10, NOW).await.unwrap().entries, [entry(&wider)]);
        follower.catch_up(&*store, 10).await;
        assert!(follower.holds(&wider));
    }
}

pub(crate) async fn what_is_over_is_not_sent(fixture: Fixture) {
    let store = fixture.open().await;
    let start = store.feed(None, 10, NOW).await.unwrap().cursor;
    store.revoke(&revocation("a")).await.unwrap();
    assert_eq!(store.feed(Some(&start), 10, NOW + 600).await.unwrap().entries.len(), 1);
    assert!(store.feed(Some(&start), 10, NOW + 601).await.unwrap().entries.is_empty());
    store.prune(NOW + 601, 10).await.unwrap();
    let after = store.feed(Some(&start), 10, NOW).await.unwrap();
    assert!(after.entries.is_empty() && !after.reset);
}

pub(crate) async fn a_cursor_outlives_a_restart(fixture: Fixture) {
    let store = fixture.open().await;
    store.revoke(&revocation("a")).await.unwrap();
    let mut follower = Follower::default();
    follower.catch_up(&*store, 10).await;
    drop(store);
    for name in ["b", "c"] {
        let store = fixture.open().await;
        store.revoke(&revocation(name)).await.unwrap();
        assert_eq!(store.feed(follower.cursor.as_deref(), 10, NOW).await.unwrap().entries.len(), 1);
        follower.catch_up(&*store, 10).await;
    }
    assert_eq!((follower.held.len(), follower.resets), (3, 0));
    // Another replica takes it too.
    let another = fixture.open().await;
    assert!(!another.feed(follower.cursor.as_deref(), 10, NOW).await.unwrap().reset);
}

pub(crate) async fn an_unknown_cursor_starts_over(fixture: Fixture) {
    let store = fixture.open().await;
    store.revoke(&revocation("a")).await.unwrap();
    let cursor = store.feed(None, 10, NOW).await.unwrap().cursor;
    let mut unknown = vec!["x".to_owned(), "'; DROP TABLE revocations; --".to_owned(), "p1.a.3:3".to_owned()];
    unknown.push("s1.a.0.0.0".to_owned());
    unknown.push("9".repeat(4096));
    // Every cursor that differs from a good one in a character is another, or is none.
    for at in 0..cursor.len() {
        let mut changed = cursor.clone().into_bytes();
        changed[at] = b'!';
        unknown.push(String::from_utf8(changed).unwrap());
    }
    for unknown in unknown {
        let read = store.feed(Some(&unknown), 10, NOW).await.unwrap();
        assert!(read.reset && read.entries == [entry(&revocation("a"))], "{unknown}");
        assert!(!store.feed(Some(&read.cursor), 10, NOW).await.unwrap().reset);
    }
    // A database restored to before the cursor was given: it speaks of what is yet to come.
    let ahead = match cursor.rsplit_once('.').unwrap() {
        _ if cursor.starts_with("s1") => cursor.replace(".1.1.", ".2.2."),
        (head, _) => format!("{head}.zzzzzzzz:zzzzzzzz"),
    };
    assert!(store.feed(Some(&ahead), 10, NOW).await.unwrap().reset, "{ahead}");
}

pub(crate) async fn a_reset_starts_everyone_over(fixture: Fixture) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    store.revoke(&revocation("a")).await.unwrap();
    let mut follower = Follower::default();
    follower.catch_up(&*other, 10).await;
    store.reset_feed().await.unwrap();
    follower.catch_up(&*other, 10).await;
    assert_eq!((follower.resets, follower.held.len()), (1, 1));
    follower.catch_up(&*store, 10).await;
    assert_eq!(follower.resets, 1);
}

pub(crate) async fn what_commits_between_pages_comes_later(fixture: Fixture) {
    let store = fixture.open().await;
    let client = |cutoff| Revocation::up_to(Subject::Client("c"), cutoff, NOW, NOW + 100);
    store.revoke(&client(NOW)).await.unwrap();
    for i in 0..6 {
        store.revoke(&revocation(&i.to_string())).await.unwrap();
    }
    let mut follower = Follower::default();
    assert!(follower.page(&*store, 3).await);
    // A row that was sent already, one that was not, and a new one.
    store.revoke(&client(NOW + 7)).await.unwrap();
    store.revoke(&Revocation::always(Subject::Token("5"), NOW, NOW + 900)).await.unwrap();
    store.revoke(&revocation("new")).await.unwrap();
    follower.catch_up(&*store, 3).await;
    follower.catch_up(&*store, 3).await;
    assert_eq!((follower.held.len(), follower.resets), (8, 0));
    assert!(follower.holds(&client(NOW + 7)) && follower.holds(&revocation("new")));
    assert!(follower.holds(&Revocation::always(Subject::Token("5"), NOW, NOW + 900)));
}

/// Many write, some of them the same keys wider and wider, while followers read in tiny pages.
pub(crate) async fn no_entry_is_ever_skipped(fixture: Fixture) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 40;
    let stores = [fixture.open().await, fixture.open().await];
    let (done, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| {
            let (store, written) = (stores[w as usize % 2].clone(), written.clone());
            tokio::spawn(async move {
                for i in 0..EACH {
                    store.revoke(&revocation(&format!("{w}-{i}"))).await.unwrap();
                    // All writers share this one and widen it.
                    let cutoff = NOW + i64::try_from(written.fetch_add(1, Ordering::SeqCst)).unwrap();
                    let shared = Revocation::up_to(Subject::Person("shared"), cutoff, NOW, NOW + 600);
                    store.revoke(&shared).await.unwrap();
                }
            })
        })
        .collect();
    let followers: Vec<_> = [1, 3, 7]
        .into_iter()
        .map(|limit| {
            let (store, done) = (stores[limit as usize % 2].clone(), done.clone());
            tokio::spawn(async move {
                let mut follower = Follower::default();
                loop {
                    let last = done.load(Ordering::SeqCst);
                    follower.catch_up(&*store, limit).await;
                    if last {
                        return follower;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let widest = NOW + i64::try_from(WRITERS * EACH - 1).unwrap();
    for follower in followers {
        let follower = follower.await.unwrap();
        assert_eq!((follower.held.len() as u64, follower.resets), (WRITERS * EACH + 1, 0));
        assert!(follower.holds(&Revocation::up_to(Subject::Person("shared"), widest, NOW, NOW + 600)));
    }
}
