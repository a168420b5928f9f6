//! [`KeyLines`] in SQL.

use super::{Backend, SqlStore, Value};
use crate::storage::{KeyLines, Result};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> KeyLines for SqlStore<B> {
    async fn end_key_line(&self, line: &str, now: i64) -> Result<()> {
        let sql = "UPDATE signing_keys SET ended_at = $2 WHERE line = $1 AND ended_at IS NULL";
        self.0.write(sql, &[Value::Text(line), Value::Int(now)]).await.map(drop)
    }

    async fn resume_key_line(&self, line: &str) -> Result<()> {
        let sql = "UPDATE signing_keys SET ended_at = NULL WHERE line = $1 AND ended_at IS NOT NULL";
        self.0.write(sql, &[Value::Text(line)]).await.map(drop)
    }

    async fn delete_key_line(&self, line: &str, ended_before: i64) -> Result<bool> {
        let sql = "DELETE FROM signing_keys WHERE line = $1 AND ended_at < $2";
        Ok(self.0.write(sql, &[Value::Text(line), Value::Int(ended_before)]).await? > 0)
    }
}
