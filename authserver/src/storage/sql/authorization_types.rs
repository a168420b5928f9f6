//! [`AuthorizationTypes`] in SQL.

use super::audited::audited;
use super::{Backend, SqlStore, Step, Value, json};
use crate::model::{AuthorizationType, Change};
use crate::storage::{AuthorizationTypes, Result};
use async_trait::async_trait;

#[async_trait]
impl<B: Backend> AuthorizationTypes for SqlStore<B> {
    async fn put_authorization_type(&self, kind: &AuthorizationType, change: &Change) -> Result<()> {
        let sql = "INSERT INTO authorization_types (name, title, description, fields) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE
             SET title = excluded.title, description = excluded.description, fields = excluded.fields";
        let fields = json(&kind.fields)?;
        let texts = [&kind.name, &kind.title, &kind.description, &fields];
        let args = texts.map(|text| Value::Text(text)).to_vec();
        audited(&self.0, vec![Step::new(sql, args)], change).await.map(drop)
    }

    async fn delete_authorization_type(&self, name: &str, change: &Change) -> Result<bool> {
        let sql = "DELETE FROM authorization_types WHERE name = $1";
        audited(&self.0, vec![Step::must(sql, vec![Value::Text(name)])], change).await
    }

    async fn authorization_types(&self) -> Result<Vec<AuthorizationType>> {
        let sql = "SELECT name, title, description, fields FROM authorization_types ORDER BY name";
        let rows = self.0.read(sql, &[]).await?;
        let read = |row: &super::Row| {
            Ok(AuthorizationType {
                name: row.get("name")?,
                title: row.get("title")?,
                description: row.get("description")?,
                fields: row.json("fields")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
