//! Rows become types. A row that cannot is an error that names the column, never a guess.

use crate::confirmation::Confirmation;
use crate::model::{
    Access, Account, Activity, AuthorizationCode, Client, ClientAuthMethod, Digest, Follower, FollowerName, Grant,
    GrantEntry, Passkey, Person, Recorded, RefreshToken, Revocation, Role, Scope, Session, SessionEntry, SigningKey,
    Spent, Totp, Versioned,
};
use crate::storage::{Result, StoreError};
use bearward_token::scope::ScopeSet;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

/// A row of either database.
pub(in crate::storage) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column.
    pub(in crate::storage) fn get<'r, T>(&'r self, column: &str) -> Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(super) fn digest(&self, column: &str) -> Result<Option<Digest>> {
        let bytes: Option<&[u8]> = self.get(column)?;
        bytes.map(|b| b.try_into().map(Digest).map_err(|_| corrupt(column, "not 32 bytes"))).transpose()
    }

    pub(super) fn scope(&self, column: &str) -> Result<ScopeSet> {
        ScopeSet::parse(self.get(column)?).map_err(|e| corrupt(column, e))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(self.get(column)?).map_err(|e| corrupt(column, e))
    }

    fn seconds(&self, column: &str) -> Result<u32> {
        u32::try_from(self.get::<i64>(column)?).map_err(|e| corrupt(column, e))
    }
}

fn corrupt(column: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("{column}: {why}"))
}

