//! [`Devices`] in SQL.

use super::store::taken;
use super::{Backend, Row, SqlStore, Value, json};
use crate::model::{AuthorizationCode, DeviceCode, Digest, NewRefreshToken, Polled};
use crate::storage::{Devices, Result, StoreError};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> Devices for SqlStore<B> {
    async fn create_device_code(&self, device: &DeviceCode) -> Result<()> {
        let sql = "INSERT INTO device_codes (digest, user_code, client_id, scope, details, poll_interval, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let args = [
            Value::Blob(&device.code.0),
            Value::Blob(&device.user_code.0),
            Value::Text(&device.client_id),
            Value::Text(&device.scope.to_string()),
            Value::Text(&json(&device.details)?),
            Value::Int(device.interval),
            Value::Int(device.expires_at),
        ];
        taken(self.0.write(sql, &args).await?, "device code")
    }

    async fn device_by_user_code(&self, user_code: &Digest) -> Result<Option<DeviceCode>> {
        let sql = "SELECT d.digest, d.user_code, d.client_id, d.scope, d.details, d.poll_interval, d.expires_at,
                 CAST(CASE WHEN d.denied_at IS NOT NULL OR EXISTS (SELECT 1 FROM codes c WHERE c.digest = d.digest)
                 THEN 1 ELSE 0 END AS BIGINT) AS decided
             FROM device_codes d WHERE d.user_code = $1";
        self.0.read(sql, &[Value::Blob(&user_code.0)]).await?.first().map(read).transpose()
    }

    async fn poll_device(&self, code: &Digest, client_id: &str, now: i64) -> Result<Option<Polled>> {
        let sql = "UPDATE device_codes SET polled_at = $3,
                 too_fast = CASE WHEN $3 < polled_at + poll_interval THEN 1 ELSE 0 END,
                 poll_interval = CASE WHEN $3 < polled_at + poll_interval THEN poll_interval + 5 ELSE poll_interval END
             WHERE digest = $1 AND client_id = $2 RETURNING too_fast, denied_at, expires_at";
        let args = [Value::Blob(&code.0), Value::Text(client_id), Value::Int(now)];
        let rows = self.0.write_returning(sql, &args).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Polled {
            too_fast: row.get::<i64>("too_fast")? != 0,
            denied: row.get::<Option<i64>>("denied_at")?.is_some(),
            expires_at: row.get("expires_at")?,
        }))
    }

    async fn deny_device(&self, code: &Digest, now: i64) -> Result<bool> {
        let sql = "UPDATE device_codes SET denied_at = $2 WHERE digest = $1 AND denied_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM codes c WHERE c.digest = device_codes.digest)";
        Ok(self.0.write(sql, &[Value::Blob(&code.0), Value::Int(now)]).await? > 0)
    }

    async fn create_grant(
        &self,
        code: &Digest,
        authorization: &AuthorizationCode,
        refresh: Option<&NewRefreshToken>,
    ) -> Result<()> {
        self.0.create_grant(code, authorization, refresh).await
    }
}

fn read(row: &Row) -> Result<DeviceCode> {
    let digest =
        |column| row.digest(column)?.ok_or_else(|| StoreError::Corrupt(format!("device_codes.{column}: is not there")));
    Ok(DeviceCode {
        code: digest("digest")?,
        user_code: digest("user_code")?,
        client_id: row.get("client_id")?,
        scope: row.scope("scope")?,
        details: row.json("details")?,
        interval: row.get("poll_interval")?,
        expires_at: row.get("expires_at")?,
        decided: row.get::<i64>("decided")? != 0,
    })
}
