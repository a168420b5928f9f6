//! [`TrustedIssuers`] in SQL.

use super::{Backend, Row, SqlStore, Value, json};
use crate::model::TrustedIssuer;
use crate::storage::{Result, TrustedIssuers};
use async_trait::async_trait;

/// Takes issuer, settings and created_at.
pub(super) const PUT_ISSUER: &str = "INSERT INTO trusted_issuers (issuer, settings, created_at) VALUES ($1, $2, $3)
     ON CONFLICT (issuer) DO UPDATE SET settings = excluded.settings";
/// Takes issuer.
pub(super) const REMOVE_ISSUER: &str = "DELETE FROM trusted_issuers WHERE issuer = $1";

#[async_trait]
impl<B: Backend> TrustedIssuers for SqlStore<B> {
    async fn put_issuer(&self, issuer: &TrustedIssuer) -> Result<()> {
        let args = [Value::Text(&issuer.issuer), Value::Text(&json(&issuer.settings)?), Value::Int(issuer.created_at)];
        self.0.write(PUT_ISSUER, &args).await.map(drop)
    }

    async fn issuer(&self, issuer: &str) -> Result<Option<TrustedIssuer>> {
        // PostgreSQL has no text with a zero character.
        if issuer.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT issuer, settings, created_at FROM trusted_issuers WHERE issuer = $1";
        self.0.read(sql, &[Value::Text(issuer)]).await?.first().map(read).transpose()
    }

    async fn issuers(&self) -> Result<Vec<TrustedIssuer>> {
        let sql = "SELECT issuer, settings, created_at FROM trusted_issuers ORDER BY issuer";
        self.0.read(sql, &[]).await?.iter().map(read).collect()
    }

    async fn remove_issuer(&self, issuer: &str) -> Result<bool> {
        Ok(self.0.write(REMOVE_ISSUER, &[Value::Text(issuer)]).await? > 0)
    }
}

fn read(row: &Row) -> Result<TrustedIssuer> {
    Ok(TrustedIssuer {
        issuer: row.get("issuer")?,
        settings: row.json("settings")?,
        created_at: row.get("created_at")?,
    })
}
