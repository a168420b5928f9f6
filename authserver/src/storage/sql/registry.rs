//! [`Registry`] in SQL.

use super::audited::audited;
use super::store::{client_values, new_client_values, person_values};
use super::{ADD_KEY, Backend, SqlStore, Step, Value, key_values, record_revocation, revocation_values, rows};
use crate::model::{
    Account, AuditFilter, Change, Client, GrantEntry, GrantFilter, Recorded, Revocation, Scope, SigningKey, Versioned,
};
use crate::storage::sql::store::{client_columns, edit_client, grant_columns};
use crate::storage::{Registry, Result, StoreError};
use async_trait::async_trait;

const RECORD_REVOCATION: &str = record_revocation!("VALUES ($1, $2, $3, $4, $5, $6)");

/// The step that records a revocation.
pub(super) fn revoked(revocation: &Revocation) -> Step<'_> {
    Step::new(RECORD_REVOCATION, revocation_values(revocation).to_vec())
}

/// The steps that end grants.
pub(super) fn ended<'a>(grants: &'a [(String, Revocation)]) -> impl Iterator<Item = Step<'a>> {
    grants.iter().flat_map(|(id, revocation)| {
        let sql = "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        [Step::new(sql, vec![Value::Text(id), Value::Int(revocation.created_at)]), revoked(revocation)]
    })
}

macro_rules! account_columns {
    () => {
        "p.id, p.username, p.password_hash, p.disabled_at, p.created_at, p.role, p.password_at, p.version, \
         EXISTS (SELECT 1 FROM totp WHERE person_id = p.id) AS totp, \
         (SELECT count(*) FROM passkeys WHERE person_id = p.id) AS passkeys"
    };
}

macro_rules! audit_query {
    ($first:literal) => {
        concat!(
            "SELECT id, at, actor_kind, actor, address, action, object_kind, object, before, after FROM audit WHERE ",
            $first,
            " id < $1 AND ($2 IS NULL OR actor = $2) AND ($3 IS NULL OR action = $3)
              AND ($4 IS NULL OR object_kind = $4) AND ($5 IS NULL OR object = $5) AND at >= $6 AND id >= $8
              ORDER BY id DESC LIMIT $7"
        )
    };
}

macro_rules! grant_query {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            grant_columns!(),
            ", c.name AS client_name, p.username FROM grants g JOIN clients c ON c.id = g.client_id
              JOIN people p ON p.id = g.person_id WHERE ",
            $condition,
            " (g.created_at, g.id) < ($1, $2) ORDER BY g.created_at DESC, g.id DESC LIMIT $3"
        )
    };
}

/// The queries of the console's lists, by what they are asked, for the test that they use an index.
pub const LISTS: [&str; 20] = [
    CLIENTS,
    CLIENTS_BY_TEXT,
    ACCOUNTS,
    ACCOUNTS_BY_TEXT,
    GRANTS,
    GRANTS_OF_CLIENT,
    GRANTS_OF_PERSON,
    GRANTS_OF_BOTH,
    AUDIT,
    AUDIT_BY_OBJECT,
    AUDIT_BY_ACTOR,
    AUDIT_BY_ACTION,
    AUDIT_BY_KIND,
    AUDIT_BY_ACTOR_AND_ACTION,
    AUDIT_BY_ACTOR_AND_KIND,
    AUDIT_SINCE,
    super::accounts::SESSIONS,
    super::accounts::ACCESS,
    super::activity::DISABLED,
    super::registrations::INITIAL_ACCESS_TOKENS,
];

const CLIENTS: &str =
    concat!("SELECT version, ", client_columns!(), " FROM clients WHERE id > $1 ORDER BY id LIMIT $2");
// Two indexes, one for each way to begin; what both find is there once.
const CLIENTS_BY_TEXT: &str = concat!(
    "SELECT version, ",
    client_columns!(),
    " FROM clients WHERE id IN (
         SELECT id FROM (SELECT id FROM clients WHERE id > $1 AND id >= $3 AND id < $4 ORDER BY id LIMIT $2) AS by_id
         UNION SELECT id FROM clients WHERE lower(name) >= $3 AND lower(name) < $4 AND id > $1
     ) ORDER BY id LIMIT $2"
);
const ACCOUNTS: &str =
    concat!("SELECT ", account_columns!(), " FROM people p WHERE username_key > $1 ORDER BY username_key LIMIT $2");
