//! What administration keeps beside the registry itself: the audit log, accounts, and versions of things.

use super::{Client, Digest, Grant, Person};
use crate::env::Random;
use serde::{Deserialize, Serialize};

/// What a person may do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signs in, and manages their own account.
    #[default]
    Person,
    /// Also administers this server.
    Admin,
}

impl Role {
    /// As stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Person, Self::Admin].into_iter().find(|role| role.name() == name)
    }
}

/// A thing as it was read, with the version that an edit must still find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The thing.
    pub value: T,
    /// Grows with every change.
    pub version: i64,
}

impl<T> Versioned<T> {
    /// A new thing. Its version begins anywhere in 52 bits, so that what was read of a thing that is gone is never taken for
    /// another one of the same name (RFC 9110 §8.8.1), and every JSON parser still reads the number as it is (RFC 8259 §6).
    #[must_use]
    pub fn new(value: T, random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        Self { value, version: i64::from_be_bytes(bytes) & ((1 << 52) - 1) }
    }
}

/// A person, with what administration knows of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub person: Person,
    /// What they may do.
    pub role: Role,
    /// When they last chose a password, if they have since they were added.
    pub password_at: Option<i64>,
    /// Whether they have an authenticator app.
    pub totp: bool,
    /// How many passkeys they have. With an app or a passkey, a password alone opens nothing.
    pub passkeys: i64,
}

/// A session, for the list that its person sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// The digest of its cookie: names it, and opens nothing.
    pub id: Digest,
    /// When its person signed in.
    pub auth_time: i64,
    /// How.
    pub acr: String,
    /// When it ends.
    pub expires_at: i64,
    /// When it was last used, to the minute.
    pub used_at: i64,
    /// From where it was begun.
    pub address: Option<String>,
    /// By which browser, as it calls itself.
    pub agent: Option<String>,
}

/// A client that a person gave access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which.
    pub client_id: String,
    /// As people know it.
    pub client_name: String,
    /// The scopes consented to.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: i64,
}

/// What to record with a change: who did it, to what, from where, and how it was before and after. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, Unix time in seconds.
    pub at: i64,
    /// `person`, `client`, `command` or `server`.
    pub actor_kind: &'static str,
    /// Its name: a person's id, a client's, the operating system's user.
    pub actor: String,
    /// The network address it came from, if it came from one.
    pub address: Option<String>,
    /// Such as `client.edit`.
    pub action: &'static str,
    /// Such as `client`.
    pub object_kind: &'static str,
    /// The object's id.
    pub object: String,
    /// JSON, if it was there before.
    pub before: Option<String>,
    /// JSON, if it is there now.
    pub after: Option<String>,
}

/// A [`Change`] as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AuditEntry)]
pub struct Recorded {
    /// Grows with time.
    pub id: i64,
    /// When, Unix time in seconds.
    pub at: i64,
    /// `person`, `client`, `command` or `server`.
    pub actor_kind: String,
    /// Its name: a person's id, a client's, the operating system's user.
    pub actor: String,
    /// The network address it came from.
    pub address: Option<String>,
    /// What was done, such as `client.edit`.
    pub action: String,
    /// To what kind of object.
    pub object_kind: String,
    /// To which.
    pub object: String,
    /// How it was, without secrets.
    #[schema(value_type = Option<Object>)]
    pub before: Option<serde_json::Value>,
    /// How it is, without secrets.
    #[schema(value_type = Option<Object>)]
    pub after: Option<serde_json::Value>,
}

/// Which entries of the audit log to read; all that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By whom.
    pub actor: Option<String>,
    /// What.
    pub action: Option<String>,
    /// To what kind of object.
    pub object_kind: Option<String>,
    /// To which object.
    pub object: Option<String>,
    /// Not before, Unix time in seconds.
    pub since: Option<i64>,
}

/// Which grants to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Of this client.
    pub client_id: Option<String>,
    /// Of this person.
    pub person_id: Option<String>,
}

/// A grant in a list, with the names of those concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantEntry {
    /// The grant.
    pub grant: Grant,
    /// The client's name.
    pub client_name: String,
    /// The person's username.
    pub username: String,
}

/// A client's stored TOTP secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// Sealed under the master key.
    pub sealed: Vec<u8>,
    /// The time step of the last code taken.
    pub last_step: i64,
    /// Since when.
    pub added_at: i64,
}

/// A passkey: a key pair of an authenticator, of which the public half is kept here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The credential id, made by the authenticator.
    pub id: Vec<u8>,
    /// Whose it is.
    pub person_id: String,
    /// What they call it.
    pub label: String,
    /// JSON: the public key, its counter and its backup flags.
    pub credential: String,
    /// Since when, Unix time in seconds.
    pub added_at: i64,
    /// When it last signed its person in.
    pub used_at: Option<i64>,
}

/// How much of one kind happened in one span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// When the span began, Unix time in seconds.
    pub from: i64,
    /// What.
    pub kind: String,
    /// How often.
    pub count: i64,
}

/// What tells a follower of the revocation feed from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FollowerName {
    /// The network address it asks from.
    pub address: String,
    /// What it calls itself; empty for one that does not say. Nobody checks it.
    pub id: String,
}

/// How far the followers of the feed are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FollowerCounts {
    /// How many there are.
    pub all: i64,
    /// How many of them have not had everything since the time asked about.
    pub behind: i64,
    /// When the one that is furthest behind last had everything, Unix time in seconds.
    pub oldest: Option<i64>,
}

/// Who follows the revocation feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Which.
    pub name: FollowerName,
    /// What its operator calls it, if it says so.
    pub node: Option<String>,
    /// When it asked last.
    pub seen_at: i64,
    /// When it was last known to have everything; 0 if never.
    pub current_at: i64,
}

impl Client {
    /// Every secret, the first one first.
    pub fn secrets(&self) -> impl Iterator<Item = (&Digest, &super::SecretSwitch)> {
        let first = self.secret.as_ref().map(|digest| (digest, &self.options.first_secret));
        first.into_iter().chain(self.options.more_secrets.iter().map(|more| (&more.digest, &more.switch)))
    }

    /// The secret of this digest, if it is good at `now`.
    #[must_use]
    pub fn accepts(&self, given: &Digest, now: i64) -> Option<&super::SecretSwitch> {
        // No early end: which of them fits does not show in the time taken.
        self.secrets().fold(None, |found, (digest, switch)| {
            let good = digest.matches(given) & switch.is_on(now);
            if good { Some(switch) } else { found }
        })
    }
}
