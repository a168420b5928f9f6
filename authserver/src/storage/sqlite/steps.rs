//! The steps that write more than one row, each a transaction. There is one writer, so nothing changes between a
//! transaction's first statement and its last.

use super::{SqliteBackend, execute, fetch};
use crate::model::{AuthorizationCode, Digest, NewRefreshToken, Revocation, Session, SigningKey};
use crate::storage::sql::{
    ADD_KEY, Backend, END_SESSION, Prune, REFRESH_TOKEN, Row, Step, Value, bind, code_values, confirmation,
    create_session, grant_values, json, key_values, lost_rotation, prune_statements, record_revocation,
    revocation_values, session_values,
};
use crate::storage::{Changes, FeedRead, Redeemed, Result, Rotated};
use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;

const RECORD_REVOCATION: &str = record_revocation!("VALUES ($1, $2, $3, $4, $5, $6)");

#[async_trait]
impl Backend for SqliteBackend {
    const PRUNE: &'static [(Prune, &'static str)] = prune_statements!("");

    async fn read(&self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        Ok(bind!(sql, args).fetch_all(&self.readers).await?.into_iter().map(Row::Sqlite).collect())
    }

    async fn write_returning(&self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        let rows = bind!(sql, args).fetch_all(&self.writer).await?;
        self.changes.look();
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    async fn write(&self, sql: &'static str, args: &[Value<'_>]) -> Result<u64> {
        let done = bind!(sql, args).execute(&self.writer).await?;
        self.changes.look();
        Ok(done.rows_affected())
    }

    async fn together(&self, steps: &[Step<'_>]) -> Result<bool> {
        let mut tx = self.begin().await?;
        for step in steps {
            if execute(&mut tx, step.sql, &step.args).await? == 0 && step.must {
                // Dropped, the transaction is undone.
                return Ok(false);
            }
        }
        self.commit(tx).await?;
        Ok(true)
    }

    fn changes(&self) -> Changes {
        self.changes.subscribe()
    }

    async fn disable_client(&self, id: &str, revocation: &Revocation) -> Result<bool> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE clients SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1";
        let found = execute(&mut tx, sql, &[Value::Text(id), Value::Int(revocation.created_at)]).await? > 0;
        if found {
            execute(&mut tx, RECORD_REVOCATION, &revocation_values(revocation)).await?;
        }
        self.commit(tx).await?;
        Ok(found)
    }

    async fn replace_session(&self, id: &Digest, session: &Session, replaces: &Digest) -> Result<()> {
        let mut tx = self.begin().await?;
        execute(&mut tx, END_SESSION, &[Value::Blob(&replaces.0)]).await?;
        execute(&mut tx, create_session!(), &session_values(id, session)).await?;
        self.commit(tx).await
    }

    async fn authorize(&self, code: &Digest, authorization: &AuthorizationCode) -> Result<()> {
        let grant = &authorization.grant;
        let mut tx = self.begin().await?;
        for scope in grant.scope.iter() {
            let sql = "INSERT INTO consents (person_id, client_id, scope, granted_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING";
            let args = [
                Value::Text(&grant.person_id),
                Value::Text(&grant.client_id),
                Value::Text(scope),
                Value::Int(grant.created_at),
            ];
            execute(&mut tx, sql, &args).await?;
        }
        add_grant(&mut tx, code, authorization).await?;
        self.commit(tx).await
    }

    async fn create_grant(
        &self,
        code: &Digest,
        authorization: &AuthorizationCode,
        refresh: Option<&NewRefreshToken>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        add_grant(&mut tx, code, authorization).await?;
        if let Some(refresh) = refresh {
            add_refresh_token(&mut tx, &authorization.grant.id, refresh).await?;
        }
        self.commit(tx).await
    }

    async fn redeem_code(&self, code: &Digest, now: i64, refresh: Option<&NewRefreshToken>) -> Result<Redeemed> {
        let mut tx = self.begin().await?;
        let sql =
            "SELECT g.id, g.revoked_at, c.used_at FROM codes c JOIN grants g ON g.id = c.grant_id WHERE c.digest = $1";
        let rows = fetch(&mut tx, sql, &[Value::Blob(&code.0)]).await?;
        let Some(row) = rows.first() else { return Ok(Redeemed::Revoked) };
        if row.get::<Option<i64>>("revoked_at")?.is_some() {
            return Ok(Redeemed::Revoked);
        }
        if row.get::<Option<i64>>("used_at")?.is_some() {
            return Ok(Redeemed::Before);
        }
        let sql = "UPDATE codes SET used_at = $2 WHERE digest = $1";
        execute(&mut tx, sql, &[Value::Blob(&code.0), Value::Int(now)]).await?;
        if let Some(refresh) = refresh {
            add_refresh_token(&mut tx, row.get("id")?, refresh).await?;
        }
        self.commit(tx).await?;
        Ok(Redeemed::Now)
    }

    async fn rotate_refresh(
        &self,
        token: &Digest,
        now: i64,
        successor: &NewRefreshToken,
        sealed: &[u8],
    ) -> Result<Rotated> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE refresh_tokens SET spent_at = $2, successor = $3 WHERE digest = $1 AND spent_at IS NULL
             AND EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND g.revoked_at IS NULL) RETURNING grant_id";
        let won = fetch(&mut tx, sql, &[Value::Blob(&token.0), Value::Int(now), Value::Blob(sealed)]).await?;
        let Some(row) = won.first() else {
            return lost_rotation(fetch(&mut tx, REFRESH_TOKEN, &[Value::Blob(&token.0)]).await?.first());
        };
        add_refresh_token(&mut tx, row.get("grant_id")?, successor).await?;
        self.commit(tx).await?;
        Ok(Rotated::Now)
    }

    async fn revoke_grant(&self, id: &str, revocation: &Revocation) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        execute(&mut tx, sql, &[Value::Text(id), Value::Int(revocation.created_at)]).await?;
        execute(&mut tx, RECORD_REVOCATION, &revocation_values(revocation)).await?;
        self.commit(tx).await
    }

    async fn feed(&self, after: Option<&str>, limit: u32, now: i64) -> Result<FeedRead> {
        super::feed::read(&self.readers, after, limit, now).await
    }

    async fn reset_feed(&self) -> Result<()> {
        // The count moves too, so that whoever waits looks again.
        let sql = "UPDATE state SET feed_epoch = lower(hex(randomblob(8))), revocations = revocations + 1";
        self.write(sql, &[]).await.map(drop)
    }

    async fn init_signing_keys(&self, active: &SigningKey, next: &SigningKey) -> Result<()> {
        let mut tx = self.begin().await?;
        let sql = "SELECT kid FROM signing_keys WHERE line = $1 LIMIT 1";
        if fetch(&mut tx, sql, &[Value::Text(&active.line)]).await?.is_empty() {
            execute(&mut tx, ADD_KEY, &key_values(active)).await?;
            execute(&mut tx, ADD_KEY, &key_values(next)).await?;
        }
        self.commit(tx).await
    }

    async fn rotate_signing_keys(&self, next_kid: &str, activates_at: i64, new_next: &SigningKey) -> Result<bool> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE signing_keys SET activates_at = $2 WHERE kid = $1 AND activates_at IS NULL";
        let won = execute(&mut tx, sql, &[Value::Text(next_kid), Value::Int(activates_at)]).await? > 0;
        if won {
            execute(&mut tx, ADD_KEY, &key_values(new_next)).await?;
        }
        self.commit(tx).await?;
        Ok(won)
    }
}

