//! [`Activities`] in SQL.

use super::{Backend, SqlStore, Value, rows};
use crate::model::{Activity, Follower, FollowerCounts};
use crate::storage::{Activities, COUNTED, FOLLOWERS, Result};
use async_trait::async_trait;

// Counting reads all that is counted, so it ends somewhere.
const CLIENTS: &str = "SELECT count(*) AS n FROM (SELECT 1 AS one FROM clients LIMIT $1) AS counted";
const PEOPLE: &str = "SELECT count(*) AS n FROM (SELECT 1 AS one FROM people LIMIT $1) AS counted";
pub(super) const DISABLED: &str =
    "SELECT count(*) AS n FROM (SELECT 1 AS one FROM clients WHERE disabled_at IS NOT NULL LIMIT $1) AS counted";

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
        let args = [
            Value::Text(&follower.name.address),
            Value::Text(&follower.name.id),
            Value::OptText(follower.node.as_deref()),
            Value::Int(follower.seen_at),
            Value::Int(follower.current_at),
            Value::Int(expires_at),
        ];
        let sql = "UPDATE followers SET node = $3, seen_at = $4, expires_at = $6,
             current_at = CASE WHEN $5 > current_at THEN $5 ELSE current_at END WHERE address = $1 AND id = $2";
        if self.0.write(sql, &args).await? > 0 {
            return Ok(());
        }
        let sql = "INSERT INTO followers (address, id, node, seen_at, current_at, expires_at)
             SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM followers) < $7 ON CONFLICT DO NOTHING";
        let args: Vec<_> = args.into_iter().chain([Value::Int(FOLLOWERS)]).collect();
        self.0.write(sql, &args).await.map(drop)
    }

    async fn followers(&self, now: i64, limit: u32) -> Result<Vec<Follower>> {
        let sql = "SELECT address, id, node, seen_at, current_at FROM followers WHERE expires_at > $1
             ORDER BY current_at, address, id LIMIT $2";
        let rows = self.0.read(sql, &[Value::Int(now), Value::Int(limit.into())]).await?;
        rows.iter().map(rows::follower).collect()
    }

    async fn follower_counts(&self, now: i64, current_since: i64) -> Result<FollowerCounts> {
        let sql = "SELECT count(*) AS n, count(CASE WHEN current_at < $2 THEN 1 END) AS behind,
             min(nullif(current_at, 0)) AS oldest FROM followers WHERE expires_at > $1";
        let rows = self.0.read(sql, &[Value::Int(now), Value::Int(current_since)]).await?;
        let Some(row) = rows.first() else { return Ok(FollowerCounts::default()) };
        Ok(FollowerCounts { all: row.get("n")?, behind: row.get("behind")?, oldest: row.get("oldest")? })
    }

    async fn note_use(&self, client_id: &str, credential_id: &str, at: i64) -> Result<()> {
        let sql = "INSERT INTO credential_uses (client_id, credential_id, used_at)
             SELECT id, $2, $3 FROM clients WHERE id = $1
             ON CONFLICT (client_id, credential_id) DO UPDATE SET used_at = excluded.used_at
             WHERE excluded.used_at >= credential_uses.used_at + 60";
        let args = [Value::Text(client_id), Value::Text(credential_id), Value::Int(at)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn uses(&self, client_id: &str) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT credential_id, used_at FROM credential_uses WHERE client_id = $1";
        let rows = self.0.read(sql, &[Value::Text(client_id)]).await?;
        rows.iter().map(|row| Ok((row.get("credential_id")?, row.get("used_at")?))).collect()
    }

    async fn totals(&self) -> Result<(i64, i64, i64)> {
        let most = [Value::Int(COUNTED)];
        let count =
            async |sql| -> Result<i64> { self.0.read(sql, &most).await?.first().map_or(Ok(0), |row| row.get("n")) };
        Ok((count(CLIENTS).await?, count(PEOPLE).await?, count(DISABLED).await?))
    }
}