const ACCOUNTS_BY_TEXT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM people p WHERE username_key > $1 AND username_key >= $3 AND username_key < $4 ORDER BY username_key LIMIT $2"
);
const GRANTS: &str = grant_query!("");
const GRANTS_OF_CLIENT: &str = grant_query!("g.client_id = $4 AND");
const GRANTS_OF_PERSON: &str = grant_query!("g.person_id = $4 AND");
const GRANTS_OF_BOTH: &str = grant_query!("g.client_id = $5 AND g.person_id = $4 AND");
const AUDIT: &str = audit_query!("");
const AUDIT_BY_OBJECT: &str = audit_query!("object = $5 AND");
const AUDIT_BY_ACTOR: &str = audit_query!("actor = $2 AND");
const AUDIT_BY_ACTION: &str = audit_query!("action = $3 AND");
const AUDIT_BY_KIND: &str = audit_query!("object_kind = $4 AND");
const AUDIT_BY_ACTOR_AND_ACTION: &str = audit_query!("actor = $2 AND action = $3 AND");
const AUDIT_BY_ACTOR_AND_KIND: &str = audit_query!("actor = $2 AND object_kind = $4 AND");
const AUDIT_SINCE: &str = "SELECT id FROM audit WHERE at < $1 ORDER BY at DESC, id DESC LIMIT 1";
/// Entries are numbered as they are written, and dated by the replica that writes them: what was written before an entry is
/// not dated later than it by more than the clocks of replicas are apart, in seconds.
const CLOCKS: i64 = 3600;

#[async_trait]
impl<B: Backend> Registry for SqlStore<B> {
    async fn register_client(&self, client: &Versioned<Client>, change: &Change) -> Result<()> {
        let texts = super::store::ClientTexts::of(&client.value)?;
        let steps = vec![Step::must(super::store::CREATE_CLIENT, new_client_values(client, &texts))];
        if audited(&self.0, steps, change).await? { Ok(()) } else { Err(StoreError::Exists("client")) }
    }

    async fn versioned_client(&self, id: &str) -> Result<Option<Versioned<Client>>> {
        if id.contains('\0') {
            return Ok(None);
        }
        let sql = concat!("SELECT version, ", client_columns!(), " FROM clients WHERE id = $1");
        self.0.read(sql, &[Value::Text(id)]).await?.first().map(rows::versioned_client).transpose()
    }

    async fn edit_client(
        &self,
        client: &Client,
        version: i64,
        revocation: Option<&Revocation>,
        change: &Change,
    ) -> Result<bool> {
        let texts = super::store::ClientTexts::of(client)?;
        let mut args = client_values(client, &texts).to_vec();
        args.push(Value::Int(version));
        let mut steps = vec![Step::must(edit_client!(""), args)];
        steps.extend(revocation.map(revoked));
        audited(&self.0, steps, change).await
    }

    async fn delete_client(&self, id: &str, version: i64, revocation: &Revocation, change: &Change) -> Result<bool> {
        let name = || vec![Value::Text(id)];
        let steps = vec![
            // Taken first, so that nobody gives it another grant meanwhile.
            Step::must(
                "UPDATE clients SET disabled_at = coalesce(disabled_at, 0) WHERE id = $1 AND version = $2",
                vec![Value::Text(id), Value::Int(version)],
            ),
            Step::new("DELETE FROM consents WHERE client_id = $1", name()),
            Step::new("DELETE FROM device_codes WHERE client_id = $1", name()),
            Step::new("DELETE FROM registration_access_tokens WHERE client_id = $1", name()),
            Step::new("DELETE FROM credential_uses WHERE client_id = $1", name()),
            Step::new(
                "DELETE FROM refresh_tokens WHERE grant_id IN (SELECT id FROM grants WHERE client_id = $1)",
                name(),
            ),
            Step::new("DELETE FROM codes WHERE grant_id IN (SELECT id FROM grants WHERE client_id = $1)", name()),
            Step::new("DELETE FROM grants WHERE client_id = $1", name()),
            Step::must("DELETE FROM clients WHERE id = $1", name()),
            revoked(revocation),
        ];
        audited(&self.0, steps, change).await
    }

