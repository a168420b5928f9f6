//! The seam to the database: one trait, two implementations (SQLite, PostgreSQL), one conformance suite.
//!
//! Every method is one atomic step of the protocol, carried out in one transaction and, where it can be, one
//! round trip. What a method acknowledged survives `kill -9`.

mod access_tokens;
mod accounts;
mod activity;
mod authorization_types;
mod devices;
mod key_lines;
mod location;
mod passkeys;
pub mod postgres;
mod pushed_requests;
mod registrations;
mod registry;
mod sealed;
mod sql;
pub mod sqlite;
mod trusted_issuers;
mod used_once;

pub use access_tokens::AccessTokens;
pub use accounts::Accounts;
pub use activity::{Activities, COUNTED, FOLLOWERS};
pub use authorization_types::AuthorizationTypes;
pub use devices::Devices;
pub use key_lines::KeyLines;
pub use location::{Location, open};
pub use passkeys::Passkeys;
pub use pushed_requests::PushedRequests;
pub use registrations::{InitialAccessToken, Registration, Registrations};
pub use registry::Registry;
pub use sealed::{SealedKind, SealedTexts};
pub use sql::LISTS;
pub use trusted_issuers::TrustedIssuers;
pub use used_once::UsedOnce;

use crate::model::{
    AuthorizationCode, Client, Digest, Grant, NewRefreshToken, Person, RefreshToken, Revocation, Scope, Session,
    SigningKey,
};
use async_trait::async_trait;
use bearward_token::feed;
use bearward_token::scope::ScopeSet;
use tokio::sync::watch;

/// Why storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The name is taken.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// The database failed; the text is for the log, never for a client.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date, or is newer than this build.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this build cannot read.
    #[error("stored data: {0}")]
    Corrupt(String),
}

/// The answer of every method.
pub type Result<T> = std::result::Result<T, StoreError>;

/// How often something changed, by anyone: this process, another replica, the command line.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Clients, scopes or signing keys changed.
    pub registry: watch::Receiver<u64>,
    /// A revocation was recorded.
    pub revocations: watch::Receiver<u64>,
}

/// What redeeming an authorization code came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The code was good and is now spent.
    Now,
    /// It was spent before: whoever holds it or what it gave should not.
    Before,
    /// Its grant has been revoked meanwhile.
    Revoked,
}

/// What rotating a refresh token came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// The successor is stored; the old token is spent.
    Now,
    /// Another request spent it first, with this outcome.
    Before(crate::model::Spent),
    /// Its grant has been revoked meanwhile.
    Revoked,
}

/// A page of the feed before it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRead {
    /// The revocations that the cursor had not seen.
    pub entries: Vec<feed::Entry>,
    /// Where to go on from.
    pub cursor: String,
    /// More is ready.
    pub more: bool,
    /// The cursor given was not one of this database's: this is the start of a snapshot.
    pub reset: bool,
}

