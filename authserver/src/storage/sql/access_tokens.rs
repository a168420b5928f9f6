//! [`AccessTokens`] in SQL.

use super::{Backend, SqlStore, Value};
use crate::model::Digest;
use crate::storage::{AccessTokens, Result};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> AccessTokens for SqlStore<B> {
    async fn put_access_token(&self, token: &Digest, payload: &[u8], expires_at: i64) -> Result<()> {
        let sql = "INSERT INTO access_tokens (digest, payload, expires_at) VALUES ($1, $2, $3)";
        self.0.write(sql, &[Value::Blob(&token.0), Value::Blob(payload), Value::Int(expires_at)]).await.map(drop)
    }

    async fn access_token(&self, token: &Digest, now: i64) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT payload FROM access_tokens WHERE digest = $1 AND expires_at > $2";
        let rows = self.0.read(sql, &[Value::Blob(&token.0), Value::Int(now)]).await?;
        rows.first().map(|row| row.get("payload")).transpose()
    }
}
