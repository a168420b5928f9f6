//! [`Accounts`] in SQL.

use super::audited::audited;
use super::registry::ended;
use super::{Backend, SqlStore, Step, Value, create_session, rows, session_values};
use crate::model::{Access, Change, Digest, Revocation, Session, SessionEntry, Totp};
use crate::storage::{Accounts, Result};
use async_trait::async_trait;

pub(super) const SESSIONS: &str = "SELECT id, auth_time, acr, expires_at, used_at, address, agent FROM sessions
     WHERE person_id = $1 AND expires_at > $2 AND used_at > $3 ORDER BY auth_time DESC, id";
pub(super) const ACCESS: &str = "SELECT s.client_id, c.name AS client_name, s.scope, s.granted_at FROM consents s
     JOIN clients c ON c.id = s.client_id WHERE s.person_id = $1 ORDER BY s.client_id, s.scope";

#[async_trait]
impl<B: Backend> Accounts for SqlStore<B> {
    async fn begin_session(
        &self,
        id: &Digest,
        session: &Session,
        whence: (Option<&str>, Option<&str>),
        replaces: Option<&Digest>,
        change: &Change,
    ) -> Result<()> {
        let mut steps = Vec::new();
        steps.extend(replaces.map(|old| Step::new(super::END_SESSION, vec![Value::Blob(&old.0)])));
        steps.push(Step::new(create_session!(), session_values(id, session).to_vec()));
        let sql = "UPDATE sessions SET address = $2, agent = $3 WHERE id = $1";
        steps.push(Step::new(sql, vec![Value::Blob(&id.0), Value::OptText(whence.0), Value::OptText(whence.1)]));
        audited(&self.0, steps, change).await.map(drop)
    }

    async fn use_session(&self, id: &Digest, at: i64) -> Result<()> {
        let sql = "UPDATE sessions SET used_at = $2 WHERE id = $1 AND used_at <= $2 - 60";
        self.0.write(sql, &[Value::Blob(&id.0), Value::Int(at)]).await.map(drop)
    }

    async fn sessions(&self, person_id: &str, now: i64, idle_since: i64) -> Result<Vec<SessionEntry>> {
        let rows = self.0.read(SESSIONS, &[Value::Text(person_id), Value::Int(now), Value::Int(idle_since)]).await?;
        rows.iter().map(rows::session_entry).collect()
    }

    async fn end_session_of(&self, person_id: &str, id: &Digest, change: &Change) -> Result<bool> {
        let sql = "DELETE FROM sessions WHERE id = $1 AND person_id = $2";
        let args = vec![Value::Blob(&id.0), Value::Text(person_id)];
        audited(&self.0, vec![Step::must(sql, args)], change).await
    }

    async fn end_other_sessions(&self, person_id: &str, but: &Digest, change: &Change) -> Result<()> {
        audited(&self.0, vec![others_end(person_id, but)], change).await.map(drop)
    }

    async fn change_password(
        &self,
        person_id: &str,
        (old, new): (&str, &str),
        (session, renamed): (&Digest, &Digest),
        change: &Change,
    ) -> Result<bool> {
        let sql = "UPDATE people SET password_hash = $3, password_at = $4 WHERE id = $1 AND password_hash = $2";
        let args = vec![Value::Text(person_id), Value::Text(old), Value::Text(new), Value::Int(change.at)];
        let rename = "UPDATE sessions SET id = $2 WHERE id = $1";
        let steps = vec![
            Step::must(sql, args),
            others_end(person_id, session),
            Step::new(rename, vec![Value::Blob(&session.0), Value::Blob(&renamed.0)]),
        ];
        audited(&self.0, steps, change).await
    }

    async fn totp(&self, person_id: &str) -> Result<Option<Totp>> {
        let sql = "SELECT sealed, last_step, added_at FROM totp WHERE person_id = $1";
        self.0.read(sql, &[Value::Text(person_id)]).await?.first().map(rows::totp).transpose()
    }

    async fn set_totp(&self, person_id: &str, totp: &Totp, codes: &[Digest], change: &Change) -> Result<()> {
        let sql = "INSERT INTO totp (person_id, sealed, added_at, last_step) VALUES ($1, $2, $3, $4)
             ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, added_at = excluded.added_at,
             last_step = excluded.last_step";
        let args = vec![
            Value::Text(person_id),
            Value::Blob(&totp.sealed),
            Value::Int(totp.added_at),
            Value::Int(totp.last_step),
        ];
        let mut steps = vec![Step::new(sql, args)];
        steps.extend(new_codes(person_id, codes));
        audited(&self.0, steps, change).await.map(drop)
    }