pub(super) fn client(row: &Row) -> Result<Client> {
    let auth_method: ClientAuthMethod =
        serde_json::from_value(row.get::<String>("auth_method")?.into()).map_err(|e| corrupt("auth_method", e))?;
    let secret = row.digest("secret")?;
    let sealed_secret: Option<Vec<u8>> = row.get("sealed_secret")?;
    if secret.is_some() != auth_method.shows_secret()
        || sealed_secret.is_some() != (auth_method == ClientAuthMethod::ClientSecretJwt)
    {
        return Err(corrupt("secret", "does not fit the auth_method"));
    }
    Ok(Client {
        id: row.get("id")?,
        name: row.get("name")?,
        auth_method,
        secret,
        sealed_secret,
        grant_types: row.json("grant_types")?,
        redirect_uris: row.json("redirect_uris")?,
        scopes: row.scope("scopes")?,
        default_scopes: row.scope("default_scopes")?,
        audience: row.json("audience")?,
        options: row.json("options")?,
        disabled_at: row.get("disabled_at")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) fn scope(row: &Row) -> Result<Scope> {
    Ok(Scope { name: row.get("name")?, title: row.get("title")?, description: row.get("description")? })
}

pub(super) fn person(row: &Row) -> Result<Person> {
    Ok(Person {
        id: row.get("id")?,
        username: row.get("username")?,
        password_hash: row.get("password_hash")?,
        disabled_at: row.get("disabled_at")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) fn session(row: &Row) -> Result<Session> {
    Ok(Session {
        person_id: row.get("person_id")?,
        auth_time: row.get("auth_time")?,
        acr: row.get("acr")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
    })
}

/// Columns as `GRANT_COLUMNS` of the store names them.
pub(super) fn grant(row: &Row) -> Result<Grant> {
    Ok(Grant {
        id: row.get("grant_id")?,
        client_id: row.get("client_id")?,
        person_id: row.get("person_id")?,
        scope: row.scope("scope")?,
        auth_time: row.get("auth_time")?,
        acr: row.get("acr")?,
        details: row.json("details")?,
        created_at: row.get("created_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

pub(super) fn code(row: &Row) -> Result<AuthorizationCode> {
    Ok(AuthorizationCode {
        grant: grant(row)?,
        redirect_uri: row.get("redirect_uri")?,
        code_challenge: row.get("code_challenge")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
    })
}

pub(in crate::storage) fn refresh_token(row: &Row) -> Result<RefreshToken> {
    let spent_at: Option<i64> = row.get("spent_at")?;
    let successor: Option<Vec<u8>> = row.get("successor")?;
    let cnf: Option<&str> = row.get("cnf")?;
    Ok(RefreshToken {
        grant: grant(row)?,
        expires_at: row.get("expires_at")?,
        confirmation: if cnf.is_some() { row.json("cnf")? } else { Confirmation::default() },
        spent: spent_at.map(|at| Spent { at, successor: successor.unwrap_or_default() }),
    })
}

pub(super) fn revocation(row: &Row) -> Result<Revocation> {
    let kind: String = row.get("kind")?;
    // One that was written by hand holds too, whatever it is called.
    let kind = Revocation::KINDS.into_iter().find(|known| *known == kind).unwrap_or_default();
    Ok(Revocation {
        key: row.get::<i64>("key")?.cast_unsigned(),
        kind,
        name: row.get("name")?,
        cutoff: row.seconds("cutoff")?,
        expires_at: row.seconds("expires_at")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) fn signing_key(row: &Row) -> Result<SigningKey> {
    Ok(SigningKey {
        kid: row.get("kid")?,
        alg: row.get("alg")?,
        public_jwk: row.get("public_jwk")?,
        sealed_private: row.get("sealed_private")?,
        published_at: row.get("published_at")?,
        activates_at: row.get("activates_at")?,
        line: row.get("line")?,
        ended_at: row.get("ended_at")?,
    })
}

pub(super) fn versioned_client(row: &Row) -> Result<Versioned<Client>> {
    Ok(Versioned { value: client(row)?, version: row.get("version")? })
}

pub(super) fn account(row: &Row) -> Result<Versioned<Account>> {
    let role = Role::from_name(row.get("role")?).ok_or_else(|| corrupt("role", "no such role"))?;
    let account = Account {
        person: person(row)?,
        role,
        password_at: row.get("password_at")?,
        totp: row.get("totp")?,
        passkeys: row.get("passkeys")?,
    };
    Ok(Versioned { value: account, version: row.get("version")? })
}

pub(super) fn grant_entry(row: &Row) -> Result<GrantEntry> {
    Ok(GrantEntry { grant: grant(row)?, client_name: row.get("client_name")?, username: row.get("username")? })
}

pub(super) fn recorded(row: &Row) -> Result<Recorded> {
    let json = |column: &str| -> Result<Option<serde_json::Value>> {
        let text: Option<&str> = row.get(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|e| corrupt(column, e))).transpose()
    };
    Ok(Recorded {
        id: row.get("id")?,
        at: row.get("at")?,
        actor_kind: row.get("actor_kind")?,
        actor: row.get("actor")?,
        address: row.get("address")?,
        action: row.get("action")?,
        object_kind: row.get("object_kind")?,
        object: row.get("object")?,
        before: json("before")?,
        after: json("after")?,
    })
}

pub(super) fn session_entry(row: &Row) -> Result<SessionEntry> {
    Ok(SessionEntry {
        id: row.digest("id")?.ok_or_else(|| corrupt("sessions.id", "is not there"))?,
        auth_time: row.get("auth_time")?,
        acr: row.get("acr")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
        address: row.get("address")?,
        agent: row.get("agent")?,
    })
}

pub(super) fn totp(row: &Row) -> Result<Totp> {
    Ok(Totp { sealed: row.get("sealed")?, last_step: row.get("last_step")?, added_at: row.get("added_at")? })
}

pub(super) fn passkey(row: &Row) -> Result<Passkey> {
    Ok(Passkey {
        id: row.get("id")?,
        person_id: row.get("person_id")?,
        label: row.get("label")?,
        credential: row.get("credential")?,
        added_at: row.get("added_at")?,
        used_at: row.get("used_at")?,
    })
}

/// One scope of a client that has access; rows of one client follow each other.
pub(super) fn access(row: &Row, found: &mut Vec<Access>) -> Result<()> {
    let client_id: String = row.get("client_id")?;
    let (scope, since): (String, i64) = (row.get("scope")?, row.get("granted_at")?);
    match found.last_mut().filter(|last| last.client_id == client_id) {
        Some(last) => {
            last.scopes.push(scope);
            last.since = last.since.min(since);
        }
        None => found.push(Access { client_id, client_name: row.get("client_name")?, scopes: vec![scope], since }),
    }
    Ok(())
}

pub(super) fn activity(row: &Row) -> Result<Activity> {
    Ok(Activity { from: row.get("span")?, kind: row.get("kind")?, count: row.get("count")? })
}

pub(super) fn follower(row: &Row) -> Result<Follower> {
    Ok(Follower {
        name: FollowerName { address: row.get("address")?, id: row.get("id")? },
        node: row.get("node")?,
        seen_at: row.get("seen_at")?,
        current_at: row.get("current_at")?,
    })
}