    async fn find_clients(&self, text: Option<&str>, after: &str, limit: u32) -> Result<Vec<Versioned<Client>>> {
        let rows = match text {
            None => self.0.read(CLIENTS, &[Value::Text(after), Value::Int(limit.into())]).await?,
            Some(text) => {
                // As the databases' own `lower` has it: other letters than ASCII's stay as they are.
                let from = text.to_ascii_lowercase();
                let to = end_of(&from);
                let args = [Value::Text(after), Value::Int(limit.into()), Value::Text(&from), Value::Text(&to)];
                self.0.read(CLIENTS_BY_TEXT, &args).await?
            }
        };
        rows.iter().map(rows::versioned_client).collect()
    }

    async fn versioned_scope(&self, name: &str) -> Result<Option<Versioned<Scope>>> {
        if name.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT name, title, description, version FROM scopes WHERE name = $1";
        let rows = self.0.read(sql, &[Value::Text(name)]).await?;
        let row = rows.first();
        row.map(|row| Ok(Versioned { value: rows::scope(row)?, version: row.get("version")? })).transpose()
    }

    async fn add_scope(&self, scope: &Versioned<Scope>, change: &Change) -> Result<bool> {
        let sql =
            "INSERT INTO scopes (name, title, description, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        audited(&self.0, vec![Step::must(sql, scope_values(&scope.value, scope.version))], change).await
    }

    async fn edit_scope(&self, scope: &Scope, version: i64, change: &Change) -> Result<bool> {
        let sql = "UPDATE scopes SET title = $2, description = $3 WHERE name = $1 AND version = $4";
        audited(&self.0, vec![Step::must(sql, scope_values(scope, version))], change).await
    }

    async fn delete_scope(&self, name: &str, version: i64, change: &Change) -> Result<bool> {
        let sql = "DELETE FROM scopes WHERE name = $1 AND version = $2";
        audited(&self.0, vec![Step::must(sql, vec![Value::Text(name), Value::Int(version)])], change).await
    }

    async fn add_account(&self, account: &Versioned<Account>, change: &Change) -> Result<()> {
        let Versioned { value: account, version } = account;
        let key = account.person.username.to_lowercase();
        let mut args = person_values(&account.person, &key).to_vec();
        args.extend([Value::Text(account.role.name()), Value::Int(*version)]);
        let sql =
            "INSERT INTO people (id, username, username_key, password_hash, disabled_at, created_at, role, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        let added = audited(&self.0, vec![Step::must(sql, args)], change).await?;
        if added { Ok(()) } else { Err(StoreError::Exists("user")) }
    }

    async fn account(&self, id: &str) -> Result<Option<Versioned<Account>>> {
        if id.contains('\0') {
            return Ok(None);
        }
        let sql = concat!("SELECT ", account_columns!(), " FROM people p WHERE id = $1");
        self.0.read(sql, &[Value::Text(id)]).await?.first().map(rows::account).transpose()
    }

    async fn edit_account(
        &self,
        account: &Account,
        version: i64,
        revocation: Option<&Revocation>,
        change: &Change,
    ) -> Result<bool> {
        let key = account.person.username.to_lowercase();
        let mut args = person_values(&account.person, &key).to_vec();
        args.extend([Value::Text(account.role.name()), Value::OptInt(account.password_at), Value::Int(version)]);
        let sql = "UPDATE people SET username = $2, username_key = $3, password_hash = $4, disabled_at = $5,
                 created_at = $6, role = $7, password_at = $8
             WHERE id = $1 AND version = $9
             AND NOT EXISTS (SELECT 1 FROM people o WHERE o.username_key = $3 AND o.id <> $1)
             AND (role = 'person' OR disabled_at IS NOT NULL OR ($7 <> 'person' AND $5 IS NULL) OR EXISTS (
                 SELECT 1 FROM people o WHERE o.role <> 'person' AND o.disabled_at IS NULL AND o.id <> $1))";
        let mut steps = vec![one_at_a_time(&account.person.id), Step::must(sql, args)];
        if let Some(revocation) = revocation {
            steps.extend(all_ends(&account.person.id, revocation));
        }
        audited(&self.0, steps, change).await
    }

