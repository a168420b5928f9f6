//! What only PostgreSQL makes hard: transactions that commit in another order than they began.

use super::fixture::{Fixture, Follower, NOW, revocation, seen, woken};
use bearward::model::Revocation;
use sqlx::{Connection as _, PgConnection, Row as _};
use std::time::Duration;

async fn connect(fixture: &Fixture) -> PgConnection {
    PgConnection::connect(&fixture.url).await.unwrap()
}

async fn insert(connection: &mut PgConnection, revocation: &Revocation) {
    let sql =
        "INSERT INTO revocations (key, kind, name, cutoff, expires_at, created_at) VALUES ($1, 'jti', $2, $3, $4, 0)";
    let query = sqlx::query(sql).bind(revocation.key.cast_signed()).bind(&revocation.name);
    query.bind(i64::from(revocation.cutoff)).bind(i64::from(revocation.expires_at)).execute(connection).await.unwrap();
}

/// How a feed is commonly built: "after the last number that I saw".
#[derive(Default)]
struct NaiveFollower {
    last: i64,
    held: Vec<i64>,
}

impl NaiveFollower {
    async fn catch_up(&mut self, connection: &mut PgConnection) {
        let sql = "SELECT id, key FROM naive WHERE id > $1 ORDER BY id";
        for row in sqlx::query(sql).bind(self.last).fetch_all(connection).await.unwrap() {
            self.last = row.get("id");
            self.held.push(row.get("key"));
        }
    }
}

pub(crate) async fn an_entry_that_commits_late_is_not_skipped(fixture: Fixture) {
    let store = fixture.open().await;
    let (mut early, mut late, mut reader) = (connect(&fixture).await, connect(&fixture).await, connect(&fixture).await);
    // Beside the real table, one with a sequence number, written in the same transactions.
    sqlx::raw_sql("CREATE TABLE naive (id BIGSERIAL PRIMARY KEY, key BIGINT NOT NULL)")
        .execute(&mut reader)
        .await
        .unwrap();
    let naive = "INSERT INTO naive (key) VALUES ($1)";
    let (slow, fast) = (revocation("slow"), revocation("fast"));
    let mut follower = Follower::default();
    follower.catch_up(&*store, 1).await;
    let mut naive_follower = NaiveFollower::default();

    let mut open = early.begin().await.unwrap();
    insert(&mut open, &slow).await;
    sqlx::query(naive).bind(slow.key.cast_signed()).execute(&mut *open).await.unwrap();
    // Began later, commits first.
    let mut other = late.begin().await.unwrap();
    insert(&mut other, &fast).await;
    sqlx::query(naive).bind(fast.key.cast_signed()).execute(&mut *other).await.unwrap();
    other.commit().await.unwrap();

    follower.catch_up(&*store, 1).await;
    naive_follower.catch_up(&mut reader).await;
    assert!(follower.holds(&fast), "nobody waits for the transaction that is open");
    assert_eq!(naive_follower.held, [fast.key.cast_signed()]);
    // Others come and go meanwhile, and followers read on.
    for i in 0..5 {
        store.revoke(&revocation(&i.to_string())).await.unwrap();
        follower.catch_up(&*store, 1).await;
    }

    let mut woken_by = seen(&*store).revocations;
    open.commit().await.unwrap();
    woken(&mut woken_by).await;
    follower.catch_up(&*store, 1).await;
    naive_follower.catch_up(&mut reader).await;
    assert!(!naive_follower.held.contains(&slow.key.cast_signed()), "the naive way has passed it for good");
    assert!(follower.holds(&slow), "ours has not");
    assert_eq!((follower.held.len(), follower.resets), (7, 0));
    assert!(store.feed(follower.cursor.as_deref(), 9, NOW).await.unwrap().entries.is_empty(), "and sends it once");

    // One that is rolled back never was.
    let mut undone = early.begin().await.unwrap();
    insert(&mut undone, &revocation("undone")).await;
    store.revoke(&revocation("last")).await.unwrap();
    follower.catch_up(&*store, 1).await;
    undone.rollback().await.unwrap();
    follower.catch_up(&*store, 1).await;
    assert_eq!(follower.held.len(), 8);
}

