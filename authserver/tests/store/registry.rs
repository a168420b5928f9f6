//! Clients, scopes, people, sessions.

use super::fixture::{Fixture, NOW, at_once, client, digest, person};
use bearward::model::{ClientAuthMethod, Revocation, Scope, Session};
use bearward::storage::{Store, StoreError};
use bearward_token::feed::Subject;

pub(crate) async fn a_client_is_kept_as_it_was_given(fixture: Fixture) {
    let store = fixture.open().await;
    let confidential = client("b");
    let mut public = client("a");
    (public.auth_method, public.secret, public.redirect_uris) = (ClientAuthMethod::None, None, Vec::new());
    public.disabled_at = Some(NOW);
    for client in [&confidential, &public] {
        store.create_client(client).await.unwrap();
    }
    assert_eq!(store.client("b").await.unwrap(), Some(confidential.clone()));
    assert_eq!(store.client("a").await.unwrap(), Some(public.clone()));
    assert_eq!(store.client("c").await.unwrap(), None);
    assert!(matches!(store.create_client(&client("a")).await, Err(StoreError::Exists("client"))));
    assert_eq!(store.client("a").await.unwrap(), Some(public.clone()), "the first stays as it is");

    // In order of bytes, whatever the database's language.
    store.create_client(&client("B")).await.unwrap();
    let ids = |clients: Vec<bearward::model::Client>| clients.into_iter().map(|c| c.id).collect::<Vec<_>>();
    assert_eq!(ids(store.clients(None, 10).await.unwrap()), ["B", "a", "b"]);
    assert_eq!(ids(store.clients(None, 2).await.unwrap()), ["B", "a"]);
    assert_eq!(ids(store.clients(Some("a"), 2).await.unwrap()), ["b"]);
}

pub(crate) async fn a_client_is_disabled_and_enabled(fixture: Fixture) {
    let store = fixture.open().await;
    store.create_client(&client("web")).await.unwrap();
    let revocation = Revocation::up_to(Subject::Client("web"), NOW, NOW, NOW + 600);
    assert!(store.set_client_disabled("web", Some(&revocation)).await.unwrap());
    assert_eq!(store.client("web").await.unwrap().unwrap().disabled_at, Some(NOW));
    let recorded = store.revocations(&[revocation.key], NOW).await.unwrap();
    assert_eq!(recorded.len(), 1);

    let later = Revocation::up_to(Subject::Client("web"), NOW + 9, NOW + 9, NOW + 700);
    assert!(store.set_client_disabled("web", Some(&later)).await.unwrap());
    assert_eq!(store.client("web").await.unwrap().unwrap().disabled_at, Some(NOW), "disabled since the first time");
    let recorded = store.revocations(&[revocation.key], NOW).await.unwrap();
    assert_eq!((recorded[0].cutoff, recorded[0].expires_at), (later.cutoff, later.expires_at));

    assert!(store.set_client_disabled("web", None).await.unwrap());
    assert_eq!(store.client("web").await.unwrap().unwrap().disabled_at, None);
    assert_eq!(store.revocations(&[revocation.key], NOW).await.unwrap().len(), 1, "what was revoked stays so");
    let nobody = Revocation::up_to(Subject::Client("nobody"), NOW, NOW, NOW + 600);
    assert!(!store.set_client_disabled("nobody", Some(&nobody)).await.unwrap());
    assert!(!store.set_client_disabled("nobody", None).await.unwrap());
    assert!(store.revocations(&[nobody.key], NOW).await.unwrap().is_empty());
}

pub(crate) async fn one_of_many_registers_a_name(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let tasks = (0..20).map(|i| {
        let store = stores[i % 2].clone();
        async move {
            let person = store.create_person(&person(&format!("id{i}"), if i % 3 == 0 { "Bob" } else { "bob" })).await;
            (store.create_client(&client("same")).await, person)
        }
    });
    let results = at_once(tasks.collect()).await;
    assert_eq!(results.iter().filter(|(client, _)| client.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|(_, person)| person.is_ok()).count(), 1);
    assert!(results.iter().all(|(client, _)| matches!(client, Ok(()) | Err(StoreError::Exists("client")))));
    assert!(results.iter().all(|(_, person)| matches!(person, Ok(()) | Err(StoreError::Exists("user")))));
}

pub(crate) async fn scopes_are_kept_in_order(fixture: Fixture) {
    let store = fixture.open().await;
    let scope = |name: &str, title: &str| Scope { name: name.into(), title: title.into(), description: "d".into() };
    for one in [scope("b", "B"), scope("a", "A"), scope("b", "other words")] {
        store.put_scope(&one).await.unwrap();
    }
    assert_eq!(store.scopes().await.unwrap(), [scope("a", "A"), scope("b", "other words")]);
}

