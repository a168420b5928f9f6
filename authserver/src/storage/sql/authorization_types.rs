//! [`AuthorizationTypes`] in SQL.

use super::audited::audited;
use super::{Backend, Row, SqlStore, Step, Value, json};
use crate::model::{AuthorizationType, Change, Versioned};
use crate::storage::{AuthorizationTypes, Result};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> AuthorizationTypes for SqlStore<B> {
    async fn authorization_types(&self) -> Result<Vec<AuthorizationType>> {
        let sql = "SELECT name, title, description, fields FROM authorization_types ORDER BY name";
        self.0.read(sql, &[]).await?.iter().map(read).collect()
    }

    async fn versioned_authorization_type(&self, name: &str) -> Result<Option<Versioned<AuthorizationType>>> {
        // PostgreSQL has no text with a zero character.
        if name.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT name, title, description, fields, version FROM authorization_types WHERE name = $1";
        let rows = self.0.read(sql, &[Value::Text(name)]).await?;
        rows.first().map(|row| Ok(Versioned { value: read(row)?, version: row.get("version")? })).transpose()
    }

    async fn add_authorization_type(&self, kind: &Versioned<AuthorizationType>, change: &Change) -> Result<bool> {
        let sql = "INSERT INTO authorization_types (name, title, description, fields, version)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let fields = json(&kind.value.fields)?;
        audited(&self.0, vec![Step::must(sql, values(&kind.value, &fields, kind.version))], change).await
    }

    async fn edit_authorization_type(&self, kind: &AuthorizationType, version: i64, change: &Change) -> Result<bool> {
        let sql = "UPDATE authorization_types SET title = $2, description = $3, fields = $4
             WHERE name = $1 AND version = $5";
        let fields = json(&kind.fields)?;
        audited(&self.0, vec![Step::must(sql, values(kind, &fields, version))], change).await
    }

    async fn delete_authorization_type(&self, name: &str, version: i64, change: &Change) -> Result<bool> {
        let sql = "DELETE FROM authorization_types WHERE name = $1 AND version = $2";
        audited(&self.0, vec![Step::must(sql, vec![Value::Text(name), Value::Int(version)])], change).await
    }
}

/// What a type is written with, and the version that it begins with or must still be at.
fn values<'a>(kind: &'a AuthorizationType, fields: &'a str, version: i64) -> Vec<Value<'a>> {
    let texts = [kind.name.as_str(), &kind.title, &kind.description, fields].map(Value::Text);
    texts.into_iter().chain([Value::Int(version)]).collect()
}

fn read(row: &Row) -> Result<AuthorizationType> {
    Ok(AuthorizationType {
        name: row.get("name")?,
        title: row.get("title")?,
        description: row.get("description")?,
        fields: row.json("fields")?,
    })
}