async fn add_grant(tx: &mut SqliteConnection, code: &Digest, authorization: &AuthorizationCode) -> Result<()> {
    let grant = &authorization.grant;
    let sql = "INSERT INTO grants (id, client_id, person_id, scope, auth_time, acr, details, created_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    execute(tx, sql, &grant_values(grant, &grant.scope.to_string(), &json(&grant.details)?)).await?;
    let sql = "INSERT INTO codes (digest, grant_id, redirect_uri, code_challenge, expires_at, used_at)
         VALUES ($1, $2, $3, $4, $5, $6)";
    execute(tx, sql, &code_values(code, authorization)).await.map(drop)
}

async fn add_refresh_token(tx: &mut SqliteConnection, grant_id: &str, token: &NewRefreshToken) -> Result<()> {
    let sql = "INSERT INTO refresh_tokens (digest, grant_id, issued_at, expires_at, cnf) VALUES ($1, $2, $3, $4, $5)";
    let cnf = confirmation(&token.confirmation)?;
    let args = [
        Value::Blob(&token.digest.0),
        Value::Text(grant_id),
        Value::Int(token.issued_at),
        Value::Int(token.expires_at),
        Value::OptText(cnf.as_deref()),
    ];
    execute(tx, sql, &args).await.map(drop)
}
