//! Races on PostgreSQL, held still in the middle: one transaction is open while another step meets it.

use super::fixture::{Fixture, NOW, authorization, digest, refresh};
use bearward::storage::{Redeemed, Rotated, Store};
use sqlx::{Connection as _, PgConnection};
use std::future::Future;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Whoever meets a revocation that is about to commit waits for it, and is refused.
pub(crate) async fn a_step_waits_for_a_revocation_that_is_open(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    for (code, grant) in [("c1", "g1"), ("c2", "g2")] {
        store.authorize(&digest(code), &authorization(grant)).await.unwrap();
    }
    store.redeem_code(&digest("c1"), NOW, Some(&refresh("rt"))).await.unwrap();

    let mut revoking = PgConnection::connect(&fixture.url).await.unwrap();
    let mut open = revoking.begin().await.unwrap();
    sqlx::query("UPDATE grants SET revoked_at = 1").execute(&mut *open).await.unwrap();
    let rotating = step(&store, |s| async move { s.rotate_refresh(&digest("rt"), NOW, &refresh("rt2"), b"s").await });
    let redeeming = step(&store, |s| async move { s.redeem_code(&digest("c2"), NOW, Some(&refresh("rt3"))).await });
    until_waiting(&fixture, 2, || rotating.is_finished() || redeeming.is_finished()).await;
    open.commit().await.unwrap();
    assert_eq!(rotating.await.unwrap().unwrap(), Rotated::Revoked);
    assert_eq!(redeeming.await.unwrap().unwrap(), Redeemed::Revoked);
    for token in ["rt2", "rt3"] {
        assert_eq!(store.refresh_token(&digest(token)).await.unwrap(), None);
    }
}

/// Two that spend the same token: the second waits for the first, and learns from its newest row that it lost, or that the
/// first never happened.
pub(crate) async fn a_rotation_waits_for_one_that_is_open(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.authorize(&digest("c"), &authorization("g")).await.unwrap();
    store.redeem_code(&digest("c"), NOW, Some(&refresh("rt"))).await.unwrap();
    for commits in [false, true] {
        let mut first = PgConnection::connect(&fixture.url).await.unwrap();
        let mut open = first.begin().await.unwrap();
        let sql = "UPDATE refresh_tokens SET spent_at = 7, successor = 'x' WHERE spent_at IS NULL";
        assert_eq!(sqlx::query(sql).execute(&mut *open).await.unwrap().rows_affected(), 1);
        let name = if commits { "rt2" } else { "rt" };
        let second = step(&store, move |s| async move {
            s.rotate_refresh(&digest(name), NOW, &refresh(&format!("{name}-next")), b"s").await
        });
        until_waiting(&fixture, 1, || second.is_finished()).await;
        if commits {
            open.commit().await.unwrap();
            assert!(matches!(second.await.unwrap().unwrap(), Rotated::Before(spent) if spent.at == 7));
        } else {
            open.rollback().await.unwrap();
            assert_eq!(second.await.unwrap().unwrap(), Rotated::Now);
            // What it stored is the token of the second round.
            let sql = "UPDATE refresh_tokens SET digest = $1 WHERE spent_at IS NULL";
            sqlx::query(sql).bind(digest("rt2").0).execute(&mut first).await.unwrap();
        }
    }
}

fn step<T, F>(store: &Arc<dyn Store>, work: impl FnOnce(Arc<dyn Store>) -> F) -> JoinHandle<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    tokio::spawn(work(store.clone()))
}

/// Waits until so many connections to this database wait for a lock.
async fn until_waiting(fixture: &Fixture, count: i64, too_soon: impl Fn() -> bool) {
    let mut connection = PgConnection::connect(&fixture.url).await.unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut connection).await.unwrap() < count {
        assert!(!too_soon(), "it did not wait");
    }
}
