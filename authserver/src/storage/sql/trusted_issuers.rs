//! [`TrustedIssuers`] in SQL.

use super::audited::audited;
use super::{Backend, Row, SqlStore, Step, Value, json};
use crate::model::{Change, TrustedIssuer, Versioned};
use crate::storage::{Result, TrustedIssuers};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> TrustedIssuers for SqlStore<B> {
    async fn put_issuer(&self, issuer: &TrustedIssuer) -> Result<()> {
        let sql = "INSERT INTO trusted_issuers (issuer, settings, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (issuer) DO UPDATE SET settings = excluded.settings";
        let args = [Value::Text(&issuer.issuer), Value::Text(&json(&issuer.settings)?), Value::Int(issuer.created_at)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn issuer(&self, issuer: &str) -> Result<Option<TrustedIssuer>> {
        Ok(self.versioned_issuer(issuer).await?.map(|found| found.value))
    }

    async fn versioned_issuer(&self, issuer: &str) -> Result<Option<Versioned<TrustedIssuer>>> {
        // PostgreSQL has no text with a zero character.
        if issuer.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT issuer, settings, created_at, version FROM trusted_issuers WHERE issuer = $1";
        self.0.read(sql, &[Value::Text(issuer)]).await?.first().map(read).transpose()
    }

    async fn issuers(&self) -> Result<Vec<Versioned<TrustedIssuer>>> {
        let sql = "SELECT issuer, settings, created_at, version FROM trusted_issuers ORDER BY issuer";
        self.0.read(sql, &[]).await?.iter().map(read).collect()
    }

    async fn add_issuer(&self, issuer: &Versioned<TrustedIssuer>, change: &Change) -> Result<bool> {
        let Versioned { value: issuer, version } = issuer;
        let sql = "INSERT INTO trusted_issuers (issuer, settings, created_at, version) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING";
        let settings = json(&issuer.settings)?;
        let texts = [Value::Text(&issuer.issuer), Value::Text(&settings)];
        let args = texts.into_iter().chain([Value::Int(issuer.created_at), Value::Int(*version)]).collect();
        audited(&self.0, vec![Step::must(sql, args)], change).await
    }

    async fn edit_issuer(&self, issuer: &TrustedIssuer, version: i64, change: &Change) -> Result<bool> {
        let sql = "UPDATE trusted_issuers SET settings = $2 WHERE issuer = $1 AND version = $3";
        let settings = json(&issuer.settings)?;
        let args = vec![Value::Text(&issuer.issuer), Value::Text(&settings), Value::Int(version)];
        audited(&self.0, vec![Step::must(sql, args)], change).await
    }

    async fn delete_issuer(&self, issuer: &str, version: i64, change: &Change) -> Result<bool> {
        let sql = "DELETE FROM trusted_issuers WHERE issuer = $1 AND version = $2";
        audited(&self.0, vec![Step::must(sql, vec![Value::Text(issuer), Value::Int(version)])], change).await
    }
}

fn read(row: &Row) -> Result<Versioned<TrustedIssuer>> {
    let value = TrustedIssuer {
        issuer: row.get("issuer")?,
        settings: row.json("settings")?,
        created_at: row.get("created_at")?,
    };
    Ok(Versioned { value, version: row.get("version")? })
}
