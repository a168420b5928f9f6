//! The feed on PostgreSQL.
//!
//! A sequence number can become visible after a higher one: of two transactions the later to take a number may be the
//! first to commit, and a follower that remembers "up to number n" has then passed the other for good. So a cursor is
//! not a number but a snapshot: the exact set of transactions it could see. Each revocation names the transaction
//! that wrote it, and what a cursor has not seen is what was written by a transaction not in its set: however long
//! that one stayed open, and without anyone waiting for it.

use super::corrupt;
use super::cursor::{Cursor, Reading, Snapshot};
use crate::storage::{FeedRead, Result};
use bearward_token::feed::Entry;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Connection as _, Row as _};

/// How a database is told from another, and from itself before a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// By its epoch, its cluster, and the cluster's timeline, which another server's promotion changes: transactions that
    /// were lost then have numbers that are given out again.
    Cluster,
    /// By its epoch alone, where the server does not tell the rest.
    Epoch,
}

macro_rules! cluster_identity {
    () => {
        "s.feed_epoch || '-' || (SELECT to_hex(system_identifier) FROM pg_control_system())
         || '-' || lower(ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), '0'))"
    };
}

/// One statement, so that the snapshot is the one in which its rows are read. `$1` what was seen, `$2` the target,
/// `$3` and `$4` the row to go on after, `$5` now, `$6` the limit.
macro_rules! read_feed {
    ($identity:expr) => {
        concat!(
            "SELECT ",
            $identity,
            " AS identity, pg_current_snapshot()::text AS here, page.*
             FROM state s, LATERAL (
                 SELECT array_agg(r.key ORDER BY r.xid, r.key) AS keys,
                     array_agg(r.cutoff ORDER BY r.xid, r.key) AS cutoffs,
                     array_agg(r.expires_at ORDER BY r.xid, r.key) AS expiries,
                     (array_agg(r.xid::text ORDER BY r.xid, r.key))[$6::bigint] AS last_xid
                 FROM (
                     SELECT key, cutoff, expires_at, xid FROM revocations
                     WHERE (xid, key) > ($3::text::xid8, $4::bigint)
                         AND NOT coalesce(pg_visible_in_snapshot(xid, $1::text::pg_snapshot), false)
                         AND coalesce(pg_visible_in_snapshot(xid, $2::text::pg_snapshot), true)
                         AND expires_at >= $5::bigint
                     ORDER BY xid, key LIMIT $6::bigint + 1
                 ) r
             ) page"
        )
    };
}

impl Identity {
    /// What this server tells.
    pub(super) async fn find(connection: &mut PgConnection) -> Result<Self> {
        let sql = concat!("SELECT ", cluster_identity!(), " FROM state s");
        match sqlx::query(sql).fetch_one(connection).await {
            Ok(_) => Ok(Self::Cluster),
            Err(sqlx::Error::Database(error)) => {
                tracing::warn!(
                    error = error.message(),
                    "this server does not tell its cluster and timeline: run `bearward feed reset` after a failover that \
                     lost transactions, and after a restore"
                );
                Ok(Self::Epoch)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Rows that a restore brought from a cluster whose transactions had higher numbers: to every snapshot of this one they
/// lie in the future and would be sent for ever. They become rows of now.
pub(super) async fn restamp(connection: &mut PgConnection) -> Result<()> {
    let mut tx = connection.begin().await?;
    // The trigger sets the number.
    let sql = "UPDATE revocations SET xid = xid WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())";
    let rows = sqlx::query(sql).execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    if rows > 0 {
        tracing::info!(rows, "revocations restored from another cluster were numbered anew");
    }
    Ok(())
}

/// See `Store::feed`.
pub(super) async fn read(
    pool: &PgPool,
    identity: Identity,
    after: Option<&str>,
    limit: u32,
    now: i64,
) -> Result<FeedRead> {
    let cursor = after.and_then(Cursor::parse);
    if let Some(cursor) = &cursor {
        let page = Page::read(pool, identity, Some(cursor), limit, now).await?;
        if page.knows(cursor) {
            return page.answer(Some(cursor), limit, false);
        }
    }
    Page::read(pool, identity, None, limit, now).await?.answer(None, limit, after.is_some())
}

struct Page {
    row: PgRow,
    identity: String,
    here: Snapshot,
}

impl Page {
    async fn read(pool: &PgPool, identity: Identity, cursor: Option<&Cursor>, limit: u32, now: i64) -> Result<Self> {
        let reading = cursor.and_then(|c| c.reading.as_ref());
        let seen = cursor.and_then(|c| c.seen.as_ref());
        // One bound, which the index takes: everything below it was read, or is in what was seen.
        let (xid, key) = match (reading, seen) {
            (Some(reading), _) => (reading.xid, reading.key),
            (None, Some(seen)) => (seen.all_before() - 1, i64::MAX),
            (None, None) => (0, i64::MIN),
        };
        let sql = match identity {
            Identity::Cluster => read_feed!(cluster_identity!()),
            Identity::Epoch => read_feed!("s.feed_epoch"),
        };
        let row = sqlx::query(sql)
            .bind(seen.map(Snapshot::to_sql))
            .bind(reading.map(|r| r.target.to_sql()))
            .bind(xid.to_string())
            .bind(key)
            .bind(now)
            .bind(i64::from(limit))
            .fetch_one(pool)
            .await?;
        let here = Snapshot::from_sql(row.try_get("here")?).ok_or_else(|| corrupt("a snapshot of another form"))?;
        Ok(Self { identity: row.try_get("identity")?, row, here })
    }

    /// Whether the cursor is of this database, and not from a future that a restore undid.
    fn knows(&self, cursor: &Cursor) -> bool {
        let target = cursor.reading.as_ref().map(|r| &r.target);
        let snapshots = cursor.seen.iter().chain(target);
        cursor.identity == self.identity && !snapshots.into_iter().any(|s| s.is_ahead_of(&self.here))
    }

    fn answer(self, cursor: Option<&Cursor>, limit: u32, reset: bool) -> Result<FeedRead> {
        let list =
            |column| -> Result<Vec<i64>> { Ok(self.row.try_get::<Option<Vec<i64>>, _>(column)?.unwrap_or_default()) };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let keys = list("keys")?;
        let entries = keys.iter().zip(list("cutoffs")?).zip(list("expiries")?).take(limit);
        let entries = entries.map(|((key, cutoff), expires_at)| {
            let seconds = |n: i64| u32::try_from(n).map_err(|_| corrupt("revocations: a time out of range"));
            Ok(Entry { key: key.cast_unsigned(), cutoff: seconds(cutoff)?, expires_at: seconds(expires_at)? })
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        let more = keys.len() > limit;
        // The rows of a reading of several pages are those of its first page's snapshot, whatever commits meanwhile.
        let target = cursor.and_then(|c| c.reading.as_ref()).map_or(&self.here, |r| &r.target).clone();
        let cursor = if more {
            let xid: Option<&str> = self.row.try_get("last_xid")?;
            let xid = xid.and_then(|x| x.parse().ok()).ok_or_else(|| corrupt("revocations: a row without xid"))?;
            let key = entries.last().map_or(i64::MIN, |e| e.key.cast_signed());
            let seen = cursor.and_then(|c| c.seen.clone());
            Cursor { identity: self.identity, seen, reading: Some(Reading { target, xid, key }) }
        } else {
            Cursor { identity: self.identity, seen: Some(target), reading: None }
        };
        Ok(FeedRead { entries, cursor: cursor.write(), more, reset })
    }
}
