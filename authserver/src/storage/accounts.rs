//! What people do to their own accounts: sessions, second factors, consent, each with its entry of the audit log.

use super::Result;
use crate::model::{Access, Change, Digest, Revocation, Session, SessionEntry, Totp};
use async_trait::async_trait;

/// Accounts, for those whose they are.
#[async_trait]
pub trait Accounts {
    /// Starts a session, from where and by which browser; another ends in the same step (rotation on sign-in).
    async fn begin_session(
        &self,
        id: &Digest,
        session: &Session,
        whence: (Option<&str>, Option<&str>),
        replaces: Option<&Digest>,
        change: &Change,
    ) -> Result<()>;
    /// Notes that a session was used, if that was not noted within the minute before.
    async fn use_session(&self, id: &Digest, at: i64) -> Result<()>;
    /// A person's sessions that have not ended at `now`, and were used after `idle_since`; the newest first.
    async fn sessions(&self, person_id: &str, now: i64, idle_since: i64) -> Result<Vec<SessionEntry>>;
    /// Ends one session of a person; false if they have none of this name.
    async fn end_session_of(&self, person_id: &str, id: &Digest, change: &Change) -> Result<bool>;
    /// Ends all sessions of a person but one.
    async fn end_other_sessions(&self, person_id: &str, but: &Digest, change: &Change) -> Result<()>;

    /// Replaces a password, if the hash is still the one that was read, and ends every session but one, which goes on under
    /// another name.
    async fn change_password(
        &self,
        person_id: &str,
        hashes: (&str, &str),
        session: (&Digest, &Digest),
        change: &Change,
    ) -> Result<bool>;

    /// The authenticator app of a person.
    async fn totp(&self, person_id: &str) -> Result<Option<Totp>>;
    /// Sets the authenticator app and recovery codes; those there were are gone.
    async fn set_totp(&self, person_id: &str, totp: &Totp, codes: &[Digest], change: &Change) -> Result<()>;
    /// Takes the authenticator app away; false if there was none. Recovery codes go with the last factor.
    async fn remove_totp(&self, person_id: &str, change: &Change) -> Result<bool>;
    /// Marks a time step as used, if no later one was; false if this or a later one was. Exactly one caller wins.
    async fn use_totp_step(&self, person_id: &str, step: i64) -> Result<bool>;
    /// Spends a recovery code; false if it is not one of theirs, or was spent. Exactly one caller wins.
    async fn use_recovery_code(&self, person_id: &str, code: &Digest, change: &Change) -> Result<bool>;
    /// New recovery codes; those there were are gone.
    async fn set_recovery_codes(&self, person_id: &str, codes: &[Digest], change: &Change) -> Result<()>;
    /// How many recovery codes are left.
    async fn recovery_codes_left(&self, person_id: &str) -> Result<i64>;

    /// The clients that a person gave access.
    async fn access(&self, person_id: &str) -> Result<Vec<Access>>;
    /// The live grants of a person to a client.
    async fn live_grants(&self, person_id: &str, client_id: &str) -> Result<Vec<String>>;
    /// Takes a client's access away: consent is forgotten and these grants end, everywhere.
    async fn withdraw(
        &self,
        person_id: &str,
        client_id: &str,
        grants: &[(String, Revocation)],
        change: &Change,
    ) -> Result<()>;
}
