//! Codes, refresh tokens and their grants; and who wins.

use super::fixture::{Fixture, NOW, at_once, authorization, digest, grant_revocation, refresh, revocation, scope};
use bearward::model::{Revocation, Spent};
use bearward::storage::{Redeemed, Rotated};
use bearward_token::feed::Subject;

pub(crate) async fn an_authorization_is_kept_as_it_was_given(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let given = authorization("g");
    store.authorize(&digest("code"), &given).await.unwrap();
    assert_eq!(store.code(&digest("code")).await.unwrap(), Some(given.clone()));
    assert_eq!(store.grant("g").await.unwrap(), Some(given.grant));
    assert_eq!(store.consent("alice", "web").await.unwrap(), scope("a b"));
    assert_eq!(store.code(&digest("other")).await.unwrap(), None);
    assert_eq!(store.grant("other").await.unwrap(), None);
    assert!(store.authorize(&digest("code"), &authorization("g2")).await.is_err(), "a code is not stored twice");
    assert_eq!(store.grant("g2").await.unwrap(), None, "nothing of a step that failed is kept");
}

pub(crate) async fn consent_adds_up(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        async move {
            let mut one = authorization(&format!("g{i}"));
            one.grant.scope = scope(&format!("a s{i}"));
            store.authorize(&digest(&format!("c{i}")), &one).await.unwrap();
        }
    });
    at_once(tasks.collect()).await;
    assert_eq!(stores[0].consent("alice", "web").await.unwrap(), scope("a s0 s1 s2 s3 s4 s5 s6 s7"));
    assert!(stores[0].consent("alice", "other").await.unwrap().is_empty());
    // A grant of no scope is one, too.
    let mut none = authorization("none");
    none.grant.scope = scope("");
    stores[0].authorize(&digest("none"), &none).await.unwrap();
    assert_eq!(stores[0].code(&digest("none")).await.unwrap(), Some(none));
}

pub(crate) async fn a_code_is_redeemed_once(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.authorize(&digest("code"), &authorization("g")).await.unwrap();
    assert_eq!(store.redeem_code(&digest("code"), NOW + 1, Some(&refresh("rt"))).await.unwrap(), Redeemed::Now);
    assert_eq!(store.code(&digest("code")).await.unwrap().unwrap().used_at, Some(NOW + 1));
    let token = store.refresh_token(&digest("rt")).await.unwrap().unwrap();
    assert_eq!((token.grant.id.as_str(), token.expires_at, &token.spent), ("g", NOW + 1000, &None));
    assert_eq!(token.confirmation.jkt.as_deref(), Some("key of rt"));
    assert_eq!(store.redeem_code(&digest("code"), NOW + 2, Some(&refresh("rt2"))).await.unwrap(), Redeemed::Before);
    assert_eq!(store.refresh_token(&digest("rt2")).await.unwrap(), None);

    // Without a refresh token; and a code that is not there.
    store.authorize(&digest("code2"), &authorization("g2")).await.unwrap();
    assert_eq!(store.redeem_code(&digest("code2"), NOW, None).await.unwrap(), Redeemed::Now);
    assert_eq!(store.redeem_code(&digest("nothing"), NOW, None).await.unwrap(), Redeemed::Revoked);
}

pub(crate) async fn a_code_of_a_revoked_grant_is_refused(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.authorize(&digest("code"), &authorization("g")).await.unwrap();
    for _ in 0..2 {
        store.revoke_grant("g", &grant_revocation("g")).await.unwrap();
    }
    assert_eq!(store.redeem_code(&digest("code"), NOW, Some(&refresh("rt"))).await.unwrap(), Redeemed::Revoked);
    assert_eq!(store.refresh_token(&digest("rt")).await.unwrap(), None);
    assert_eq!(store.grant("g").await.unwrap().unwrap().revoked_at, Some(NOW));
    assert_eq!(store.revocations(&[grant_revocation("g").key], NOW).await.unwrap(), [grant_revocation("g")]);
}