/// The database.
#[async_trait]
pub trait Store:
    Accounts
    + Activities
    + Registry
    + Registrations
    + AccessTokens
    + AuthorizationTypes
    + Devices
    + KeyLines
    + Passkeys
    + PushedRequests
    + SealedTexts
    + TrustedIssuers
    + UsedOnce
    + Send
    + Sync
    + 'static
{
    /// Writes and reads one row through the very connection that requests write through.
    async fn check_write(&self, now: i64) -> Result<()>;
    /// Receivers that wake on changes made by anyone.
    fn changes(&self) -> Changes;
    /// Deletes up to `limit` rows of each kind whose time is over; how many went.
    async fn prune(&self, now: i64, limit: u32) -> Result<u64>;

    /// Registers a client. [`StoreError::Exists`] if the id is taken.
    async fn create_client(&self, client: &Client) -> Result<()>;
    /// One client.
    async fn client(&self, id: &str) -> Result<Option<Client>>;
    /// Clients in order of id, after this one.
    async fn clients(&self, after: Option<&str>, limit: u32) -> Result<Vec<Client>>;
    /// Disables a client and records the revocation of its tokens, or (`None`) enables it again; false if there is none.
    async fn set_client_disabled(&self, id: &str, disabled: Option<&Revocation>) -> Result<bool>;

    /// Adds a scope or changes its words.
    async fn put_scope(&self, scope: &Scope) -> Result<()>;
    /// All scopes, in order of name.
    async fn scopes(&self) -> Result<Vec<Scope>>;

    /// Adds a person. [`StoreError::Exists`] if the username is taken.
    async fn create_person(&self, person: &Person) -> Result<()>;
    /// By username, without case.
    async fn person_by_username(&self, username: &str) -> Result<Option<Person>>;
    /// By id.
    async fn person(&self, id: &str) -> Result<Option<Person>>;
    /// Replaces a password's hash, if it is still the one that was read: for a scheme that became old.
    async fn rehash_password(&self, person_id: &str, old_hash: &str, new_hash: &str) -> Result<()>;

    /// Starts a session; `replaces` ends another in the same step (rotation on sign-in).
    async fn create_session(&self, id: &Digest, session: &Session, replaces: Option<&Digest>) -> Result<()>;
    /// A session that has not ended at `now`, and was used after `idle_since`.
    async fn session(&self, id: &Digest, now: i64, idle_since: i64) -> Result<Option<Session>>;
    /// Ends a session.
    async fn end_session(&self, id: &Digest) -> Result<()>;

    /// The scopes that a person has consented to for a client; empty if none.
    async fn consent(&self, person_id: &str, client_id: &str) -> Result<ScopeSet>;
    /// Records consent (added to what was there), the grant and its code in one step.
    async fn authorize(&self, code: &Digest, authorization: &AuthorizationCode) -> Result<()>;
    /// A code, spent or not.
    async fn code(&self, code: &Digest) -> Result<Option<AuthorizationCode>>;
    /// Spends a code and stores the refresh token it gives, if it gives one. Exactly one caller ever gets [`Redeemed::Now`].
    async fn redeem_code(&self, code: &Digest, now: i64, refresh: Option<&NewRefreshToken>) -> Result<Redeemed>;

    /// A refresh token, spent or not.
    async fn refresh_token(&self, token: &Digest) -> Result<Option<RefreshToken>>;
    /// Spends a refresh token and stores its successor. Exactly one caller ever gets [`Rotated::Now`].
    async fn rotate_refresh(
        &self,
        token: &Digest,
        now: i64,
        successor: &NewRefreshToken,
        sealed: &[u8],
    ) -> Result<Rotated>;

    /// Lets a refresh token that is kept in use live until `expires_at`; false if it is spent or its grant was revoked.
    async fn extend_refresh(&self, token: &Digest, expires_at: i64) -> Result<bool>;

    /// One grant.
    async fn grant(&self, id: &str) -> Result<Option<Grant>>;
    /// Revokes a grant: no refresh token or code of it works any more, and the feed says so. Idempotent.
    async fn revoke_grant(&self, id: &str, revocation: &Revocation) -> Result<()>;
    /// Records a revocation. Idempotent; the greater cutoff and expiry hold.
    async fn revoke(&self, revocation: &Revocation) -> Result<()>;
    /// The recorded revocations with one of these keys, for introspection.
    async fn revocations(&self, keys: &[u64], now: i64) -> Result<Vec<Revocation>>;

    /// What the feed holds after a cursor (`None`: all that is live), at most `limit` entries. Never skips: a
    /// revocation that was not visible when the cursor was given comes later, whatever committed in between.
    async fn feed(&self, after: Option<&str>, limit: u32, now: i64) -> Result<FeedRead>;
    /// Makes every cursor given so far unknown: followers start from a snapshot. For after a restore from a backup.
    async fn reset_feed(&self) -> Result<()>;

    /// All keys that are still stored, the oldest first.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>>;
    /// Stores the first pair of keys, if there is none yet; of several replicas one wins.
    async fn init_signing_keys(&self, active: &SigningKey, next: &SigningKey) -> Result<()>;
    /// Sets when the *next* key begins to sign and stores the one after it; false if another did so first.
    async fn rotate_signing_keys(&self, next_kid: &str, activates_at: i64, new_next: &SigningKey) -> Result<bool>;
    /// Deletes a retired key.
    async fn delete_signing_key(&self, kid: &str) -> Result<()>;

    /// A named value that is written once and read for ever (the check of the master key); the value that holds.
    async fn set_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>>;
}