    async fn remove_totp(&self, person_id: &str, change: &Change) -> Result<bool> {
        let mut steps = vec![Step::must("DELETE FROM totp WHERE person_id = $1", vec![Value::Text(person_id)])];
        steps.push(codes_go_with_the_last_factor(person_id));
        audited(&self.0, steps, change).await
    }

    async fn use_totp_step(&self, person_id: &str, step: i64) -> Result<bool> {
        let sql = "UPDATE totp SET last_step = $2 WHERE person_id = $1 AND last_step < $2";
        Ok(self.0.write(sql, &[Value::Text(person_id), Value::Int(step)]).await? > 0)
    }

    async fn use_recovery_code(&self, person_id: &str, code: &Digest, change: &Change) -> Result<bool> {
        let sql = "UPDATE recovery_codes SET used_at = $3 WHERE digest = $1 AND person_id = $2 AND used_at IS NULL";
        let args = vec![Value::Blob(&code.0), Value::Text(person_id), Value::Int(change.at)];
        audited(&self.0, vec![Step::must(sql, args)], change).await
    }

    async fn set_recovery_codes(&self, person_id: &str, codes: &[Digest], change: &Change) -> Result<()> {
        let steps: Vec<_> = new_codes(person_id, codes).collect();
        audited(&self.0, steps, change).await.map(drop)
    }

    async fn recovery_codes_left(&self, person_id: &str) -> Result<i64> {
        let sql = "SELECT count(*) AS n FROM recovery_codes WHERE person_id = $1 AND used_at IS NULL";
        self.0.read(sql, &[Value::Text(person_id)]).await?.first().map_or(Ok(0), |row| row.get("n"))
    }

    async fn access(&self, person_id: &str) -> Result<Vec<Access>> {
        let mut found = Vec::new();
        for row in self.0.read(ACCESS, &[Value::Text(person_id)]).await? {
            rows::access(&row, &mut found)?;
        }
        Ok(found)
    }

    async fn live_grants(&self, person_id: &str, client_id: &str) -> Result<Vec<String>> {
        let sql = "SELECT id FROM grants WHERE person_id = $1 AND client_id = $2 AND revoked_at IS NULL";
        let rows = self.0.read(sql, &[Value::Text(person_id), Value::Text(client_id)]).await?;
        rows.iter().map(|row| row.get("id")).collect()
    }

    async fn withdraw(
        &self,
        person_id: &str,
        client_id: &str,
        grants: &[(String, Revocation)],
        change: &Change,
    ) -> Result<()> {
        let forget = "DELETE FROM consents WHERE person_id = $1 AND client_id = $2";
        let mut steps = vec![Step::new(forget, vec![Value::Text(person_id), Value::Text(client_id)])];
        steps.extend(ended(grants));
        audited(&self.0, steps, change).await.map(drop)
    }
}

fn others_end<'a>(person_id: &'a str, but: &'a Digest) -> Step<'a> {
    let sql = "DELETE FROM sessions WHERE person_id = $1 AND id <> $2";
    Step::new(sql, vec![Value::Text(person_id), Value::Blob(&but.0)])
}

/// The step after a factor was taken away.
pub(super) fn codes_go_with_the_last_factor(person_id: &str) -> Step<'_> {
    let sql = "DELETE FROM recovery_codes WHERE person_id = $1
         AND NOT EXISTS (SELECT 1 FROM totp WHERE person_id = $1)
         AND NOT EXISTS (SELECT 1 FROM passkeys WHERE person_id = $1)";
    Step::new(sql, vec![Value::Text(person_id)])
}

/// The steps that give a person these recovery codes and no others.
pub(super) fn new_codes<'a>(person_id: &'a str, codes: &'a [Digest]) -> impl Iterator<Item = Step<'a>> {
    let gone = Step::new("DELETE FROM recovery_codes WHERE person_id = $1", vec![Value::Text(person_id)]);
    std::iter::once(gone).chain(codes.iter().map(move |code| {
        let sql = "INSERT INTO recovery_codes (digest, person_id) VALUES ($1, $2)";
        Step::new(sql, vec![Value::Blob(&code.0), Value::Text(person_id)])
    }))
}
