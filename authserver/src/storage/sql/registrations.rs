//! [`Registrations`] in SQL.

use super::store::name;
use super::{Backend, Row, SqlStore, Value, json};
use crate::model::{Client, Digest};
use crate::storage::{InitialAccessToken, Registration, Registrations, Result, StoreError};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> Registrations for SqlStore<B> {
    async fn put_initial_access_token(&self, token: &Digest, stored: &InitialAccessToken) -> Result<()> {
        let sql = "INSERT INTO initial_access_tokens (digest, note, scopes, uses_left, expires_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)";
        let args = [
            Value::Blob(&token.0),
            Value::Text(&stored.note),
            Value::Text(&stored.scopes.to_string()),
            Value::Int(stored.uses_left.into()),
            Value::Int(stored.expires_at),
            Value::Int(stored.created_at),
        ];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn spend_initial_access_token(&self, token: &Digest, now: i64) -> Result<Option<InitialAccessToken>> {
        let sql = "UPDATE initial_access_tokens SET uses_left = uses_left - 1
             WHERE digest = $1 AND uses_left > 0 AND expires_at > $2
             RETURNING note, scopes, uses_left, expires_at, created_at";
        let rows = self.0.write_returning(sql, &[Value::Blob(&token.0), Value::Int(now)]).await?;
        rows.first().map(initial).transpose()
    }

    async fn put_registration(&self, client_id: &str, registration: &Registration) -> Result<()> {
        let sql = "INSERT INTO registration_access_tokens (client_id, digest, scopes) VALUES ($1, $2, $3)";
        let scopes = registration.scopes.to_string();
        let args = [Value::Text(client_id), Value::Blob(&registration.token.0), Value::Text(&scopes)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn registration(&self, client_id: &str) -> Result<Option<Registration>> {
        // PostgreSQL has no text with a zero character, so none is ever found.
        if client_id.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT digest, scopes FROM registration_access_tokens WHERE client_id = $1";
        let rows = self.0.read(sql, &[Value::Text(client_id)]).await?;
        let read = |row: &Row| {
            let token = row.digest("digest")?.ok_or_else(|| StoreError::Corrupt("digest: null".to_owned()))?;
            Ok(Registration { token, scopes: row.scope("scopes")? })
        };
        rows.first().map(read).transpose()
    }

    async fn replace_registered(&self, client: &Client, token: &Digest) -> Result<bool> {
        let sql = "UPDATE clients SET name = $3, auth_method = $4, secret = $5, sealed_secret = $6, grant_types = $7,
                 redirect_uris = $8, scopes = $9, default_scopes = $10, options = $11
             WHERE id = $1 AND disabled_at IS NULL AND EXISTS
                 (SELECT 1 FROM registration_access_tokens WHERE client_id = $1 AND digest = $2)";
        let args = [
            Value::Text(&client.id),
            Value::Blob(&token.0),
            Value::Text(&client.name),
            Value::Text(&name(&client.auth_method)?),
            Value::OptBlob(client.secret.as_ref().map(|d| d.0.as_slice())),
            Value::OptBlob(client.sealed_secret.as_deref()),
            Value::Text(&json(&client.grant_types)?),
            Value::Text(&json(&client.redirect_uris)?),
            Value::Text(&client.scopes.to_string()),
            Value::Text(&client.default_scopes.to_string()),
            Value::Text(&json(&client.options)?),
        ];
        Ok(self.0.write(sql, &args).await? > 0)
    }

    async fn end_registration(&self, client_id: &str) -> Result<()> {
        let sql = "DELETE FROM registration_access_tokens WHERE client_id = $1";
        self.0.write(sql, &[Value::Text(client_id)]).await.map(drop)
    }
}

fn initial(row: &Row) -> Result<InitialAccessToken> {
    let uses_left = u32::try_from(row.get::<i64>("uses_left")?);
    Ok(InitialAccessToken {
        note: row.get("note")?,
        scopes: row.scope("scopes")?,
        uses_left: uses_left.map_err(|e| StoreError::Corrupt(format!("uses_left: {e}")))?,
        expires_at: row.get("expires_at")?,
        created_at: row.get("created_at")?,
    })
}
