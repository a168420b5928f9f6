//! What administration does to the registry: every change carries its entry of the audit log, in one transaction with it,
//! and an edit holds only if nobody else edited in between.

use super::Result;
use crate::model::{
    Account, AuditFilter, Change, Client, GrantEntry, GrantFilter, Recorded, Revocation, Scope, SigningKey, Versioned,
};
use async_trait::async_trait;

/// The registry, for those who administer it.
#[async_trait]
pub trait Registry {
    /// Registers a client. [`StoreError::Exists`](super::StoreError::Exists) if the id is taken.
    async fn register_client(&self, client: &Versioned<Client>, change: &Change) -> Result<()>;
    /// A client and its version.
    async fn versioned_client(&self, id: &str) -> Result<Option<Versioned<Client>>>;
    /// Replaces what is registered, if it is still at this version; a revocation that goes with it is recorded too.
    async fn edit_client(
        &self,
        client: &Client,
        version: i64,
        revocation: Option<&Revocation>,
        change: &Change,
    ) -> Result<bool>;
    /// Deletes a client with everything that hangs from it, if it is still at this version; its tokens are revoked.
    async fn delete_client(&self, id: &str, version: i64, revocation: &Revocation, change: &Change) -> Result<bool>;
    /// Clients in order of id, after this one; with a text, those whose id or name begins with it, without case.
    async fn find_clients(&self, text: Option<&str>, after: &str, limit: u32) -> Result<Vec<Versioned<Client>>>;

    /// A scope and its version.
    async fn versioned_scope(&self, name: &str) -> Result<Option<Versioned<Scope>>>;
    /// Adds a scope; false if there is one of this name.
    async fn add_scope(&self, scope: &Versioned<Scope>, change: &Change) -> Result<bool>;
    /// Changes a scope's words, if it is still at this version.
    async fn edit_scope(&self, scope: &Scope, version: i64, change: &Change) -> Result<bool>;
    /// Deletes a scope, if it is still at this version.
    async fn delete_scope(&self, name: &str, version: i64, change: &Change) -> Result<bool>;

    /// Adds a person. [`StoreError::Exists`](super::StoreError::Exists) if the username is taken.
    async fn add_account(&self, account: &Versioned<Account>, change: &Change) -> Result<()>;
    /// A person with what administration knows of them.
    async fn account(&self, id: &str) -> Result<Option<Versioned<Account>>>;
    /// Replaces username, password, role and whether they are disabled, if the account is still at this version
    /// and somebody is an administrator afterwards, if this one was. A revocation given ends their sessions and grants as well.
    async fn edit_account(
        &self,
        account: &Account,
        version: i64,
        revocation: Option<&Revocation>,
        change: &Change,
    ) -> Result<bool>;
    /// Deletes a person with everything that hangs from them, if the account is still at this version, and is not the last
    /// administrator's.
    async fn delete_account(&self, id: &str, version: i64, revocation: &Revocation, change: &Change) -> Result<bool>;
    /// People in order of username, after this one (in lower case); with a text, those whose username begins with it.
    async fn find_accounts(&self, text: Option<&str>, after: &str, limit: u32) -> Result<Vec<Versioned<Account>>>;
    /// Whether somebody who is not disabled has the role of an administrator; `but` is not counted.
    async fn has_admin(&self, but: Option<&str>) -> Result<bool>;

    /// Grants, the newest first, before this one (its time and id).
    async fn find_grants(&self, filter: &GrantFilter, before: (i64, &str), limit: u32) -> Result<Vec<GrantEntry>>;
    /// Ends grants, each with its revocation, and records why.
    async fn end_grants(&self, grants: &[(String, Revocation)], change: &Change) -> Result<()>;
    /// Records a revocation (of a token, a client, a person) and who asked for it.
    async fn revoke_audited(&self, revocation: &Revocation, change: &Change) -> Result<()>;

    /// As `Store::rotate_signing_keys`, with its entry.
    async fn rotate_keys_audited(
        &self,
        next_kid: &str,
        activates_at: i64,
        new_next: &SigningKey,
        change: &Change,
    ) -> Result<bool>;

    /// An entry for what changed nothing here: a refused sign-in, an export.
    async fn record(&self, change: &Change) -> Result<()>;
    /// The audit log, the newest first, before this entry.
    async fn audit(&self, filter: &AuditFilter, before: i64, limit: u32) -> Result<Vec<Recorded>>;
}