/// The lower transaction commits when a follower is already past its number, in the middle of a reading.
pub(crate) async fn an_entry_that_commits_between_pages_is_not_skipped(fixture: Fixture) {
    let store = fixture.open().await;
    let mut other = connect(&fixture).await;
    store.revoke(&revocation("a")).await.unwrap();
    let mut follower = Follower::default();
    follower.catch_up(&*store, 1).await;
    let mut open = other.begin().await.unwrap();
    insert(&mut open, &revocation("slow")).await;
    for name in ["b", "c", "d", "e"] {
        store.revoke(&revocation(name)).await.unwrap();
    }
    assert!(follower.page(&*store, 1).await && follower.page(&*store, 1).await);
    open.commit().await.unwrap();
    follower.catch_up(&*store, 1).await;
    assert!(!follower.holds(&revocation("slow")), "this reading goes up to where it began");
    follower.catch_up(&*store, 1).await;
    assert_eq!((follower.held.len(), follower.resets), (6, 0));
    assert!(follower.holds(&revocation("slow")));
}

pub(crate) async fn rows_from_another_cluster_are_sent_once(fixture: Fixture) {
    let store = fixture.open().await;
    store.revoke(&revocation("a")).await.unwrap();
    // As a restore of a dump leaves it: triggers come after the data.
    let sql = "ALTER TABLE revocations DISABLE TRIGGER stamp; UPDATE revocations SET xid = '1099511627776';
         ALTER TABLE revocations ENABLE TRIGGER stamp";
    sqlx::raw_sql(sql).execute(&mut connect(&fixture).await).await.unwrap();
    let cursor = store.feed(None, 9, NOW).await.unwrap().cursor;
    assert_eq!(
        store.feed(Some(&cursor), 9, NOW).await.unwrap().entries.len(),
        1,
        "sent for ever, were it not for the start"
    );
    drop(store);
    let store = fixture.open().await;
    let cursor = store.feed(None, 9, NOW).await.unwrap().cursor;
    assert!(store.feed(Some(&cursor), 9, NOW).await.unwrap().entries.is_empty());
    // Also a follower that was there before has it once more, and then no more.
    let mut follower = Follower { cursor: Some(cursor), ..Follower::default() };
    store.revoke(&revocation("b")).await.unwrap();
    follower.catch_up(&*store, 1).await;
    assert_eq!(follower.held.len(), 1);
}

pub(crate) async fn a_lost_notice_is_made_up_for(fixture: Fixture) {
    let store = fixture.open().await;
    let mut changes = seen(&*store);
    let mut other = connect(&fixture).await;
    // No trigger, no notice: only looking finds it.
    sqlx::raw_sql("ALTER TABLE revocations DISABLE TRIGGER notify").execute(&mut other).await.unwrap();
    insert(&mut other, &revocation("quiet")).await;
    woken(&mut changes.revocations).await;

    // Every connection of the replica is cut, the listener's too; it comes back by itself.
    sqlx::raw_sql("ALTER TABLE revocations ENABLE TRIGGER notify").execute(&mut other).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'bearward' AND datname = current_database()";
    sqlx::raw_sql(cut).execute(&mut other).await.unwrap();
    insert(&mut other, &revocation("after")).await;
    woken(&mut changes.revocations).await;
    let mut follower = Follower::default();
    tokio::time::timeout(Duration::from_secs(10), async {
        // The pool may hold connections that are dead and that nobody has used since.
        while store.feed(None, 9, NOW).await.is_err() {}
    })
    .await
    .unwrap();
    follower.catch_up(&*store, 9).await;
    assert_eq!(follower.held.len(), 2);
}