    async fn delete_account(&self, id: &str, version: i64, revocation: &Revocation, change: &Change) -> Result<bool> {
        let name = || vec![Value::Text(id)];
        let sql = "UPDATE people SET disabled_at = coalesce(disabled_at, 0) WHERE id = $1 AND version = $2
             AND (role = 'person' OR disabled_at IS NOT NULL OR EXISTS (
                 SELECT 1 FROM people o WHERE o.role <> 'person' AND o.disabled_at IS NULL AND o.id <> $1))";
        let mut steps = vec![one_at_a_time(id), Step::must(sql, vec![Value::Text(id), Value::Int(version)])];
        steps.extend(all_ends(id, revocation));
        steps.extend([
            Step::new("DELETE FROM consents WHERE person_id = $1", name()),
            Step::new("DELETE FROM totp WHERE person_id = $1", name()),
            Step::new("DELETE FROM passkeys WHERE person_id = $1", name()),
            Step::new("DELETE FROM recovery_codes WHERE person_id = $1", name()),
            Step::new(
                "DELETE FROM refresh_tokens WHERE grant_id IN (SELECT id FROM grants WHERE person_id = $1)",
                name(),
            ),
            Step::new("DELETE FROM codes WHERE grant_id IN (SELECT id FROM grants WHERE person_id = $1)", name()),
            Step::new("DELETE FROM grants WHERE person_id = $1", name()),
            Step::must("DELETE FROM people WHERE id = $1", name()),
        ]);
        audited(&self.0, steps, change).await
    }

    async fn find_accounts(&self, text: Option<&str>, after: &str, limit: u32) -> Result<Vec<Versioned<Account>>> {
        let rows = match text {
            None => self.0.read(ACCOUNTS, &[Value::Text(after), Value::Int(limit.into())]).await?,
            Some(text) => {
                let from = text.to_lowercase();
                let to = end_of(&from);
                let args = [Value::Text(after), Value::Int(limit.into()), Value::Text(&from), Value::Text(&to)];
                self.0.read(ACCOUNTS_BY_TEXT, &args).await?
            }
        };
        rows.iter().map(rows::account).collect()
    }

    async fn has_admin(&self, but: Option<&str>) -> Result<bool> {
        let sql = "SELECT id FROM people WHERE role <> 'person' AND disabled_at IS NULL AND id <> $1 LIMIT 1";
        Ok(!self.0.read(sql, &[Value::Text(but.unwrap_or_default())]).await?.is_empty())
    }

    async fn find_grants(&self, filter: &GrantFilter, before: (i64, &str), limit: u32) -> Result<Vec<GrantEntry>> {
        let mut args = vec![Value::Int(before.0), Value::Text(before.1), Value::Int(limit.into())];
        let sql = match (&filter.client_id, &filter.person_id) {
            (None, None) => GRANTS,
            (Some(client), None) => {
                args.push(Value::Text(client));
                GRANTS_OF_CLIENT
            }
            (None, Some(person)) => {
                args.push(Value::Text(person));
                GRANTS_OF_PERSON
            }
            (Some(client), Some(person)) => {
                args.extend([Value::Text(person), Value::Text(client)]);
                GRANTS_OF_BOTH
            }
        };
        self.0.read(sql, &args).await?.iter().map(rows::grant_entry).collect()
    }

    async fn end_grants(&self, grants: &[(String, Revocation)], change: &Change) -> Result<()> {
        let steps: Vec<_> = ended(grants).collect();
        audited(&self.0, steps, change).await.map(drop)
    }

