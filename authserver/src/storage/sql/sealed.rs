//! [`SealedTexts`] in SQL.

use super::audited::audited;
use super::{Backend, SqlStore, Step, Value};
use crate::model::Change;
use crate::storage::{Result, SealedKind, SealedTexts};
use async_trait::async_trait;

/// The statements about a kind, by its table, the column of its name, and that of the sealed text.
macro_rules! statements {
    ($table:literal, $name:literal, $sealed:literal) => {
        (
            concat!(
                "SELECT ",
                $name,
                " AS name, ",
                $sealed,
                " AS sealed FROM ",
                $table,
                " WHERE ",
                $name,
                " > $1 AND ",
                $sealed,
                " IS NOT NULL ORDER BY ",
                $name,
                " LIMIT $2"
            ),
            concat!("UPDATE ", $table, " SET ", $sealed, " = $3 WHERE ", $name, " = $1 AND ", $sealed, " = $2"),
        )
    };
}

fn statements(kind: SealedKind) -> (&'static str, &'static str) {
    match kind {
        SealedKind::SigningKey => statements!("signing_keys", "kid", "sealed_private"),
        SealedKind::Totp => statements!("totp", "person_id", "sealed"),
        SealedKind::ClientSecret => statements!("clients", "id", "sealed_secret"),
        SealedKind::Constant => statements!("constants", "name", "value"),
    }
}

#[async_trait]
impl<B: Backend> SealedTexts for SqlStore<B> {
    async fn sealed_texts(&self, kind: SealedKind, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>> {
        let (sql, _) = statements(kind);
        let rows = self.0.read(sql, &[Value::Text(after), Value::Int(limit.into())]).await?;
        rows.iter().map(|row| Ok((row.get("name")?, row.get("sealed")?))).collect()
    }

    async fn replace_sealed(
        &self,
        kind: SealedKind,
        name: &str,
        old: &[u8],
        new: &[u8],
        change: Option<&Change>,
    ) -> Result<bool> {
        let (_, sql) = statements(kind);
        let replace = vec![Step::must(sql, vec![Value::Text(name), Value::Blob(old), Value::Blob(new)])];
        match change {
            Some(change) => audited(&self.0, replace, change).await,
            None => self.0.together(&replace).await,
        }
    }
}
