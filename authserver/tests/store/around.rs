//! Opaque access tokens, pushed requests, types of authorization details, registration.

use super::admin::change;
use super::fixture::{Fixture, NOW, at_once, client, digest, first, scope};
use bearward::model::{AuditFilter, AuthorizationField, AuthorizationType, Revocation, Versioned};
use bearward::storage::{InitialAccessToken, Registration, Store};
use bearward_token::feed::Subject;

pub(crate) async fn an_opaque_token_stands_for_its_payload_until_it_expires(fixture: Fixture) {
    let store = fixture.open().await;
    store.put_access_token(&digest("at"), b"{\"a\":\"\\u0000\"}", NOW + 10).await.unwrap();
    let other = fixture.open().await;
    let read = other.access_token(&digest("at"), NOW + 9).await.unwrap();
    assert_eq!(read.as_deref(), Some(&b"{\"a\":\"\\u0000\"}"[..]));
    assert_eq!(other.access_token(&digest("at"), NOW + 10).await.unwrap(), None);
    assert_eq!(other.access_token(&digest("other"), NOW).await.unwrap(), None);
    assert!(store.put_access_token(&digest("at"), b"{}", NOW + 10).await.is_err(), "never another's");
    assert_eq!(store.prune(NOW + 11, 10).await.unwrap(), 1);
}

pub(crate) async fn one_of_many_takes_a_pushed_request(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    stores[0].push_request(&digest("r"), "web", "{}", NOW + 90).await.unwrap();
    assert_eq!(stores[0].take_pushed_request(&digest("r"), "other", NOW).await.unwrap(), None);
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        async move { store.take_pushed_request(&digest("r"), "web", NOW).await.unwrap() }
    });
    let taken: Vec<_> = at_once(tasks.collect()).await.into_iter().flatten().collect();
    assert_eq!(taken, ["{}"]);
    assert_eq!(stores[1].prune(NOW + 91, 10).await.unwrap(), 1);
}

pub(crate) async fn authorization_types_are_kept_in_order(fixture: Fixture) {
    let store = fixture.open().await;
    let kind = |name: &str, title: &str| AuthorizationType {
        name: name.into(),
        title: title.into(),
        description: "d".into(),
        fields: [("f".to_owned(), AuthorizationField { title: "F".into(), required: true, values: vec!["v".into()] })]
            .into(),
    };
    let add = async |kind: AuthorizationType| {
        store.add_authorization_type(&first(kind.clone()), &change("add", &kind.name)).await.unwrap()
    };
    let edit = async |kind: AuthorizationType, version| {
        store.edit_authorization_type(&kind, version, &change("edit", &kind.name)).await.unwrap()
    };
    assert!(add(kind("b", "B")).await && add(kind("a", "old")).await);
    assert!(!add(kind("a", "again")).await, "it is there");
    assert!(edit(kind("a", "A"), 1).await && !edit(kind("a", "late"), 1).await);
    assert!(!edit(kind("c", "C"), 1).await, "there is none to edit");
    assert_eq!(store.authorization_types().await.unwrap(), [kind("a", "A"), kind("b", "B")]);
    let found = store.versioned_authorization_type("a").await.unwrap();
    assert_eq!(found, Some(Versioned { value: kind("a", "A"), version: 2 }));
    assert_eq!(store.versioned_authorization_type("a\0").await.unwrap(), None);
    let delete = async |version| store.delete_authorization_type("a", version, &change("delete", "a")).await.unwrap();
    assert!(!delete(1).await && delete(2).await && !delete(2).await);
    assert_eq!(audited(&*store).await, ["add b", "add a", "edit a", "delete a"]);
}

pub(crate) async fn of_many_edits_of_an_authorization_type_one_holds(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let kind = |n: usize| AuthorizationType {
        name: "a".into(),
        title: n.to_string(),
        description: String::new(),
        fields: [].into(),
    };
    for (round, seen) in [None, Some(1)].into_iter().enumerate() {
        let tries = (0..8).map(|n| {
            let (store, entry) = (stores[n % 2].clone(), change("save", &n.to_string()));
            async move {
                match seen {
                    None => store.add_authorization_type(&first(kind(n)), &entry).await.unwrap(),
                    Some(version) => store.edit_authorization_type(&kind(n), version, &entry).await.unwrap(),
                }
            }
        });
        let won = at_once(tries.collect()).await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{seen:?}");
        let winner = won.iter().position(|won| *won).unwrap();
        assert_eq!(stores[1].authorization_types().await.unwrap(), [kind(winner)]);
        assert_eq!(audited(&*stores[0]).await.len(), round + 1);
    }
}

