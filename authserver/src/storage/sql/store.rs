//! [`Store`] in SQL.

use super::{Backend, Prune, Row, SqlStore, Value, create_session, record_revocation, revocation_values, rows};
use crate::model::{
    AuthorizationCode, Client, Digest, Grant, NewRefreshToken, Person, RefreshToken, Revocation, Scope, Session,
    SigningKey, Versioned,
};
use crate::storage::{Changes, FeedRead, Redeemed, Result, Rotated, Store, StoreError};
use async_trait::async_trait;
use bearward_token::scope::ScopeSet;

/// Codes and refresh tokens stay this long after they expired, in seconds: so long does their grant explain the access
/// tokens that came from it, and so long is a replayed code noticed. No access token lives longer (`config`).
const KEEP: i64 = 24 * 60 * 60;

/// A grant's columns beside those of the code or token it is joined to.
macro_rules! grant_columns {
    () => {
        "g.id AS grant_id, g.client_id, g.person_id, g.scope, g.auth_time, g.acr, g.details, g.created_at, g.revoked_at"
    };
}
pub(super) use grant_columns;

macro_rules! client_columns {
    () => {
        "id, name, auth_method, secret, grant_types, redirect_uris, scopes, default_scopes, audience, options, \
         disabled_at, created_at, sealed_secret"
    };
}
pub(super) use client_columns;

/// Replaces what is registered of a client that is still at version `$14`; takes [`client_values`] first. The condition goes
/// on with `AND`.
macro_rules! edit_client {
    ($condition:literal) => {
        concat!(
            "UPDATE clients SET name = $2, auth_method = $3, secret = $4, grant_types = $5, redirect_uris = $6,
                 scopes = $7, default_scopes = $8, audience = $9, options = $10, disabled_at = $11, created_at = $12,
                 sealed_secret = $13
             WHERE id = $1 AND version = $14",
            $condition
        )
    };
}
pub(super) use edit_client;

macro_rules! person_columns {
    () => {
        "id, username, password_hash, disabled_at, created_at"
    };
}

/// A refresh token with its grant; `$1` is its digest.
pub(in crate::storage) const REFRESH_TOKEN: &str = concat!(
    "SELECT t.expires_at, t.spent_at, t.successor, t.cnf, ",
    grant_columns!(),
    " FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.digest = $1"
);

#[async_trait]
impl<B: Backend> Store for SqlStore<B> {
    async fn check_write(&self, now: i64) -> Result<()> {
        let sql = "INSERT INTO health (id, checked_at) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at RETURNING checked_at";
        let rows = self.0.write_returning(sql, &[Value::Int(now)]).await?;
        match rows.first().map(|row| row.get::<i64>("checked_at")).transpose()? {
            Some(read) if read == now => Ok(()),
            _ => Err(StoreError::Corrupt("health: what was written was not read back".to_owned())),
        }
    }

    fn changes(&self) -> Changes {
        self.0.changes()
    }

    async fn prune(&self, now: i64, limit: u32) -> Result<u64> {
        let mut gone = 0;
        for (kind, sql) in B::PRUNE {
            let before = now.saturating_sub(if *kind == Prune::Late { KEEP } else { 0 });
            gone += self.0.write(sql, &[Value::Int(before), Value::Int(limit.into())]).await?;
        }
        Ok(gone)
    }

    async fn create_client(&self, client: &Client) -> Result<()> {
        let texts = ClientTexts::of(client)?;
        let client = Versioned { value: client.clone(), version: 1 };
        let written = self.0.write(CREATE_CLIENT, &new_client_values(&client, &texts)).await?;
        taken(written, "client")
    }

    async fn client(&self, id: &str) -> Result<Option<Client>> {
        let sql = concat!("SELECT ", client_columns!(), " FROM clients WHERE id = $1");
        one(&self.0, sql, id, rows::client).await
    }

