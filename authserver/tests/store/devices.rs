//! Devices, assertions used once, trusted issuers; and who wins.

use super::admin::change;
use super::around::audited;
use super::fixture::{Fixture, NOW, at_once, authorization, digest, first, grant_revocation, refresh, scope};
use bearward::model::{AssertionKind, DeviceCode, GrantDetails, IssuerSettings, Keys, Polled, Subjects, TrustedIssuer};
use bearward::storage::{Redeemed, Store, StoreError};

fn device(name: &str) -> DeviceCode {
    DeviceCode {
        code: digest(name),
        user_code: digest(&format!("user {name}")),
        client_id: "web".to_owned(),
        scope: scope("a b"),
        details: GrantDetails::default(),
        interval: 5,
        expires_at: NOW + 600,
        decided: false,
    }
}

pub(crate) async fn a_device_code_is_kept_as_it_was_given(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let given = device("d");
    store.create_device_code(&given).await.unwrap();
    assert_eq!(store.device_by_user_code(&given.user_code).await.unwrap(), Some(given.clone()));
    assert_eq!(store.device_by_user_code(&digest("other")).await.unwrap(), None);
    for taken in [DeviceCode { code: digest("x"), ..given.clone() }, DeviceCode { user_code: digest("x"), ..given }] {
        assert!(matches!(store.create_device_code(&taken).await, Err(StoreError::Exists(_))));
    }
}

pub(crate) async fn polls_that_come_too_fast_slow_down_at_every_replica(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    stores[0].create_device_code(&device("d")).await.unwrap();
    let mut now = NOW;
    for (i, (after, too_fast)) in [(0, false), (4, true), (9, true), (15, false), (14, true)].into_iter().enumerate() {
        now += after;
        let polled = stores[i % 2].poll_device(&digest("d"), "web", now).await.unwrap().unwrap();
        assert_eq!(polled, Polled { too_fast, denied: false, expires_at: NOW + 600 }, "poll {i}");
    }
    assert_eq!(stores[0].poll_device(&digest("d"), "other", now).await.unwrap(), None);
    assert_eq!(stores[0].poll_device(&digest("x"), "web", now).await.unwrap(), None);
    // Many at once: the first of them is in time, each other is too fast.
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        async move { store.poll_device(&digest("d"), "web", now + 100).await.unwrap().unwrap().too_fast }
    });
    let fast = at_once(tasks.collect()).await;
    assert_eq!(fast.iter().filter(|too_fast| !**too_fast).count(), 1);
}

pub(crate) async fn a_device_is_decided_once(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    for round in 0..5 {
        let name = format!("d{round}");
        stores[0].create_device_code(&device(&name)).await.unwrap();
        let tasks = (0..8).map(|i| {
            let (store, name) = (stores[i % 2].clone(), name.clone());
            async move { store.authorize(&digest(&name), &authorization(&format!("g{name}-{i}"))).await.is_ok() }
        });
        assert_eq!(at_once(tasks.collect()).await.into_iter().filter(|won| *won).count(), 1);
        let decided = stores[1].device_by_user_code(&device(&name).user_code).await.unwrap().unwrap();
        assert!(decided.decided);
        assert!(!stores[1].deny_device(&digest(&name), NOW).await.unwrap(), "too late to say no");
        // And redeemed once.
        let tasks = (0..8).map(|i| {
            let (store, name) = (stores[i % 2].clone(), name.clone());
            async move { store.redeem_code(&digest(&name), NOW, None).await.unwrap() }
        });
        let redeemed = at_once(tasks.collect()).await;
        assert_eq!(redeemed.iter().filter(|r| **r == Redeemed::Now).count(), 1);
    }
    stores[0].create_device_code(&device("no")).await.unwrap();
    assert!(stores[0].deny_device(&digest("no"), NOW + 1).await.unwrap());
    assert!(!stores[0].deny_device(&digest("no"), NOW + 2).await.unwrap());
    assert!(stores[1].poll_device(&digest("no"), "web", NOW).await.unwrap().unwrap().denied);
    assert!(stores[1].device_by_user_code(&device("no").user_code).await.unwrap().unwrap().decided);
}

pub(crate) async fn a_grant_is_stored_without_consent(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let mut given = authorization("g");
    given.used_at = Some(NOW);
    store.create_grant(&digest("c"), &given, Some(&refresh("rt"))).await.unwrap();
    assert_eq!(store.grant("g").await.unwrap(), Some(given.grant.clone()));
    assert_eq!(store.refresh_token(&digest("rt")).await.unwrap().unwrap().grant, given.grant);
    assert!(store.consent("alice", "web").await.unwrap().is_empty());
    assert_eq!(store.redeem_code(&digest("c"), NOW, None).await.unwrap(), Redeemed::Before, "nobody's to redeem");
    let mut without = authorization("g2");
    without.used_at = Some(NOW);
    store.create_grant(&digest("c2"), &without, None).await.unwrap();
    assert!(store.create_grant(&digest("c2"), &authorization("g3"), Some(&refresh("rt3"))).await.is_err());
    assert_eq!(store.grant("g3").await.unwrap(), None, "nothing of a step that failed is kept");
    assert_eq!(store.refresh_token(&digest("rt3")).await.unwrap(), None);
}

