//! Who changed the database: any replica or command, at once by NOTIFY, and within [`POLL`] if a notice is lost.

use crate::storage::{Changes, Result};
use sqlx::Row as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// The channel that the schema's triggers notify.
const CHANNEL: &str = "bearward";
const POLL: Duration = Duration::from_secs(1);
/// Before the next try after the database was not there.
const PAUSE: Duration = Duration::from_millis(500);

/// Watches the database until it is dropped.
pub(super) struct Watcher {
    changes: Changes,
    tasks: [JoinHandle<()>; 2],
}

/// What was there when it was last looked at. The revocations are known by a snapshot, for the reason that cursors are
/// (see `feed`): a counter can become visible after a higher one.
struct Seen {
    registry: i64,
    feed_epoch: String,
    snapshot: String,
}

impl Watcher {
    /// Watches: notices through a connection of its own, counters through the pool.
    pub(super) async fn start(options: PgConnectOptions, pool: PgPool) -> Result<Self> {
        let seen = look(&pool, None).await?.0;
        let (registry, registry_rx) = watch::channel(0);
        let (revocations, revocations_rx) = watch::channel(0);
        let notice = Arc::new(Notify::new());
        let tasks = [
            tokio::spawn(listen(options, notice.clone())),
            tokio::spawn(follow(pool, seen, notice, registry, revocations)),
        ];
        Ok(Self { changes: Changes { registry: registry_rx, revocations: revocations_rx }, tasks })
    }

    pub(super) fn subscribe(&self) -> Changes {
        self.changes.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Passes notices on. Every way in which the connection can end leads to another one, and to a look for what was missed.
async fn listen(options: PgConnectOptions, notice: Arc<Notify>) {
    loop {
        let Err(error) = pass_on(&options, &notice).await;
        tracing::warn!(%error, "notices of change are lost; looking every second until they are back");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn pass_on(
    options: &PgConnectOptions,
    notice: &Notify,
) -> std::result::Result<std::convert::Infallible, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // Also at first, and after the connection was lost and is back: for what was missed.
        notice.notify_one();
        listener.try_recv().await?;
    }
}

async fn follow(
    pool: PgPool,
    mut seen: Seen,
    notice: Arc<Notify>,
    registry: watch::Sender<u64>,
    revocations: watch::Sender<u64>,
) {
    loop {
        let _ = tokio::time::timeout(POLL, notice.notified()).await;
        match look(&pool, Some(&seen)).await {
            Ok((now, news)) => {
                if now.registry != seen.registry {
                    registry.send_modify(|count| *count += 1);
                }
                if news || now.feed_epoch != seen.feed_epoch {
                    revocations.send_modify(|count| *count += 1);
                }
                seen = now;
            }
            Err(error) => {
                tracing::error!(%error, "cannot see what changed in the database");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What is there now, and whether there are revocations that the earlier look could not see.
async fn look(pool: &PgPool, before: Option<&Seen>) -> Result<(Seen, bool)> {
    // In order, so that the index is used: whatever the planner thinks of how many there are, there are few or none.
    let sql = "SELECT registry, feed_epoch, pg_current_snapshot()::text AS snapshot, (
             SELECT true FROM revocations WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot)
             AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot) ORDER BY xid LIMIT 1) AS news
         FROM state";
    let row = sqlx::query(sql).bind(before.map(|seen| seen.snapshot.as_str())).fetch_one(pool).await?;
    let seen = Seen {
        registry: row.try_get("registry")?,
        feed_epoch: row.try_get("feed_epoch")?,
        snapshot: row.try_get("snapshot")?,
    };
    Ok((seen, row.try_get::<Option<bool>, _>("news")?.unwrap_or(false)))
}
