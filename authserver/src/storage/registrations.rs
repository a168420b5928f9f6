//! Dynamic registration, RFC 7591 and RFC 7592: who may register clients, and who may manage which.

use super::Result;
use crate::model::{Change, Client, Digest, Revocation, Versioned};
use async_trait::async_trait;
use bearward_token::scope::ScopeSet;

/// An initial access token (RFC 7591 §3) as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialAccessToken {
    /// What it is for, for people.
    pub note: String,
    /// The scopes that a client registered with it may have.
    pub scopes: ScopeSet,
    /// How many clients it can still register.
    pub uses_left: u32,
    /// When it stops being good.
    pub expires_at: i64,
    /// When it was made.
    pub created_at: i64,
}

/// A client that manages itself (RFC 7592).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The digest of its registration access token.
    pub token: Digest,
    /// The scopes it may have.
    pub scopes: ScopeSet,
}

/// Initial access tokens, and the clients registered with them. What changes here carries its entry of the audit log, in one
/// transaction with it.
#[async_trait]
pub trait Registrations {
    /// Stores an initial access token; false if there are a thousand that are good, which is as many as are listed.
    async fn put_initial_access_token(
        &self,
        token: &Digest,
        stored: &InitialAccessToken,
        change: &Change,
    ) -> Result<bool>;
    /// Those that have a use left at `now`, the first to expire first.
    async fn initial_access_tokens(&self, now: i64) -> Result<Vec<(Digest, InitialAccessToken)>>;
    /// Takes one away; false if there is none.
    async fn delete_initial_access_token(&self, token: &Digest, change: &Change) -> Result<bool>;
    /// An initial access token that has a use left at `now`.
    async fn initial_access_token(&self, token: &Digest, now: i64) -> Result<Option<InitialAccessToken>>;
    /// Registers a client that manages itself, for one use of an initial access token; false, and nothing happened, if that
    /// has none left at `now`. Of callers at once, no more get true than it had uses.
    async fn register_by_token(
        &self,
        (initial, now): (&Digest, i64),
        client: &Versioned<Client>,
        registration: &Registration,
        change: &Change,
    ) -> Result<bool>;
    /// Who may manage a client.
    async fn registration(&self, client_id: &str) -> Result<Option<Registration>>;
    /// Replaces what is registered of a client, all but its id, audience and times, if it manages itself by this token,
    /// is still at this version and is not disabled; false if not.
    async fn replace_registered(&self, client: &Client, version: i64, token: &Digest, change: &Change) -> Result<bool>;
    /// Disables a client that manages itself by this token and revokes what it has; nobody manages it any more. False if
    /// it does not, or not any more.
    async fn end_registration(
        &self,
        client_id: &str,
        token: &Digest,
        revocation: &Revocation,
        change: &Change,
    ) -> Result<bool>;
}