pub(crate) async fn people_are_found_without_case(fixture: Fixture) {
    let store = fixture.open().await;
    let zoe = person("p1", "Zoë.Å");
    store.create_person(&zoe).await.unwrap();
    for username in ["Zoë.Å", "zoë.å", "ZOË.Å"] {
        assert_eq!(store.person_by_username(username).await.unwrap(), Some(zoe.clone()), "{username}");
    }
    assert_eq!(store.person_by_username("zoe.a").await.unwrap(), None);
    assert_eq!(store.person("p1").await.unwrap(), Some(zoe));
    assert_eq!(store.person("p2").await.unwrap(), None);
    assert!(matches!(store.create_person(&person("p2", "zoë.å")).await, Err(StoreError::Exists("user"))));
}

pub(crate) async fn a_password_is_rehashed_only_if_unchanged(fixture: Fixture) {
    let store = fixture.open().await;
    store.create_person(&person("p", "p")).await.unwrap();
    let hash = async || store.person("p").await.unwrap().unwrap().password_hash;
    store.rehash_password("p", "$argon2id$other", "lost").await.unwrap();
    assert_eq!(hash().await, "$argon2id$old");
    store.rehash_password("p", "$argon2id$old", "new").await.unwrap();
    assert_eq!(hash().await, "new");
}

pub(crate) async fn a_session_ends(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let session =
        Session { person_id: "alice".into(), auth_time: NOW, acr: "pwd".into(), expires_at: NOW + 10, used_at: NOW };
    let (first, second) = (digest("first"), digest("second"));
    store.create_session(&first, &session, None).await.unwrap();
    assert_eq!(store.session(&first, NOW, 0).await.unwrap(), Some(session.clone()));
    assert_eq!(store.session(&first, NOW + 10, 0).await.unwrap(), None, "over");
    store.create_session(&second, &session, Some(&first)).await.unwrap();
    assert_eq!(store.session(&first, NOW, 0).await.unwrap(), None, "replaced");
    assert_eq!(store.session(&second, NOW, 0).await.unwrap(), Some(session));
    store.end_session(&second).await.unwrap();
    assert_eq!(store.session(&second, NOW, 0).await.unwrap(), None);
}

pub(crate) async fn a_session_that_nobody_uses_ends(fixture: Fixture) {
    let (store, other) = (fixture.open_with_people().await, fixture.open().await);
    let session =
        Session { person_id: "alice".into(), auth_time: NOW, acr: "pwd".into(), expires_at: NOW + 9000, used_at: NOW };
    let id = digest("s");
    store.create_session(&id, &session, None).await.unwrap();
    let used_at = async |store: &dyn Store| {
        let found = other.sessions("alice", NOW, NOW - 1).await.unwrap();
        assert_eq!(store.session(&id, NOW, 0).await.unwrap().map(|one| one.used_at), Some(found[0].used_at));
        found[0].used_at - NOW
    };
    // To the minute: a use soon after another is not written.
    for (at, noted) in [(0, 0), (59, 0), (60, 60), (90, 60), (119, 60), (121, 121), (100, 121)] {
        other.use_session(&id, NOW + at).await.unwrap();
        assert_eq!(used_at(&*store).await, noted, "used at {at}");
    }
    let idle_since = [NOW + 120, NOW + 121];
    assert!(store.session(&id, NOW + 500, idle_since[0]).await.unwrap().is_some());
    assert!(store.session(&id, NOW + 500, idle_since[1]).await.unwrap().is_none(), "not used for too long");
    assert_eq!(store.sessions("alice", NOW + 500, idle_since[0]).await.unwrap().len(), 1);
    assert!(store.sessions("alice", NOW + 500, idle_since[1]).await.unwrap().is_empty());
    // Whoever notes a use of one that has ended begins none.
    store.end_session(&id).await.unwrap();
    store.use_session(&id, NOW + 600).await.unwrap();
    assert!(store.sessions("alice", NOW, 0).await.unwrap().is_empty());
}

pub(crate) async fn a_write_is_checked(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let tasks = (0..10).map(|i| {
        let store = stores[i % 2].clone();
        async move { store.check_write(NOW).await.is_ok() }
    });
    assert!(at_once(tasks.collect()).await.into_iter().all(|ok| ok));
}

pub(crate) async fn text_with_a_zero_names_nothing(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    assert_eq!(store.client("web\0").await.unwrap(), None);
    assert_eq!(store.person_by_username("alice\0").await.unwrap(), None);
    assert_eq!(store.person("\0").await.unwrap(), None);
    assert_eq!(store.grant("\0").await.unwrap(), None);
}
