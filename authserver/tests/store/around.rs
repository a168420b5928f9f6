//! Opaque access tokens, pushed requests, types of authorization details.

use super::fixture::{Fixture, NOW, at_once, digest};
use bearward::model::{AuthorizationField, AuthorizationType};

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
