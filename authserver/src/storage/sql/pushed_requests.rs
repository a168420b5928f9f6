//! [`PushedRequests`] in SQL.

use super::{Backend, SqlStore, Value};
use crate::model::Digest;
use crate::storage::{PushedRequests, Result};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> PushedRequests for SqlStore<B> {
    async fn push_request(&self, reference: &Digest, client_id: &str, request: &str, expires_at: i64) -> Result<()> {
        let sql = "INSERT INTO pushed_requests (digest, client_id, request, expires_at) VALUES ($1, $2, $3, $4)";
        let args = [Value::Blob(&reference.0), Value::Text(client_id), Value::Text(request), Value::Int(expires_at)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn take_pushed_request(&self, reference: &Digest, client_id: &str, now: i64) -> Result<Option<String>> {
        let sql = "UPDATE pushed_requests SET used_at = $3
             WHERE digest = $1 AND client_id = $2 AND used_at IS NULL AND expires_at > $3 RETURNING request";
        let args = [Value::Blob(&reference.0), Value::Text(client_id), Value::Int(now)];
        self.0.write_returning(sql, &args).await?.first().map(|row| row.get("request")).transpose()
    }
}