pub(crate) async fn one_of_many_redeems_a_code(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    for round in 0..5 {
        let code = digest(&format!("code{round}"));
        stores[0].authorize(&code, &authorization(&format!("g{round}"))).await.unwrap();
        let tasks = (0..16).map(|i| {
            let store = stores[i % 2].clone();
            async move { store.redeem_code(&code, NOW, Some(&refresh(&format!("{round}-{i}")))).await.unwrap() }
        });
        let results = at_once(tasks.collect()).await;
        assert_eq!(results.iter().filter(|r| **r == Redeemed::Now).count(), 1);
        assert_eq!(results.iter().filter(|r| **r == Redeemed::Before).count(), 15);
        for (i, result) in results.iter().enumerate() {
            let stored = stores[0].refresh_token(&digest(&format!("{round}-{i}"))).await.unwrap();
            assert_eq!(stored.is_some(), *result == Redeemed::Now);
        }
    }
}

pub(crate) async fn one_of_many_rotates_a_token(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    stores[0].authorize(&digest("code"), &authorization("g")).await.unwrap();
    stores[0].redeem_code(&digest("code"), NOW, Some(&refresh("rt"))).await.unwrap();
    let mut current = "rt".to_owned();
    for round in 0..5 {
        let token = digest(&current);
        let tasks = (0..16).map(|i| {
            let store = stores[i % 2].clone();
            async move {
                let name = format!("{round}-{i}");
                store.rotate_refresh(&token, NOW + i as i64, &refresh(&name), name.as_bytes()).await.unwrap()
            }
        });
        let results = at_once(tasks.collect()).await;
        let winners: Vec<_> = (0..16_usize).filter(|i| results[*i] == Rotated::Now).collect();
        let [winner] = winners[..] else { panic!("{winners:?} all won") };
        let name = format!("{round}-{winner}");
        let spent = Spent { at: NOW + winner as i64, successor: name.clone().into_bytes() };
        for (i, result) in results.into_iter().enumerate() {
            assert!(i == winner || result == Rotated::Before(spent.clone()), "{i} of {winner}: {result:?}");
            let stored = stores[1].refresh_token(&digest(&format!("{round}-{i}"))).await.unwrap();
            assert_eq!(stored.is_some(), i == winner, "no second successor");
        }
        current = name;
    }
}

pub(crate) async fn a_spent_token_tells_its_successor(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.authorize(&digest("code"), &authorization("g")).await.unwrap();
    store.redeem_code(&digest("code"), NOW, Some(&refresh("rt"))).await.unwrap();
    assert_eq!(store.rotate_refresh(&digest("rt"), NOW + 3, &refresh("rt2"), b"sealed").await.unwrap(), Rotated::Now);
    let spent = Spent { at: NOW + 3, successor: b"sealed".to_vec() };
    assert_eq!(store.refresh_token(&digest("rt")).await.unwrap().unwrap().spent, Some(spent.clone()));
    assert_eq!(
        store.rotate_refresh(&digest("rt"), NOW + 4, &refresh("rt3"), b"other").await.unwrap(),
        Rotated::Before(spent)
    );
    assert_eq!(store.rotate_refresh(&digest("none"), NOW, &refresh("rt4"), b"x").await.unwrap(), Rotated::Revoked);
    store.revoke_grant("g", &grant_revocation("g")).await.unwrap();
    assert_eq!(store.rotate_refresh(&digest("rt2"), NOW, &refresh("rt5"), b"x").await.unwrap(), Rotated::Revoked);
    assert_eq!(store.rotate_refresh(&digest("rt"), NOW, &refresh("rt6"), b"x").await.unwrap(), Rotated::Revoked);
    for name in ["rt3", "rt4", "rt5", "rt6"] {
        assert_eq!(store.refresh_token(&digest(name)).await.unwrap(), None, "{name}");
    }
}

