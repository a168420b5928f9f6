//! [`Registrations`] in SQL.

use super::audited::audited;
use super::registry::revoked;
use super::store::{CREATE_CLIENT, ClientTexts, client_values, edit_client, new_client_values};
use super::{Backend, Row, SqlStore, Step, Value};
use crate::model::{Change, Client, Digest, Revocation, Versioned};
use crate::storage::{InitialAccessToken, Registration, Registrations, Result, StoreError};
use async_trait::async_trait;

/// Takes the time.
pub(super) const INITIAL_ACCESS_TOKENS: &str =
    "SELECT digest, note, scopes, uses_left, expires_at, created_at FROM initial_access_tokens
     WHERE uses_left > 0 AND expires_at > $1 ORDER BY expires_at, digest LIMIT 1000";

#[async_trait]
impl<B: Backend> Registrations for SqlStore<B> {
    async fn put_initial_access_token(
        &self,
        token: &Digest,
        stored: &InitialAccessToken,
        change: &Change,
    ) -> Result<bool> {
        let sql = "INSERT INTO initial_access_tokens (digest, note, scopes, uses_left, expires_at, created_at)
             SELECT $1, $2, $3, $4, $5, $6
             WHERE (SELECT COUNT(*) FROM initial_access_tokens WHERE uses_left > 0 AND expires_at > $6) < 1000";
        let scopes = stored.scopes.to_string();
        let args = vec![
            Value::Blob(&token.0),
            Value::Text(&stored.note),
            Value::Text(&scopes),
            Value::Int(stored.uses_left.into()),
            Value::Int(stored.expires_at),
            Value::Int(stored.created_at),
        ];
        audited(&self.0, vec![Step::must(sql, args)], change).await
    }

    async fn initial_access_tokens(&self, now: i64) -> Result<Vec<(Digest, InitialAccessToken)>> {
        let rows = self.0.read(INITIAL_ACCESS_TOKENS, &[Value::Int(now)]).await?;
        let missing = || StoreError::Corrupt("initial_access_tokens: no digest".to_owned());
        rows.iter().map(|row| Ok((row.digest("digest")?.ok_or_else(missing)?, initial(row)?))).collect()
    }

    async fn delete_initial_access_token(&self, token: &Digest, change: &Change) -> Result<bool> {
        let sql = "DELETE FROM initial_access_tokens WHERE digest = $1";
        audited(&self.0, vec![Step::must(sql, vec![Value::Blob(&token.0)])], change).await
    }

    async fn initial_access_token(&self, token: &Digest, now: i64) -> Result<Option<InitialAccessToken>> {
        let sql = "SELECT note, scopes, uses_left, expires_at, created_at FROM initial_access_tokens
             WHERE digest = $1 AND uses_left > 0 AND expires_at > $2";
        let rows = self.0.read(sql, &[Value::Blob(&token.0), Value::Int(now)]).await?;
        rows.first().map(initial).transpose()
    }

    async fn register_by_token(
        &self,
        (initial, now): (&Digest, i64),
        client: &Versioned<Client>,
        registration: &Registration,
        change: &Change,
    ) -> Result<bool> {
        let spend = "UPDATE initial_access_tokens SET uses_left = uses_left - 1
             WHERE digest = $1 AND uses_left > 0 AND expires_at > $2";
        let manage = "INSERT INTO registration_access_tokens (client_id, digest, scopes) VALUES ($1, $2, $3)";
        let texts = ClientTexts::of(&client.value)?;
        let scopes = registration.scopes.to_string();
        let steps = vec![
            Step::must(spend, vec![Value::Blob(&initial.0), Value::Int(now)]),
            Step::must(CREATE_CLIENT, new_client_values(client, &texts)),
            Step::new(
                manage,
                vec![Value::Text(&client.value.id), Value::Blob(&registration.token.0), Value::Text(&scopes)],
            ),
        ];
        audited(&self.0, steps, change).await
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

    async fn replace_registered(&self, client: &Client, version: i64, token: &Digest, change: &Change) -> Result<bool> {
        let sql = edit_client!(
            " AND disabled_at IS NULL AND EXISTS
                 (SELECT 1 FROM registration_access_tokens WHERE client_id = $1 AND digest = $15)"
        );
        let texts = ClientTexts::of(client)?;
        let mut args = client_values(client, &texts).to_vec();
        args.extend([Value::Int(version), Value::Blob(&token.0)]);
        audited(&self.0, vec![Step::must(sql, args)], change).await
    }

    async fn end_registration(
        &self,
        client_id: &str,
        token: &Digest,
        revocation: &Revocation,
        change: &Change,
    ) -> Result<bool> {
        let end = "DELETE FROM registration_access_tokens WHERE client_id = $1 AND digest = $2";
        let disable = "UPDATE clients SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1";
        let steps = vec![
            Step::must(end, vec![Value::Text(client_id), Value::Blob(&token.0)]),
            Step::must(disable, vec![Value::Text(client_id), Value::Int(revocation.created_at)]),
            revoked(revocation),
        ];
        audited(&self.0, steps, change).await
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
