//! The feed's cursor on SQLite.
//!
//! There is one writer at a time, so `position` is the order in which revocations committed, and "after position n"
//! never skips. A cursor is `s1.<epoch>.<run>.<position>`: the run is this start of a server. It shows a restore from a
//! backup, after which positions are given out a second time: the run is unknown, or a later one began before it.

use super::SqliteBackend;
use crate::storage::{FeedRead, Result};
use bearward_token::feed::Entry;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use tokio::sync::OnceCell;

const VERSION: &str = "s1";
/// Runs older than this many starts are forgotten; their followers read a snapshot.
const RUNS_KEPT: i64 = 1000;

/// This start of a server; noted when it gives its first cursor, so that the command line is none.
#[derive(Default)]
pub(super) struct Run {
    tag: OnceCell<String>,
}

struct Cursor<'a> {
    epoch: &'a str,
    run: &'a str,
    position: i64,
}

impl<'a> Cursor<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('.');
        let (VERSION, Some(epoch), Some(run), Some(position), None) =
            (parts.next()?, parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some(Self { epoch, run, position: position.parse().ok().filter(|p| *p >= 0)? })
    }
}

impl Run {
    async fn begin(writer: &SqlitePool) -> Result<String> {
        let sql = "INSERT INTO feed_runs (tag, started_at_revocation)
             SELECT lower(hex(randomblob(8))), revocations FROM state RETURNING run, tag";
        let row = sqlx::query(sql).fetch_one(writer).await?;
        let (run, tag): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        sqlx::query("DELETE FROM feed_runs WHERE run <= $1").bind(run - RUNS_KEPT).execute(writer).await?;
        Ok(tag)
    }

    /// See `Store::feed`.
    pub(super) async fn read(
        &self,
        database: &SqliteBackend,
        after: Option<&str>,
        limit: u32,
        now: i64,
    ) -> Result<FeedRead> {
        let tag = self.tag.get_or_try_init(|| Self::begin(&database.writer)).await?;
        // One transaction, so that the positions, the epoch and the rows are of one moment.
        let mut tx = database.readers.begin().await?;
        let state = sqlx::query("SELECT revocations, feed_epoch FROM state").fetch_one(&mut *tx).await?;
        let (newest, epoch): (i64, String) = (state.try_get(0)?, state.try_get(1)?);
        let known = match after.and_then(Cursor::parse) {
            Some(cursor) if cursor.epoch == epoch && cursor.position <= newest => {
                // Positions that this very run has seen are its own; another run's are good up to where the next began.
                let sql = "SELECT 1 FROM feed_runs r WHERE r.tag = $1 AND ($1 = $2 OR $3 <= coalesce(
                     (SELECT min(l.started_at_revocation) FROM feed_runs l WHERE l.run > r.run), $3))";
                let query = sqlx::query(sql).bind(cursor.run).bind(tag).bind(cursor.position);
                query.fetch_optional(&mut *tx).await?.map(|_| cursor.position)
            }
            _ => None,
        };
        let from = known.unwrap_or(0);
        // One more than asked for tells whether there is more.
        let sql = "SELECT key, cutoff, expires_at, position FROM revocations
             WHERE position > $1 AND expires_at >= $2 ORDER BY position LIMIT $3";
        let rows = sqlx::query(sql).bind(from).bind(now).bind(i64::from(limit) + 1).fetch_all(&mut *tx).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        let mut read_up_to = newest;
        let mut entries = Vec::with_capacity(rows.len().min(limit));
        for row in rows.iter().take(limit) {
            if more {
                read_up_to = row.try_get("position")?;
            }
            entries.push(Entry {
                key: row.try_get::<i64, _>("key")?.cast_unsigned(),
                cutoff: row.try_get("cutoff")?,
                expires_at: row.try_get("expires_at")?,
            });
        }
        let cursor = format!("{VERSION}.{epoch}.{tag}.{read_up_to}");
        Ok(FeedRead { entries, cursor, more, reset: after.is_some() && known.is_none() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_cursors_are_read() {
        assert!(Cursor::parse("s1.e.r.7").is_some_and(|c| (c.epoch, c.run, c.position) == ("e", "r", 7)));
        for bad in ["", "s1", "s1.e.r", "s1.e.r.", "s1.e.r.-1", "s1.e.r.1.2", "s2.e.r.1", "s1.e.r.99999999999999999999"]
        {
            assert!(Cursor::parse(bad).is_none(), "{bad}");
        }
    }
}
