//! [`Activities`] in SQL.

use super::{Backend, SqlStore, Value, rows};
use crate::model::{Activity, Follower};
use crate::storage::{Activities, Result};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> Activities for SqlStore<B> {
    async fn take(&self, key: &str, now_ms: i64, cost_ms: i64, burst_ms: i64) -> Result<Option<i64>> {
        // One statement decides, so that many tries at once are counted one by one. $2 now, $3 cost, $4 burst, $5 when
        // the row is not worth keeping any more.
        let sql = "INSERT INTO throttles (key, tat, expires_at) VALUES ($1, $2 + $3, $5)
             ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at,
             tat = CASE WHEN throttles.tat > $2 THEN throttles.tat ELSE $2 END + $3
             WHERE CASE WHEN throttles.tat > $2 THEN throttles.tat ELSE $2 END + $3 <= $2 + $4 RETURNING tat";
        let expires_at = now_ms.saturating_add(burst_ms).saturating_add(cost_ms) / 1000 + 1;
        let args =
            [Value::Text(key), Value::Int(now_ms), Value::Int(cost_ms), Value::Int(burst_ms), Value::Int(expires_at)];
        if !self.0.write_returning(sql, &args).await?.is_empty() {
            return Ok(None);
        }
        let rows = self.0.read("SELECT tat FROM throttles WHERE key = $1", &[Value::Text(key)]).await?;
        let tat: i64 = rows.first().map_or(Ok(now_ms), |row| row.get("tat"))?;
        Ok(Some(tat.saturating_add(cost_ms).saturating_sub(burst_ms).saturating_sub(now_ms).max(1)))
    }

    async fn refill(&self, key: &str) -> Result<()> {
        self.0.write("DELETE FROM throttles WHERE key = $1", &[Value::Text(key)]).await.map(drop)
    }

    async fn count(&self, minute: i64, kind: &str, more: i64, expires_at: i64) -> Result<()> {
        let sql = "INSERT INTO activity (minute, kind, count, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (minute, kind) DO UPDATE SET count = activity.count + excluded.count";
        let args = [Value::Int(minute), Value::Text(kind), Value::Int(more), Value::Int(expires_at)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn counts(&self, since: i64, span: i64) -> Result<Vec<Activity>> {
        let sql = "SELECT minute - minute % $2 AS span, kind, CAST(sum(count) AS BIGINT) AS count FROM activity
             WHERE minute >= $1 GROUP BY 1, 2 ORDER BY 1, 2";
        let rows = self.0.read(sql, &[Value::Int(since), Value::Int(span.max(1))]).await?;
        rows.iter().map(rows::activity).collect()
    }

    async fn note_follower(&self, follower: &Follower, expires_at: i64) -> Result<()> {
        let sql = "INSERT INTO followers (name, seen_at, current_at, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, expires_at = excluded.expires_at,
             current_at = CASE WHEN excluded.current_at > followers.current_at THEN excluded.current_at
             ELSE followers.current_at END";
        let args = [
            Value::Text(&follower.name),
            Value::Int(follower.seen_at),
            Value::Int(follower.current_at),
            Value::Int(expires_at),
        ];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn followers(&self, now: i64) -> Result<Vec<Follower>> {
        let sql = "SELECT name, seen_at, current_at FROM followers WHERE expires_at > $1 ORDER BY name LIMIT 1000";
        self.0.read(sql, &[Value::Int(now)]).await?.iter().map(rows::follower).collect()
    }

    async fn totals(&self) -> Result<(i64, i64, i64)> {
        let sql = "SELECT (SELECT count(*) FROM clients) AS clients, (SELECT count(*) FROM people) AS people,
             (SELECT count(*) FROM clients WHERE disabled_at IS NOT NULL) AS disabled";
        let rows = self.0.read(sql, &[]).await?;
        let Some(row) = rows.first() else { return Ok((0, 0, 0)) };
        Ok((row.get("clients")?, row.get("people")?, row.get("disabled")?))
    }
}
