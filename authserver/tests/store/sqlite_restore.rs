//! A backup of the file that is put back.

use super::fixture::{Fixture, Follower, revocation};

pub(crate) async fn a_restored_backup_starts_everyone_over(fixture: Fixture) {
    let (file, backup) = (fixture.dir.path().join("db"), fixture.dir.path().join("backup"));
    let store = fixture.open().await;
    store.revoke(&revocation("before")).await.unwrap();
    let mut follower = Follower::default();
    follower.catch_up(&*store, 9).await;
    let sql = format!("VACUUM INTO '{}'", backup.display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&fixture.url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    drop(connection);
    // A follower reads on; then the server dies, and the backup is put in its place.
    store.revoke(&revocation("lost")).await.unwrap();
    follower.catch_up(&*store, 9).await;
    drop(store);
    for side in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(fixture.dir.path().join(side));
    }
    std::fs::rename(&backup, &file).unwrap();
    let store = fixture.open().await;
    // As many as were lost, and more: the positions reach beyond the cursor again.
    for name in ["one", "two", "three"] {
        store.revoke(&revocation(name)).await.unwrap();
    }
    follower.catch_up(&*store, 9).await;
    assert_eq!(follower.resets, 1, "the cursor is of a past that did not happen");
    for name in ["before", "one", "two", "three"] {
        assert!(follower.holds(&revocation(name)), "{name}");
    }
}
