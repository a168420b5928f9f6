//! The feed's cursor on SQLite.
//!
//! There is one writer at a time, so `position` is the order in which revocations committed, and "after position n"
//! never skips. A cursor is `s1.<epoch>.<position>.<newest>.<mark>`: the position up to which was read, the newest one there
//! was then, and that one's random mark. The mark shows a restore from a backup, after which positions are given out a
//! second time.

use crate::storage::{FeedRead, Result};
use bearward_token::feed::Entry;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;

const VERSION: &str = "s1";
/// The mark of position 0, which nothing ever took.
const NO_MARK: &str = "0";

struct Cursor<'a> {
    epoch: &'a str,
    position: i64,
    newest: i64,
    mark: &'a str,
}

impl<'a> Cursor<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('.');
        let (VERSION, epoch, position, newest, mark) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        let (position, newest) = (number(position)?, number(newest)?);
        (position <= newest && parts.next().is_none()).then_some(Self { epoch, position, newest, mark })
    }
}

/// Digits only, so that one number has one text.
fn number(text: &str) -> Option<i64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// See `Store::feed`.
pub(super) async fn read(readers: &SqlitePool, after: Option<&str>, limit: u32, now: i64) -> Result<FeedRead> {
    // One transaction, so that positions, marks and rows are of one moment.
    let mut tx = readers.begin().await?;
    let cursor = after.and_then(Cursor::parse);
    let sql = "SELECT s.revocations, s.feed_epoch, here.mark, there.mark
         FROM state s LEFT JOIN feed_marks here ON here.position = s.revocations
         LEFT JOIN feed_marks there ON there.position = $1";
    let row = sqlx::query(sql).bind(cursor.as_ref().map(|c| c.newest)).fetch_one(&mut *tx).await?;
    let (newest, epoch): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    let mark = row.try_get::<Option<String>, _>(2)?.unwrap_or_else(|| NO_MARK.to_owned());
    let known = cursor.filter(|cursor| {
        let stored: Option<&str> = row.try_get(3).ok().flatten();
        let expected = if cursor.newest == 0 { Some(NO_MARK) } else { stored };
        cursor.epoch == epoch && Some(cursor.mark) == expected
    });
    // One more than asked for tells whether there is more.
    let sql = "SELECT key, cutoff, expires_at, position FROM revocations
         WHERE position > $1 AND expires_at >= $2 ORDER BY position LIMIT $3";
    let query = sqlx::query(sql).bind(known.as_ref().map_or(0, |c| c.position)).bind(now).bind(i64::from(limit) + 1);
    let rows = query.fetch_all(&mut *tx).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    let mut position = newest;
    let mut entries = Vec::with_capacity(rows.len().min(limit));
    for row in rows.iter().take(limit) {
        if more {
            position = row.try_get("position")?;
        }
        entries.push(Entry {
            key: row.try_get::<i64, _>("key")?.cast_unsigned(),
            cutoff: row.try_get("cutoff")?,
            expires_at: row.try_get("expires_at")?,
        });
    }
    let cursor = format!("{VERSION}.{epoch}.{position}.{newest}.{mark}");
    Ok(FeedRead { entries, cursor, more, reset: after.is_some() && known.is_none() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_cursors_are_read() {
        assert!(
            Cursor::parse("s1.e.7.9.m").is_some_and(|c| (c.epoch, c.position, c.newest, c.mark) == ("e", 7, 9, "m"))
        );
        for bad in [
            "",
            "s1",
            "s1.e.7.9",
            "s1.e.9.7.m",
            "s1.e.-1.9.m",
            "s1.e.+1.9.m",
            "s1.e..9.m",
            "s1.e.7.9.m.x",
            "s2.e.7.9.m",
        ] {
            assert!(Cursor::parse(bad).is_none(), "{bad}");
        }
        assert!(Cursor::parse("s1.e.1.99999999999999999999.m").is_none());
    }
}