    async fn revoke_audited(&self, revocation: &Revocation, change: &Change) -> Result<()> {
        audited(&self.0, vec![revoked(revocation)], change).await.map(drop)
    }

    async fn rotate_keys_audited(
        &self,
        next_kid: &str,
        activates_at: i64,
        new_next: &SigningKey,
        change: &Change,
    ) -> Result<bool> {
        let steps = vec![
            Step::must(
                "UPDATE signing_keys SET activates_at = $2 WHERE kid = $1 AND activates_at IS NULL",
                vec![Value::Text(next_kid), Value::Int(activates_at)],
            ),
            Step::must(ADD_KEY, key_values(new_next).to_vec()),
        ];
        audited(&self.0, steps, change).await
    }

    async fn record(&self, change: &Change) -> Result<()> {
        audited(&self.0, Vec::new(), change).await.map(drop)
    }

    async fn audit(&self, filter: &AuditFilter, before: i64, limit: u32) -> Result<Vec<Recorded>> {
        let text = |value: &'_ Option<String>| value.clone().filter(|text| !text.contains('\0'));
        let (actor, action, kind, object) =
            (text(&filter.actor), text(&filter.action), text(&filter.object_kind), text(&filter.object));
        // The filter that leaves the fewest decides which index is read.
        let sql = match (&object, &actor, &action, &kind) {
            (Some(_), ..) => AUDIT_BY_OBJECT,
            (None, Some(_), Some(_), _) => AUDIT_BY_ACTOR_AND_ACTION,
            (None, Some(_), None, Some(_)) => AUDIT_BY_ACTOR_AND_KIND,
            (None, Some(_), None, None) => AUDIT_BY_ACTOR,
            (None, None, Some(_), _) => AUDIT_BY_ACTION,
            (None, None, None, Some(_)) => AUDIT_BY_KIND,
            (None, None, None, None) => AUDIT,
        };
        // Where the time begins, so that what is older is not read to find that out.
        let first = match filter.since {
            None => 0,
            Some(since) => {
                let rows = self.0.read(AUDIT_SINCE, &[Value::Int(since.saturating_sub(CLOCKS))]).await?;
                rows.first().map_or(Ok(0), |row| row.get("id"))?
            }
        };
        let args = [
            Value::Int(before),
            Value::OptText(actor.as_deref()),
            Value::OptText(action.as_deref()),
            Value::OptText(kind.as_deref()),
            Value::OptText(object.as_deref()),
            Value::Int(filter.since.unwrap_or(0)),
            Value::Int(limit.into()),
            Value::Int(first),
        ];
        self.0.read(sql, &args).await?.iter().map(rows::recorded).collect()
    }
}

/// What a scope is written with, and the version that it begins with or must still be at.
fn scope_values(scope: &Scope, version: i64) -> Vec<Value<'_>> {
    let texts = [&scope.name, &scope.title, &scope.description].map(|text| Value::Text(text));
    texts.into_iter().chain([Value::Int(version)]).collect()
}

/// The step that lets the changes of administrators wait for each other: two that end at the same moment would each still
/// see the other one.
fn one_at_a_time(id: &str) -> Step<'_> {
    let sql = "UPDATE state SET id = 1
         WHERE EXISTS (SELECT 1 FROM people WHERE id = $1 AND role <> 'person' AND disabled_at IS NULL)";
    Step::new(sql, vec![Value::Text(id)])
}

/// Everything a person has running: sessions, grants, and by the revocation their tokens.
fn all_ends<'a>(id: &'a str, revocation: &'a Revocation) -> [Step<'a>; 3] {
    [
        Step::new("DELETE FROM sessions WHERE person_id = $1", vec![Value::Text(id)]),
        Step::new(
            "UPDATE grants SET revoked_at = $2 WHERE person_id = $1 AND revoked_at IS NULL",
            vec![Value::Text(id), Value::Int(revocation.created_at)],
        ),
        revoked(revocation),
    ]
}

/// A text that comes, byte by byte, after all that begin with this one.
fn end_of(text: &str) -> String {
    format!("{text}\u{10FFFF}")
}
