//! Who is woken, and by what.

use super::fixture::{Fixture, NOW, client, revocation, seen, signing_key, woken};
use bearward::model::{Revocation, Scope, Session};
use bearward_token::feed::Subject;

pub(crate) async fn every_replica_learns_of_the_registry(fixture: Fixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let (mut here, mut there) = (seen(&*one).registry, seen(&*other).registry);
    let scope = Scope { name: "a".into(), title: "A".into(), description: String::new() };
    for step in 0..5 {
        match step {
            0 => one.create_client(&client("web")).await.unwrap(),
            1 => one.put_scope(&scope).await.unwrap(),
            2 => one.init_signing_keys(&signing_key("a", Some(NOW)), &signing_key("n", None)).await.unwrap(),
            3 => {
                let revocation = Revocation::up_to(Subject::Client("web"), NOW, NOW, NOW + 9);
                assert!(one.set_client_disabled("web", Some(&revocation)).await.unwrap());
            }
            _ => one.delete_signing_key("a").await.unwrap(),
        }
        woken(&mut here).await;
        woken(&mut there).await;
    }
}

pub(crate) async fn every_replica_learns_of_a_revocation(fixture: Fixture) {
    let (one, other) = (fixture.open_with_people().await, fixture.open().await);
    let (mut here, mut there) = (one.changes().revocations, other.changes().revocations);
    for step in 0..4 {
        here.mark_unchanged();
        there.mark_unchanged();
        match step {
            0 => one.revoke(&revocation("t")).await.unwrap(),
            1 => one.revoke_grant("g", &super::fixture::grant_revocation("g")).await.unwrap(),
            2 => {
                let revocation = Revocation::up_to(Subject::Client("web"), NOW, NOW, NOW + 9);
                assert!(one.set_client_disabled("web", Some(&revocation)).await.unwrap());
            }
            _ => one.reset_feed().await.unwrap(),
        }
        woken(&mut here).await;
        woken(&mut there).await;
        // A replica that was told finds it.
        assert!(!other.feed(None, 10, NOW).await.unwrap().entries.is_empty());
    }
}

pub(crate) async fn what_concerns_nobody_wakes_nobody(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.revoke(&revocation("t")).await.unwrap();
    let mut changes = store.changes();
    woken(&mut changes.revocations).await;
    changes.registry.mark_unchanged();
    let session =
        Session { person_id: "alice".into(), auth_time: NOW, acr: "p".into(), expires_at: NOW + 9, used_at: NOW };
    store.create_session(&super::fixture::digest("s"), &session, None).await.unwrap();
    store.revoke(&revocation("t")).await.unwrap();
    // Something that does wake comes after it; nothing came before.
    let before = *changes.revocations.borrow_and_update();
    store.revoke(&revocation("t2")).await.unwrap();
    woken(&mut changes.revocations).await;
    assert_eq!(*changes.revocations.borrow() - before, 1);
    assert!(!changes.registry.has_changed().unwrap());
}