pub(crate) async fn an_initial_access_token_is_spent_as_often_as_it_can_be(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let stored = InitialAccessToken {
        note: "n".into(),
        scopes: scope("a b"),
        uses_left: 3,
        expires_at: NOW + 100,
        created_at: NOW,
    };
    assert!(stores[0].put_initial_access_token(&digest("it"), &stored, &change("make", "it")).await.unwrap());
    assert_eq!(stores[1].initial_access_token(&digest("it"), NOW + 99).await.unwrap(), Some(stored.clone()));
    assert_eq!(stores[1].initial_access_token(&digest("it"), NOW + 100).await.unwrap(), None, "expired");
    let listed = stores[1].initial_access_tokens(NOW + 99).await.unwrap();
    assert_eq!(listed, [(digest("it"), stored.clone())]);
    assert_eq!(stores[1].initial_access_tokens(NOW + 100).await.unwrap(), []);
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        async move {
            let (name, token) = (format!("c{i}"), Registration { token: digest(&i.to_string()), scopes: scope("a") });
            let entry = change("register", &name);
            let done =
                store.register_by_token((&digest("it"), NOW), &first(client(&name)), &token, &entry).await.unwrap();
            done.then_some((name, token))
        }
    });
    let done: Vec<_> = at_once(tasks.collect()).await.into_iter().flatten().collect();
    assert_eq!(done.len(), 3);
    // All of a registration is there, or nothing.
    for i in 0..8 {
        let name = format!("c{i}");
        let token = done.iter().find(|(there, _)| *there == name).map(|(_, token)| token.clone());
        assert_eq!(stores[1].client(&name).await.unwrap().is_some(), token.is_some());
        assert_eq!(stores[1].registration(&name).await.unwrap(), token);
    }
    assert_eq!(audited(&*stores[0]).await.len(), 1 + 3);
    assert_eq!(stores[1].initial_access_token(&digest("it"), NOW).await.unwrap(), None, "used up");
    assert_eq!(stores[1].initial_access_tokens(NOW).await.unwrap(), []);
    assert_eq!(stores[1].prune(NOW + 101, 10).await.unwrap(), 1);
    assert!(stores[0].put_initial_access_token(&digest("again"), &stored, &change("make", "again")).await.unwrap());
    let entries = audited(&*stores[0]).await.len();
    let delete = async || stores[1].delete_initial_access_token(&digest("again"), &change("revoke", "again")).await;
    assert!(delete().await.unwrap() && !delete().await.unwrap());
    assert_eq!(audited(&*stores[0]).await.len(), entries + 1);
    assert_eq!(stores[1].initial_access_token(&digest("again"), NOW).await.unwrap(), None);
}

pub(crate) async fn there_are_no_more_initial_access_tokens_than_are_listed(fixture: Fixture) {
    let store = fixture.open().await;
    let stored = InitialAccessToken {
        note: "n".into(),
        scopes: scope("a"),
        uses_left: 1,
        expires_at: NOW + 100,
        created_at: NOW,
    };
    let put = async |name: String, stored: InitialAccessToken| {
        store.put_initial_access_token(&digest(&name), &stored, &change("make", &name)).await.unwrap()
    };
    let expired = InitialAccessToken { expires_at: NOW, ..stored.clone() };
    assert!(put("expired".to_owned(), expired).await);
    for i in 0..1000 {
        assert!(put(format!("t{i}"), stored.clone()).await, "{i}");
    }
    assert!(!put("more".to_owned(), stored.clone()).await);
    assert_eq!(store.initial_access_tokens(NOW).await.unwrap().len(), 1000);
    assert!(store.delete_initial_access_token(&digest("t0"), &change("revoke", "t0")).await.unwrap());
    assert!(put("more".to_owned(), stored).await);
}

pub(crate) async fn a_registration_is_changed_by_its_token_alone(fixture: Fixture) {
    let store = fixture.open().await;
    let stored = InitialAccessToken {
        note: String::new(),
        scopes: scope("a"),
        uses_left: 2,
        expires_at: NOW + 100,
        created_at: NOW,
    };
    assert!(store.put_initial_access_token(&digest("it"), &stored, &change("make", "it")).await.unwrap());
    let registration = Registration { token: digest("ra"), scopes: scope("a") };
    let register = || async {
        let entry = change("register", "web");
        store.register_by_token((&digest("it"), NOW), &first(client("web")), &registration, &entry).await.unwrap()
    };
    assert!(register().await);
    // The name is taken, so nothing of it happens: no use is spent either.
    assert!(!register().await);
    assert_eq!(store.initial_access_token(&digest("it"), NOW).await.unwrap().unwrap().uses_left, 1);
    assert_eq!(store.registration("web").await.unwrap(), Some(registration.clone()));
    assert_eq!(store.registration("we\0b").await.unwrap(), None);
    let mut changed = client("web");
    changed.name = "New".into();
    changed.options.require_pkce = true;
    let replace = |version, token: &'static str| {
        let (store, changed) = (store.clone(), changed.clone());
        async move { store.replace_registered(&changed, version, &digest(token), &change("edit", "web")).await.unwrap() }
    };
    assert!(!replace(1, "other").await && !replace(2, "ra").await);
    assert_eq!(store.client("web").await.unwrap(), Some(client("web")));
    assert!(replace(1, "ra").await);
    assert_eq!(store.client("web").await.unwrap(), Some(changed.clone()));
    let revocation = Revocation::up_to(Subject::Client("web"), NOW, NOW, NOW + 600);
    let end = |token: &'static str| {
        let (store, revocation) = (store.clone(), revocation.clone());
        async move { store.end_registration("web", &digest(token), &revocation, &change("end", "web")).await.unwrap() }
    };
    assert!(!end("other").await);
    store.set_client_disabled("web", Some(&revocation)).await.unwrap();
    assert!(!replace(3, "ra").await, "disabled");
    store.set_client_disabled("web", None).await.unwrap();
    assert!(end("ra").await && !end("ra").await);
    assert_eq!(store.registration("web").await.unwrap(), None);
    assert_eq!(store.client("web").await.unwrap().unwrap().disabled_at, Some(NOW));
    assert_eq!(store.revocations(&[revocation.key], NOW).await.unwrap().len(), 1);
    assert_eq!(audited(&*store).await, ["make it", "register web", "edit web", "end web"]);
}

/// The audit log, the oldest entry first.
pub(crate) async fn audited(store: &dyn Store) -> Vec<String> {
    let log = store.audit(&AuditFilter::default(), i64::MAX, 100).await.unwrap();
    log.iter().rev().map(|entry| format!("{} {}", entry.action, entry.object)).collect()
}