pub(crate) async fn a_revoked_grant_has_no_live_successor(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    for round in 0..20 {
        let grant = format!("g{round}");
        stores[0].authorize(&digest(&format!("c{round}")), &authorization(&grant)).await.unwrap();
        let first = format!("{round}-0");
        stores[0].redeem_code(&digest(&format!("c{round}")), NOW, Some(&refresh(&first))).await.unwrap();
        // One goes on rotating until it is refused, the other revokes in the middle of it.
        let (rotating, revoking, revoked) = (stores[0].clone(), stores[1].clone(), grant.clone());
        let rotations = tokio::spawn(async move {
            for n in 0.. {
                let (old, new) = (format!("{round}-{n}"), format!("{round}-{}", n + 1));
                match rotating.rotate_refresh(&digest(&old), NOW, &refresh(&new), b"s").await.unwrap() {
                    Rotated::Now => {}
                    Rotated::Revoked => return n,
                    Rotated::Before(_) => panic!("nobody else rotates"),
                }
            }
            0
        });
        while stores[1].refresh_token(&digest(&format!("{round}-2"))).await.unwrap().is_none() {}
        revoking.revoke_grant(&revoked, &grant_revocation(&revoked)).await.unwrap();
        // Whatever was last stored is of a revoked grant, and the one after it was never stored.
        let last = rotations.await.unwrap();
        let token = stores[1].refresh_token(&digest(&format!("{round}-{last}"))).await.unwrap().unwrap();
        assert_eq!((token.spent, token.grant.revoked_at), (None, Some(NOW)));
        assert_eq!(stores[1].refresh_token(&digest(&format!("{round}-{}", last + 1))).await.unwrap(), None);
    }
}

pub(crate) async fn a_revoked_grant_gives_no_token_for_a_code(fixture: Fixture) {
    let stores = [fixture.open_with_people().await, fixture.open().await];
    for round in 0..20 {
        let (grant, code, token) = (format!("g{round}"), digest(&format!("c{round}")), format!("rt{round}"));
        stores[0].authorize(&code, &authorization(&grant)).await.unwrap();
        let (a, b, name) = (stores[0].clone(), stores[1].clone(), token.clone());
        let redeem = tokio::spawn(async move { a.redeem_code(&code, NOW, Some(&refresh(&name))).await.unwrap() });
        let revoke = tokio::spawn(async move { b.revoke_grant(&grant, &grant_revocation(&grant)).await.unwrap() });
        let (redeemed, ()) = (redeem.await.unwrap(), revoke.await.unwrap());
        let stored = stores[0].refresh_token(&digest(&token)).await.unwrap();
        match redeemed {
            Redeemed::Now => assert_eq!(stored.unwrap().grant.revoked_at, Some(NOW)),
            Redeemed::Revoked => assert_eq!(stored, None),
            Redeemed::Before => panic!("nobody else redeems"),
        }
    }
}

pub(crate) async fn introspection_finds_revocations(fixture: Fixture) {
    let store = fixture.open().await;
    let (token, grant) = (revocation("t"), grant_revocation("g"));
    store.revoke(&token).await.unwrap();
    store.revoke(&grant).await.unwrap();
    let mut found = store.revocations(&[1, token.key, 3, 4, 5, grant.key], NOW).await.unwrap();
    found.sort_by_key(|e| e.key != token.key);
    assert_eq!(found, [token.clone(), grant]);
    assert!(
        store.revocations(&[1, 2], NOW).await.unwrap().is_empty()
            && store.revocations(&[], NOW).await.unwrap().is_empty()
    );
    assert!(store.revocations(&[token.key], NOW + 601).await.unwrap().is_empty(), "over");

    // The greater of each holds, whichever comes first.
    let client = |cutoff, expires_at| Revocation::up_to(Subject::Client("c"), cutoff, NOW, expires_at);
    for one in [client(NOW, NOW + 90), client(NOW - 9, NOW + 50), client(NOW - 9, NOW + 100), client(NOW + 2, NOW + 10)]
    {
        store.revoke(&one).await.unwrap();
    }
    let held = client(NOW + 2, NOW + 100);
    assert_eq!(store.revocations(&[held.key], NOW).await.unwrap(), [held]);
}