pub(crate) async fn a_kept_refresh_token_lives_on_until_its_grant_ends(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.create_grant(&digest("c"), &authorization("g"), Some(&refresh("rt"))).await.unwrap();
    assert!(store.extend_refresh(&digest("rt"), NOW + 5000).await.unwrap());
    assert_eq!(store.refresh_token(&digest("rt")).await.unwrap().unwrap().expires_at, NOW + 5000);
    assert!(!store.extend_refresh(&digest("x"), NOW + 5000).await.unwrap());
    store.revoke_grant("g", &grant_revocation("g")).await.unwrap();
    assert!(!store.extend_refresh(&digest("rt"), NOW + 9000).await.unwrap());
}

pub(crate) async fn one_of_many_uses_a_name(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    for round in 0..5 {
        let tasks = (0..16).map(|i| {
            let store = stores[i % 2].clone();
            async move { store.use_once(&digest(&format!("jti{round}")), NOW + 60).await.unwrap() }
        });
        assert_eq!(at_once(tasks.collect()).await.into_iter().filter(|won| *won).count(), 1);
    }
    assert!(!stores[0].use_once(&digest("jti0"), NOW + 600).await.unwrap());
    assert_eq!(stores[0].prune(NOW + 60, 100).await.unwrap(), 0, "as long as it could come again");
    assert_eq!(stores[0].prune(NOW + 61, 100).await.unwrap(), 5);
}

pub(crate) async fn issuers_are_kept_changed_and_removed(fixture: Fixture) {
    let store = fixture.open().await;
    let issuer = |name: &str, subjects| TrustedIssuer {
        issuer: name.to_owned(),
        settings: IssuerSettings {
            kind: AssertionKind::Jwt,
            keys: Keys { jwks_uri: Some("https://idp.example/jwks".to_owned()), ..Keys::default() },
            subjects,
            scopes: Some(scope("a")),
            clients: vec!["web".to_owned()],
            claims: [("department".to_owned(), "dept".to_owned())].into(),
        },
        created_at: NOW,
    };
    for name in ["https://b.example", "https://a.example"] {
        store.put_issuer(&issuer(name, Subjects::People)).await.unwrap();
    }
    let names: Vec<_> = store.issuers().await.unwrap().into_iter().map(|found| found.value.issuer).collect();
    assert_eq!(names, ["https://a.example", "https://b.example"]);
    let changed = issuer("https://a.example", Subjects::Any);
    store.put_issuer(&changed).await.unwrap();
    assert_eq!(store.issuer("https://a.example").await.unwrap(), Some(changed));
    assert_eq!(store.issuer("https://A.example").await.unwrap(), None);
    assert_eq!(store.issuer("a\0").await.unwrap(), None);
    assert_eq!(version(&*store, "https://a.example").await, Some(2), "however it is changed");
    // By administrators: what is there is not added again, and what was changed meanwhile stays.
    let change = |what| change(what, "https://a.example");
    let again = issuer("https://a.example", Subjects::People);
    assert!(!store.add_issuer(&first(again.clone()), &change("add")).await.unwrap());
    assert!(!store.edit_issuer(&again, 1, &change("edit")).await.unwrap());
    assert!(store.edit_issuer(&again, 2, &change("edit")).await.unwrap());
    assert_eq!(store.issuer("https://a.example").await.unwrap(), Some(again.clone()));
    assert!(!store.delete_issuer("https://a.example", 2, &change("remove")).await.unwrap());
    assert!(store.delete_issuer("https://a.example", 3, &change("remove")).await.unwrap());
    assert!(!store.edit_issuer(&again, 3, &change("edit")).await.unwrap(), "it is gone");
    assert!(store.add_issuer(&first(again.clone()), &change("add")).await.unwrap());
    assert_eq!(audited(&*store).await, ["edit", "remove", "add"].map(|what| format!("{what} https://a.example")));
}

async fn version(store: &dyn Store, issuer: &str) -> Option<i64> {
    store.versioned_issuer(issuer).await.unwrap().map(|found| found.version)
}

pub(crate) async fn of_many_edits_of_an_issuer_one_holds(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let issuer = |n: usize| {
        let settings = IssuerSettings { clients: vec![n.to_string()], ..IssuerSettings::default() };
        TrustedIssuer { issuer: "https://a.example".to_owned(), settings, created_at: NOW }
    };
    // First all of them add it, then all of them edit what they saw.
    for (round, seen) in [None, Some(1)].into_iter().enumerate() {
        let tries = (0..8).map(|n| {
            let (store, entry) = (stores[n % 2].clone(), change("save", &n.to_string()));
            async move {
                match seen {
                    None => store.add_issuer(&first(issuer(n)), &entry).await.unwrap(),
                    Some(version) => store.edit_issuer(&issuer(n), version, &entry).await.unwrap(),
                }
            }
        });
        let won = at_once(tries.collect()).await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{seen:?}");
        let winner = won.iter().position(|won| *won).unwrap();
        assert_eq!(stores[1].issuer("https://a.example").await.unwrap(), Some(issuer(winner)));
        assert_eq!(audited(&*stores[0]).await.len(), round + 1);
    }
}
