//! Passkeys of people, each change with its entry of the audit log.

use super::Result;
use crate::model::{Change, Digest, Passkey};
use async_trait::async_trait;

/// Passkeys.
#[async_trait]
pub trait Passkeys {
    /// Adds a passkey, and with it recovery codes if there are any: those there were are gone then. False if the
    /// credential is registered already, whoever has it.
    async fn add_passkey(&self, passkey: &Passkey, codes: &[Digest], change: &Change) -> Result<bool>;
    /// A person's passkeys, the oldest first.
    async fn passkeys(&self, person_id: &str) -> Result<Vec<Passkey>>;
    /// The passkey with this credential id.
    async fn passkey(&self, id: &[u8]) -> Result<Option<Passkey>>;
    /// Notes that a passkey was used at `now`, and what its authenticator said then; false if it is not any more as it
    /// was read, so that of two uses with one counter one wins.
    async fn use_passkey(&self, read: &Passkey, credential: &str, now: i64) -> Result<bool>;
    /// Takes one passkey of a person away; false if they have none of this id. Recovery codes go with the last factor.
    async fn remove_passkey(&self, person_id: &str, id: &[u8], change: &Change) -> Result<bool>;
    /// Takes all passkeys of a person away; false if there was none. Recovery codes go with the last factor.
    async fn remove_passkeys(&self, person_id: &str, change: &Change) -> Result<bool>;
}
