//! Opaque access tokens, pushed requests, types of authorization details, registration.

use super::fixture::{Fixture, NOW, at_once, client, digest, scope};
use bearward::model::{AuthorizationField, AuthorizationType, Revocation};
use bearward::storage::{InitialAccessToken, Registration};
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
    store.put_authorization_type(&kind("b", "B")).await.unwrap();
    store.put_authorization_type(&kind("a", "old")).await.unwrap();
    store.put_authorization_type(&kind("a", "A")).await.unwrap();
    assert_eq!(store.authorization_types().await.unwrap(), [kind("a", "A"), kind("b", "B")]);
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
    stores[0].put_initial_access_token(&digest("it"), &stored).await.unwrap();
    assert_eq!(stores[0].spend_initial_access_token(&digest("it"), NOW + 100).await.unwrap(), None, "expired");
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        async move { store.spend_initial_access_token(&digest("it"), NOW).await.unwrap() }
    });
    let spent: Vec<_> = at_once(tasks.collect()).await.into_iter().flatten().collect();
    let mut left: Vec<_> = spent.iter().map(|token| token.uses_left).collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2]);
    assert_eq!((&spent[0].note, &spent[0].scopes, spent[0].expires_at), (&stored.note, &stored.scopes, NOW + 100));
    assert_eq!(stores[1].prune(NOW + 101, 10).await.unwrap(), 1);
}

pub(crate) async fn a_registration_is_changed_by_its_token_alone(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let registration = Registration { token: digest("ra"), scopes: scope("a") };
    store.put_registration("web", &registration).await.unwrap();
    assert_eq!(store.registration("web").await.unwrap(), Some(registration));
    assert_eq!(store.registration("we\0b").await.unwrap(), None);
    let mut changed = client("web");
    changed.name = "New".into();
    changed.options.require_pkce = true;
    assert!(!store.replace_registered(&changed, &digest("other")).await.unwrap());
    assert_eq!(store.client("web").await.unwrap(), Some(client("web")));
    assert!(store.replace_registered(&changed, &digest("ra")).await.unwrap());
    assert_eq!(store.client("web").await.unwrap(), Some(changed.clone()));
    let revocation = Revocation::up_to(Subject::Client("web"), NOW, NOW, NOW + 600);
    store.set_client_disabled("web", Some(&revocation)).await.unwrap();
    assert!(!store.replace_registered(&changed, &digest("ra")).await.unwrap(), "disabled");
    store.end_registration("web").await.unwrap();
    assert_eq!(store.registration("web").await.unwrap(), None);
}
