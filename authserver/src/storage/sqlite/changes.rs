//! Who changed the file: this process, at once; any other (the command line), within [`POLL`].
//!
//! `PRAGMA data_version` costs no I/O and moves when another connection, of any process, has committed. Only then are
//! the counters read.

use crate::storage::{Changes, Result};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

const POLL: Duration = Duration::from_millis(50);
/// After an error, such as a full disk: often enough to come back soon, seldom enough for the log.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches the file until it is dropped.
pub(super) struct Watcher {
    changes: Changes,
    look: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Watches through a connection of its own, which never writes.
    pub(super) async fn start(mut connection: SqliteConnection) -> Result<Self> {
        let seen = Seen { version: version(&mut connection).await?, counts: counts(&mut connection).await? };
        let (registry, registry_rx) = watch::channel(seen.counts.0);
        let (revocations, revocations_rx) = watch::channel(seen.counts.1);
        let look = Arc::new(Notify::new());
        let task = tokio::spawn(follow(connection, seen, look.clone(), registry, revocations));
        Ok(Self { changes: Changes { registry: registry_rx, revocations: revocations_rx }, look, task })
    }

    /// This process has committed: look at once.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    pub(super) fn subscribe(&self) -> Changes {
        self.changes.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Seen {
    version: i64,
    counts: (u64, u64),
}

async fn follow(
    mut connection: SqliteConnection,
    mut seen: Seen,
    look: Arc<Notify>,
    registry: watch::Sender<u64>,
    revocations: watch::Sender<u64>,
) {
    loop {
        let _ = tokio::time::timeout(POLL, look.notified()).await;
        match changed(&mut connection, &mut seen).await {
            Ok(true) => {
                let (new_registry, new_revocations) = seen.counts;
                registry.send_if_modified(|v| std::mem::replace(v, new_registry) != new_registry);
                revocations.send_if_modified(|v| std::mem::replace(v, new_revocations) != new_revocations);
            }
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "cannot see what changed in the database");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn changed(connection: &mut SqliteConnection, seen: &mut Seen) -> Result<bool> {
    // The version before the counts: a commit between the two is seen twice, never missed.
    let version = version(connection).await?;
    if version == seen.version {
        return Ok(false);
    }
    seen.counts = counts(connection).await?;
    seen.version = version;
    Ok(true)
}

async fn version(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query("PRAGMA data_version").fetch_one(connection).await?.try_get(0)?)
}

async fn counts(connection: &mut SqliteConnection) -> Result<(u64, u64)> {
    let row = sqlx::query("SELECT registry, revocations FROM state").fetch_one(connection).await?;
    Ok((row.try_get::<i64, _>(0)?.cast_unsigned(), row.try_get::<i64, _>(1)?.cast_unsigned()))
}
