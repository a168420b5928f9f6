//! The steps that write more than one row, each one statement.

use super::{PostgresBackend, corrupt};
use crate::model::{AuthorizationCode, Digest, NewRefreshToken, Revocation, Session, SigningKey};
use crate::storage::sql::{
    ADD_KEY, Backend, Prune, REFRESH_TOKEN, Row, Step, Value, bind, code_values, confirmation, create_session,
    grant_values, json, key_values, lost_rotation, prune_statements, record_revocation, revocation_values,
    session_values,
};
use crate::storage::{Changes, FeedRead, Redeemed, Result, Rotated};
use async_trait::async_trait;

/// The grant behind a code or a token, locked against being revoked until this statement has committed. Whoever waited for
/// a revocation sees it: a locked row is read in its newest version.
macro_rules! locked_grant {
    ($table:literal) => {
        concat!(
            "grant_row AS MATERIALIZED (SELECT g.id, g.revoked_at FROM ",
            $table,
            " t JOIN grants g ON g.id = t.grant_id WHERE t.digest = $1 FOR SHARE OF g)"
        )
    };
}

#[async_trait]
impl Backend for PostgresBackend {
    const PRUNE: &'static [(Prune, &'static str)] = prune_statements!(" FOR UPDATE SKIP LOCKED");

    async fn read(&self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        Ok(bind!(sql, args).fetch_all(&self.pool).await?.into_iter().map(Row::Postgres).collect())
    }

    async fn write_returning(&self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        self.read(sql, args).await
    }

    async fn write(&self, sql: &'static str, args: &[Value<'_>]) -> Result<u64> {
        Ok(bind!(sql, args).execute(&self.pool).await?.rows_affected())
    }

    async fn together(&self, steps: &[Step<'_>]) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        for step in steps {
            if bind!(step.sql, step.args).execute(&mut *tx).await?.rows_affected() == 0 && step.must {
                // Dropped, the transaction is undone.
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    fn changes(&self) -> Changes {
        self.changes.subscribe()
    }

    async fn disable_client(&self, id: &str, revocation: &Revocation) -> Result<bool> {
        let sql = concat!(
            "WITH client AS (
                 UPDATE clients SET disabled_at = coalesce(disabled_at, $6) WHERE id = $7 RETURNING id
             ), recorded AS (",
            record_revocation!("SELECT $1::bigint, $2::text, $3::text, $4::bigint, $5::bigint, $6::bigint FROM client"),
            ") SELECT id FROM client"
        );
        Ok(!self.read(sql, &and(&revocation_values(revocation), &[Value::Text(id)])).await?.is_empty())
    }

    async fn replace_session(&self, id: &Digest, session: &Session, replaces: &Digest) -> Result<()> {
        let sql = concat!("WITH gone AS (DELETE FROM sessions WHERE id = $7) ", create_session!());
        self.write(sql, &and(&session_values(id, session), &[Value::Blob(&replaces.0)])).await.map(drop)
    }

    async fn authorize(&self, code: &Digest, authorization: &AuthorizationCode) -> Result<()> {
        let sql = "WITH consent AS (
                 INSERT INTO consents (person_id, client_id, scope, granted_at)
                 SELECT $3, $2, scope, $8 FROM unnest(string_to_array($4, ' ')) AS scope ON CONFLICT DO NOTHING
             ), grant_row AS (
                 INSERT INTO grants (id, client_id, person_id, scope, auth_time, acr, details, created_at, revoked_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             )
             INSERT INTO codes (digest, grant_id, redirect_uri, code_challenge, expires_at, used_at)
             VALUES ($10, $11, $12, $13, $14, $15)";
        let scope = authorization.grant.scope.to_string();
        let details = json(&authorization.grant.details)?;
        let args = and(&grant_values(&authorization.grant, &scope, &details), &code_values(code, authorization));
        self.write(sql, &args).await.map(drop)
    }

    async fn create_grant(
        &self,
        code: &Digest,
        authorization: &AuthorizationCode,
        refresh: Option<&NewRefreshToken>,
    ) -> Result<()> {
        let sql = "WITH grant_row AS (
                 INSERT INTO grants (id, client_id, person_id, scope, auth_time, acr, details, created_at, revoked_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ), token AS (
                 INSERT INTO refresh_tokens (digest, grant_id, issued_at, expires_at, cnf)
                 SELECT $16::bytea, $11::text, $17::bigint, $18::bigint, $19::text WHERE $16::bytea IS NOT NULL
             )
             INSERT INTO codes (digest, grant_id, redirect_uri, code_challenge, expires_at, used_at)
             VALUES ($10, $11, $12, $13, $14, $15)";
        let scope = authorization.grant.scope.to_string();
        let details = json(&authorization.grant.details)?;
        let cnf = refresh.map(|r| confirmation(&r.confirmation)).transpose()?.flatten();
        let mut args = and(&grant_values(&authorization.grant, &scope, &details), &code_values(code, authorization));
        args.extend([
            Value::OptBlob(refresh.map(|r| r.digest.0.as_slice())),
            Value::OptInt(refresh.map(|r| r.issued_at)),
            Value::OptInt(refresh.map(|r| r.expires_at)),
            Value::OptText(cnf.as_deref()),
        ]);
        self.write(sql, &args).await.map(drop)
    }

    async fn redeem_code(&self, code: &Digest, now: i64, refresh: Option<&NewRefreshToken>) -> Result<Redeemed> {
        let sql = concat!(
            "WITH ",
            locked_grant!("codes"),
            ", spent AS (
                 UPDATE codes c SET used_at = $2 FROM grant_row g
                 WHERE c.digest = $1 AND c.used_at IS NULL AND g.revoked_at IS NULL RETURNING c.grant_id
             ), token AS (
                 INSERT INTO refresh_tokens (digest, grant_id, issued_at, expires_at, cnf)
                 SELECT $3::bytea, grant_id, $4::bigint, $5::bigint, $6::text FROM spent WHERE $3::bytea IS NOT NULL
             )
             SELECT g.revoked_at, EXISTS (SELECT 1 FROM spent) AS won FROM grant_row g"
        );
        let cnf = refresh.map(|r| confirmation(&r.confirmation)).transpose()?.flatten();
        let args = [
            Value::Blob(&code.0),
            Value::Int(now),
            Value::OptBlob(refresh.map(|r| r.digest.0.as_slice())),
            Value::OptInt(refresh.map(|r| r.issued_at)),
            Value::OptInt(refresh.map(|r| r.expires_at)),
            Value::OptText(cnf.as_deref()),
        ];
        let rows = self.read(sql, &args).await?;
        let Some(row) = rows.first() else { return Ok(Redeemed::Revoked) };
        Ok(match (row.get("won")?, row.get::<Option<i64>>("revoked_at")?) {
            (true, _) => Redeemed::Now,
            (false, None) => Redeemed::Before,
            (false, Some(_)) => Redeemed::Revoked,
        })
    }

    async fn rotate_refresh(
        &self,
        token: &Digest,
        now: i64,
        successor: &NewRefreshToken,
        sealed: &[u8],
    ) -> Result<Rotated> {
        let sql = concat!(
            "WITH ",
            locked_grant!("refresh_tokens"),
            ", spent AS (
                 UPDATE refresh_tokens t SET spent_at = $2, successor = $3 FROM grant_row g
                 WHERE t.digest = $1 AND t.spent_at IS NULL AND g.revoked_at IS NULL RETURNING t.grant_id
             )
             INSERT INTO refresh_tokens (digest, grant_id, issued_at, expires_at, cnf)
             SELECT $4::bytea, grant_id, $5::bigint, $6::bigint, $7::text FROM spent"
        );
        let cnf = confirmation(&successor.confirmation)?;
        let args = [
            Value::Blob(&token.0),
            Value::Int(now),
            Value::Blob(sealed),
            Value::Blob(&successor.digest.0),
            Value::Int(successor.issued_at),
            Value::Int(successor.expires_at),
            Value::OptText(cnf.as_deref()),
        ];
        if self.write(sql, &args).await? > 0 {
            return Ok(Rotated::Now);
        }
        // Who won committed before this statement could lose, so a new one sees it.
        lost_rotation(self.read(REFRESH_TOKEN, &[Value::Blob(&token.0)]).await?.first())
    }

    async fn revoke_grant(&self, id: &str, revocation: &Revocation) -> Result<()> {
        let sql = concat!(
            "WITH grant_row AS (UPDATE grants SET revoked_at = $6 WHERE id = $7 AND revoked_at IS NULL) ",
            record_revocation!("VALUES ($1, $2, $3, $4, $5, $6)")
        );
        self.write(sql, &and(&revocation_values(revocation), &[Value::Text(id)])).await.map(drop)
    }

    async fn feed(&self, after: Option<&str>, limit: u32, now: i64) -> Result<FeedRead> {
        super::feed::read(&self.pool, self.identity, after, limit, now).await
    }

    async fn reset_feed(&self) -> Result<()> {
        let sql = "UPDATE state SET feed_epoch = substr(replace(gen_random_uuid()::text, '-', ''), 1, 16)";
        self.write(sql, &[]).await.map(drop)
    }

    async fn init_signing_keys(&self, active: &SigningKey, next: &SigningKey) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        // Replicas that start at once take turns; each statement after the lock sees what the one before committed.
        sqlx::query("SELECT 1 FROM state FOR UPDATE").execute(&mut *tx).await?;
        let sql = "SELECT 1 FROM signing_keys WHERE line = $1 LIMIT 1";
        if sqlx::query(sql).bind(&active.line).fetch_optional(&mut *tx).await?.is_none() {
            for key in [active, next] {
                bind!(ADD_KEY, key_values(key)).execute(&mut *tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    async fn rotate_signing_keys(&self, next_kid: &str, activates_at: i64, new_next: &SigningKey) -> Result<bool> {
        let sql = "WITH won AS (
                 UPDATE signing_keys SET activates_at = $9 WHERE kid = $8 AND activates_at IS NULL RETURNING kid
             )
             INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private, published_at, activates_at, line)
             SELECT $1::text, $2::text, $3::text, $4::bytea, $5::bigint, $6::bigint, $7::text FROM won";
        let args = and(&key_values(new_next), &[Value::Text(next_kid), Value::Int(activates_at)]);
        match self.write(sql, &args).await? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(corrupt("signing_keys: a kid twice")),
        }
    }
}

fn and<'a>(first: &[Value<'a>], second: &[Value<'a>]) -> Vec<Value<'a>> {
    [first, second].concat()
}
