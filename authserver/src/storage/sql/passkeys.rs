//! [`Passkeys`] in SQL.

use super::accounts::{codes_go_with_the_last_factor, new_codes};
use super::audited::audited;
use super::{Backend, SqlStore, Step, Value, rows};
use crate::model::{Change, Digest, Passkey};
use crate::storage::{Passkeys, Result};
use async_trait::async_trait;

macro_rules! passkey_query {
    ($condition:literal) => {
        concat!("SELECT id, person_id, label, credential, added_at, used_at FROM passkeys WHERE ", $condition)
    };
}

#[async_trait]
impl<B: Backend> Passkeys for SqlStore<B> {
    async fn add_passkey(&self, passkey: &Passkey, codes: &[Digest], change: &Change) -> Result<bool> {
        let sql = "INSERT INTO passkeys (id, person_id, label, credential, added_at, used_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let args = vec![
            Value::Blob(&passkey.id),
            Value::Text(&passkey.person_id),
            Value::Text(&passkey.label),
            Value::Text(&passkey.credential),
            Value::Int(passkey.added_at),
            Value::OptInt(passkey.used_at),
        ];
        let mut steps = vec![Step::must(sql, args)];
        if !codes.is_empty() {
            steps.extend(new_codes(&passkey.person_id, codes));
        }
        audited(&self.0, steps, change).await
    }

    async fn passkeys(&self, person_id: &str) -> Result<Vec<Passkey>> {
        let sql = passkey_query!("person_id = $1 ORDER BY added_at, id");
        self.0.read(sql, &[Value::Text(person_id)]).await?.iter().map(rows::passkey).collect()
    }

    async fn passkey(&self, id: &[u8]) -> Result<Option<Passkey>> {
        let rows = self.0.read(passkey_query!("id = $1"), &[Value::Blob(id)]).await?;
        rows.first().map(rows::passkey).transpose()
    }

    async fn use_passkey(&self, read: &Passkey, credential: &str, now: i64) -> Result<bool> {
        let sql = "UPDATE passkeys SET credential = $3, used_at = $4 WHERE id = $1 AND credential = $2";
        let args = [Value::Blob(&read.id), Value::Text(&read.credential), Value::Text(credential), Value::Int(now)];
        Ok(self.0.write(sql, &args).await? > 0)
    }

    async fn remove_passkey(&self, person_id: &str, id: &[u8], change: &Change) -> Result<bool> {
        let sql = "DELETE FROM passkeys WHERE person_id = $1 AND id = $2";
        let gone = Step::must(sql, vec![Value::Text(person_id), Value::Blob(id)]);
        audited(&self.0, vec![gone, codes_go_with_the_last_factor(person_id)], change).await
    }

    async fn remove_passkeys(&self, person_id: &str, change: &Change) -> Result<bool> {
        let gone = Step::must("DELETE FROM passkeys WHERE person_id = $1", vec![Value::Text(person_id)]);
        audited(&self.0, vec![gone, codes_go_with_the_last_factor(person_id)], change).await
    }
}