    async fn clients(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>> {
        let sql = concat!("SELECT ", client_columns!(), " FROM clients WHERE id > $1 ORDER BY id LIMIT $2");
        let args = [Value::Text(after.unwrap_or_default()), Value::Int(limit.into())];
        self.0.read(sql, &args).await?.iter().map(rows::client).collect()
    }

    async fn set_client_disabled(&self, id: &str, disabled: Option<&Revocation>) -> Result<bool> {
        match disabled {
            Some(revocation) => self.0.disable_client(id, revocation).await,
            None => {
                let sql = "UPDATE clients SET disabled_at = NULL WHERE id = $1";
                Ok(self.0.write(sql, &[Value::Text(id)]).await? > 0)
            }
        }
    }

    async fn put_scope(&self, scope: &Scope) -> Result<()> {
        let sql = "INSERT INTO scopes (name, title, description) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET title = excluded.title, description = excluded.description";
        let args = [Value::Text(&scope.name), Value::Text(&scope.title), Value::Text(&scope.description)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn scopes(&self) -> Result<Vec<Scope>> {
        let sql = "SELECT name, title, description FROM scopes ORDER BY name";
        self.0.read(sql, &[]).await?.iter().map(rows::scope).collect()
    }

    async fn create_person(&self, person: &Person) -> Result<()> {
        let sql = "INSERT INTO people (id, username, username_key, password_hash, disabled_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let key = person.username.to_lowercase();
        taken(self.0.write(sql, &person_values(person, &key)).await?, "user")
    }

    async fn person_by_username(&self, username: &str) -> Result<Option<Person>> {
        let sql = concat!("SELECT ", person_columns!(), " FROM people WHERE username_key = $1");
        one(&self.0, sql, &username.to_lowercase(), rows::person).await
    }

    async fn person(&self, id: &str) -> Result<Option<Person>> {
        let sql = concat!("SELECT ", person_columns!(), " FROM people WHERE id = $1");
        one(&self.0, sql, id, rows::person).await
    }

    async fn rehash_password(&self, person_id: &str, old_hash: &str, new_hash: &str) -> Result<()> {
        let sql = "UPDATE people SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
        let args = [Value::Text(person_id), Value::Text(old_hash), Value::Text(new_hash)];
        self.0.write(sql, &args).await.map(drop)
    }

    async fn create_session(&self, id: &Digest, session: &Session, replaces: Option<&Digest>) -> Result<()> {
        match replaces {
            Some(replaces) => self.0.replace_session(id, session, replaces).await,
            None => self.0.write(create_session!(), &session_values(id, session)).await.map(drop),
        }
    }

    async fn session(&self, id: &Digest, now: i64, idle_since: i64) -> Result<Option<Session>> {
        let sql = "SELECT person_id, auth_time, acr, expires_at, used_at FROM sessions
             WHERE id = $1 AND expires_at > $2 AND used_at > $3";
        let rows = self.0.read(sql, &[Value::Blob(&id.0), Value::Int(now), Value::Int(idle_since)]).await?;
        rows.first().map(rows::session).transpose()
    }

    async fn end_session(&self, id: &Digest) -> Result<()> {
        self.0.write(END_SESSION, &[Value::Blob(&id.0)]).await.map(drop)
    }

    async fn consent(&self, person_id: &str, client_id: &str) -> Result<ScopeSet> {
        let sql = "SELECT scope FROM consents WHERE person_id = $1 AND client_id = $2";
        let rows = self.0.read(sql, &[Value::Text(person_id), Value::Text(client_id)]).await?;
        let scopes = rows.iter().map(|row| row.get("scope")).collect::<Result<Vec<&str>>>()?;
        ScopeSet::parse(&scopes.join(" ")).map_err(|e| StoreError::Corrupt(format!("consents.scope: {e}")))
    }

    async fn authorize(&self, code: &Digest, authorization: &AuthorizationCode) -> Result<()> {
        self.0.authorize(code, authorization).await
    }

    async fn code(&self, code: &Digest) -> Result<Option<AuthorizationCode>> {
        let sql = concat!(
            "SELECT c.redirect_uri, c.code_challenge, c.expires_at, c.used_at, ",
            grant_columns!(),
            " FROM codes c JOIN grants g ON g.id = c.grant_id WHERE c.digest = $1"
        );
        self.0.read(sql, &[Value::Blob(&code.0)]).await?.first().map(rows::code).transpose()
    }

    async fn redeem_code(&self, code: &Digest, now: i64, refresh: Option<&NewRefreshToken>) -> Result<Redeemed> {
        self.0.redeem_code(code, now, refresh).await
    }

    async fn refresh_token(&self, token: &Digest) -> Result<Option<RefreshToken>> {
        self.0.read(REFRESH_TOKEN, &[Value::Blob(&token.0)]).await?.first().map(rows::refresh_token).transpose()
    }

    async fn rotate_refresh(
        &self,
        token: &Digest,
        now: i64,
        successor: &NewRefreshToken,
        sealed: &[u8],
    ) -> Result<Rotated> {
        self.0.rotate_refresh(token, now, successor, sealed).await
    }

    async fn extend_refresh(&self, token: &Digest, expires_at: i64) -> Result<bool> {
        let sql = "UPDATE refresh_tokens SET expires_at = $2 WHERE digest = $1 AND spent_at IS NULL
             AND EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND g.revoked_at IS NULL)";
        Ok(self.0.write(sql, &[Value::Blob(&token.0), Value::Int(expires_at)]).await? > 0)
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        let sql = concat!("SELECT ", grant_columns!(), " FROM grants g WHERE g.id = $1");
        one(&self.0, sql, id, rows::grant).await
    }

    async fn revoke_grant(&self, id: &str, revocation: &Revocation) -> Result<()> {
        self.0.revoke_grant(id, revocation).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<()> {
        let sql = record_revocation!("VALUES ($1, $2, $3, $4, $5, $6)");
        self.0.write(sql, &revocation_values(revocation)).await.map(drop)
    }

    async fn revocations(&self, keys: &[u64], now: i64) -> Result<Vec<Revocation>> {
        let sql = "SELECT key, kind, name, cutoff, expires_at, created_at FROM revocations \
                   WHERE key IN ($1, $2, $3, $4) AND expires_at >= $5";
        let mut found = Vec::new();
        // A token has at most four keys, so this is one statement, prepared once.
        for four in keys.chunks(4) {
            let mut args = [Value::OptInt(None); 5];
            for (place, key) in args.iter_mut().zip(four) {
                *place = Value::OptInt(Some(key.cast_signed()));
            }
            if let Some(last) = args.last_mut() {
                *last = Value::Int(now);
            }
            for row in self.0.read(sql, &args).await? {
                found.push(rows::revocation(&row)?);
            }
        }
        Ok(found)
    }

    async fn feed(&self, after: Option<&str>, limit: u32, now: i64) -> Result<FeedRead> {
        self.0.feed(after, limit.max(1), now).await
    }

    async fn reset_feed(&self) -> Result<()> {
        self.0.reset_feed().await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        let sql = "SELECT kid, alg, public_jwk, sealed_private, published_at, activates_at, line, ended_at
             FROM signing_keys
             ORDER BY published_at, kid";
        self.0.read(sql, &[]).await?.iter().map(rows::signing_key).collect()
    }

    async fn init_signing_keys(&self, active: &SigningKey, next: &SigningKey) -> Result<()> {
        self.0.init_signing_keys(active, next).await
    }

    async fn rotate_signing_keys(&self, next_kid: &str, activates_at: i64, new_next: &SigningKey) -> Result<bool> {
        self.0.rotate_signing_keys(next_kid, activates_at, new_next).await
    }

    async fn delete_signing_key(&self, kid: &str) -> Result<()> {
        self.0.write("DELETE FROM signing_keys WHERE kid = $1", &[Value::Text(kid)]).await.map(drop)
    }

    async fn set_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let sql = "INSERT INTO constants (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        self.0.write(sql, &[Value::Text(name), Value::Blob(value)]).await?;
        let rows = self.0.read("SELECT value FROM constants WHERE name = $1", &[Value::Text(name)]).await?;
        rows.first().ok_or_else(|| StoreError::Corrupt("constants: the value is gone".to_owned()))?.get("value")
    }
}

/// The row that a text from outside names. PostgreSQL has no text with a zero character, so none is ever found.
async fn one<T>(
    backend: &impl Backend,
    sql: &'static str,
    key: &str,
    read: fn(&Row) -> Result<T>,
) -> Result<Option<T>> {
    if key.contains('\0') {
        return Ok(None);
    }
    backend.read(sql, &[Value::Text(key)]).await?.first().map(read).transpose()
}

/// Takes [`new_client_values`].
pub(super) const CREATE_CLIENT: &str = "INSERT INTO clients (id, name, auth_method, secret, grant_types, redirect_uris,
     scopes, default_scopes, audience, options, disabled_at, created_at, sealed_secret, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO NOTHING";

/// What of a client is stored as text that has to be made first.
pub(super) struct ClientTexts {
    auth_method: String,
    grant_types: String,
    redirect_uris: String,
    scopes: String,
    default_scopes: String,
    audience: String,
    options: String,
}

impl ClientTexts {
    pub(super) fn of(client: &Client) -> Result<Self> {
        Ok(Self {
            auth_method: name(&client.auth_method)?,
            grant_types: json(&client.grant_types)?,
            redirect_uris: json(&client.redirect_uris)?,
            scopes: client.scopes.to_string(),
            default_scopes: client.default_scopes.to_string(),
            audience: json(&client.audience)?,
            options: json(&client.options)?,
        })
    }
}

/// The parameters of a new client's row, in the order of [`CREATE_CLIENT`].
pub(super) fn new_client_values<'a>(client: &'a Versioned<Client>, texts: &'a ClientTexts) -> Vec<Value<'a>> {
    let mut values = client_values(&client.value, texts).to_vec();
    values.push(Value::Int(client.version));
    values
}

/// The parameters of a client's row, all but its version.
pub(super) fn client_values<'a>(client: &'a Client, texts: &'a ClientTexts) -> [Value<'a>; 13] {
    [
        Value::Text(&client.id),
        Value::Text(&client.name),
        Value::Text(&texts.auth_method),
        Value::OptBlob(client.secret.as_ref().map(|d| d.0.as_slice())),
        Value::Text(&texts.grant_types),
        Value::Text(&texts.redirect_uris),
        Value::Text(&texts.scopes),
        Value::Text(&texts.default_scopes),
        Value::Text(&texts.audience),
        Value::Text(&texts.options),
        Value::OptInt(client.disabled_at),
        Value::Int(client.created_at),
        Value::OptBlob(client.sealed_secret.as_deref()),
    ]
}

/// The parameters of a person's row: id, username, username_key, password_hash, disabled_at, created_at.
pub(super) fn person_values<'a>(person: &'a Person, key: &'a str) -> [Value<'a>; 6] {
    [
        Value::Text(&person.id),
        Value::Text(&person.username),
        Value::Text(key),
        Value::Text(&person.password_hash),
        Value::OptInt(person.disabled_at),
        Value::Int(person.created_at),
    ]
}

/// `$1` is the session's digest.
pub(in crate::storage) const END_SESSION: &str = "DELETE FROM sessions WHERE id = $1";

/// The parameters of [`create_session`].
pub(in crate::storage) fn session_values<'a>(id: &'a Digest, session: &'a Session) -> [Value<'a>; 6] {
    [
        Value::Blob(&id.0),
        Value::Text(&session.person_id),
        Value::Int(session.auth_time),
        Value::Text(&session.acr),
        Value::Int(session.expires_at),
        Value::Int(session.used_at),
    ]
}

pub(super) fn taken(rows: u64, what: &'static str) -> Result<()> {
    if rows == 0 { Err(StoreError::Exists(what)) } else { Ok(()) }
}

/// The registered name of a variant, without the quotes of JSON.
pub(super) fn name(value: &impl serde::Serialize) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(StoreError::Corrupt("a name that is not text".to_owned())),
    }
}

/// As JSON columns hold it.
pub(in crate::storage) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}
