//! What is over leaves.

use super::fixture::{Fixture, NOW, authorization, digest, grant_revocation, refresh, revocation};
use bearward::model::Session;

const DAY: i64 = 86_400;

pub(crate) async fn what_is_over_goes_in_batches(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    for i in 0..5 {
        store.revoke(&revocation(&format!("t{i}"))).await.unwrap();
        let session =
            Session { person_id: "alice".into(), auth_time: NOW, acr: "p".into(), expires_at: NOW + 600, used_at: NOW };
        store.create_session(&digest(&format!("s{i}")), &session, None).await.unwrap();
    }
    assert_eq!(store.prune(NOW + 600, 100).await.unwrap(), 0, "still good");
    assert_eq!(store.prune(NOW + 601, 3).await.unwrap(), 6, "three of each kind");
    assert_eq!(store.prune(NOW + 601, 3).await.unwrap(), 4);
    assert_eq!(store.prune(NOW + 601, 3).await.unwrap(), 0);
}

pub(crate) async fn a_grant_goes_with_its_last_token(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    for (code, grant) in [("c1", "g1"), ("c2", "g2")] {
        store.authorize(&digest(code), &authorization(grant)).await.unwrap();
    }
    store.redeem_code(&digest("c1"), NOW, Some(&refresh("rt1"))).await.unwrap();
    store.rotate_refresh(&digest("rt1"), NOW, &refresh("rt2"), b"s").await.unwrap();
    store.revoke_grant("g2", &grant_revocation("g2")).await.unwrap();

    // Codes expired at +60 and are kept for a day more, to notice a replay and to explain tokens.
    assert_eq!(store.prune(NOW + 60 + DAY, 100).await.unwrap(), 1, "the revocation only");
    assert_eq!(store.prune(NOW + 61 + DAY, 100).await.unwrap(), 2, "the two codes");
    assert!(store.grant("g1").await.unwrap().is_some(), "its refresh tokens are there");
    assert!(store.grant("g2").await.unwrap().is_none());
    assert!(store.refresh_token(&digest("rt1")).await.unwrap().unwrap().spent.is_some(), "spent, kept for reuse");
    assert_eq!(store.prune(NOW + 1001 + DAY, 1).await.unwrap(), 1);
    assert!(store.grant("g1").await.unwrap().is_some());
    assert_eq!(store.prune(NOW + 1001 + DAY, 1).await.unwrap(), 1);
    assert!(store.grant("g1").await.unwrap().is_none());
}
