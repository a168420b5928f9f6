//! [`UsedOnce`] in SQL.

use super::{Backend, SqlStore, Value};
use crate::model::Digest;
use crate::storage::{Result, UsedOnce};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> UsedOnce for SqlStore<B> {
    async fn use_once(&self, name: &Digest, expires_at: i64) -> Result<bool> {
        let sql = "INSERT INTO used_once (digest, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        Ok(self.0.write(sql, &[Value::Blob(&name.0), Value::Int(expires_at)]).await? == 1)
    }
}
