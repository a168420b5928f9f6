//! Administration: one layer below the console, the API and the command line, so that all three do the same and none can
//! change anything without an entry in the audit log.

mod audit;
mod authorization_types;
pub mod client_keys;
pub mod client_rules;
pub mod clients;
mod grants;
mod issuers;
mod keys;
mod overview;
mod people;
mod registration_tokens;
mod scopes;
mod secrets;
mod tokens;

pub use authorization_types::{AuthorizationTypeView, check_authorization_type};
pub use client_keys::{ClientKeyView, NewKeys};
pub use clients::{ClientSpec, ClientView};
pub use grants::GrantView;
pub use issuers::{IssuerSpec, IssuerView};
pub use keys::{KeyView, RotateSpec, Rotated};
pub use overview::{FollowerView, Overview, Point};
pub use people::{NewPerson, PersonEdit, PersonView, check_password, check_username};
pub use registration_tokens::{NewRegistrationToken, RegistrationTokenView, ShownRegistrationToken};
pub use scopes::{ScopeSpec, ScopeView, check_scope};
pub use secrets::{NewSecret, SecretEdit, SecretView, ShownSecret};
pub use tokens::{IssuedToken, TokenFault, TokenKind, TokenReason, TokenView};

use crate::config::Config;
use crate::env::Env;
use crate::grants::{CLOCK_MARGIN, seconds};
use crate::jwt::{Algorithm, Destinations};
use crate::keys::KeyError;
use crate::keys::lifecycle::Line;
use crate::model::{Change, ClientOptions, Keys};
use crate::passwords::PasswordError;
use crate::storage::{Store, StoreError};
use serde::Serialize;

/// The scope that a token for the admin API needs.
pub const SCOPE: &str = "admin";
/// A server may have read a client or a person just before it is disabled, and sign a token just after. So tokens issued
/// up to this many seconds later are revoked as well.
const DISABLE_MARGIN: i64 = 5;

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `person`, `client`, `command` or `server`.
    pub kind: &'static str,
    /// A person's id, a client's, the operating system's user.
    pub id: String,
    /// The network address they came from.
    pub address: Option<String>,
}

/// Administration on behalf of somebody.
pub struct Admin<'a> {
    /// The database.
    pub store: &'a dyn Store,
    /// What the operator set.
    pub config: &'a Config,
    /// Time and randomness.
    pub env: &'a Env,
    /// On whose behalf.
    pub actor: Actor,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such object.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A field does not hold together.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The name is taken.
    #[error("{0} of this name exists already")]
    Exists(&'static str),
    /// Somebody else changed it since it was read.
    #[error("it was changed by somebody else in the meantime; read it again")]
    Changed,
    /// It would leave things in a state that nobody wants.
    #[error("{0}")]
    Refused(&'static str),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
    /// The keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(what) => Self::Exists(what),
            other => Self::Store(other),
        }
    }
}

/// The answer of every function here.
pub type Result<T> = std::result::Result<T, AdminError>;

pub(crate) fn invalid<T>(field: &'static str, problem: impl Into<String>) -> Result<T> {
    Err(AdminError::Invalid { field, problem: problem.into() })
}

/// A page of a list, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The page.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// From one item more than was asked for, which tells whether there is more.
    fn new(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

impl Admin<'_> {
    /// The entry of the audit log for what is about to be done.
    pub(crate) fn change(
        &self,
        action: &'static str,
        object_kind: &'static str,
        object: &str,
        before: Option<&impl Serialize>,
        after: Option<&impl Serialize>,
    ) -> Change {
        change(self.env, &self.actor, (action, object_kind, object), before, after)
    }

    /// Refuses an algorithm that no key of this server signs with.
    fn check_signing_alg(&self, options: &ClientOptions) -> Result<()> {
        let Some(name) = &options.access_token_signing_alg else { return Ok(()) };
        match Algorithm::from_name(name).and_then(|algorithm| Line::of(&self.config.keys, algorithm)) {
            Some(_) => Ok(()),
            None => invalid(
                "options",
                format!("access_token_signing_alg: {name} is neither keys.algorithm nor one of keys.more_algorithms"),
            ),
        }
    }

    /// Refuses a `jwks_uri` that keys would never be fetched from.
    fn check_jwks_uri(&self, field: &'static str, keys: &Keys) -> Result<()> {
        let destinations = Destinations::new(&self.config.assertions.jwks_networks);
        match keys.jwks_uri.as_deref().map(|url| destinations.check(url)) {
            Some(Err(error)) => invalid(field, format!("jwks_uri: {error}")),
            _ => Ok(()),
        }
    }

    fn now(&self) -> i64 {
        self.env.now()
    }

    /// When a revocation made now may be forgotten: no token issued until then lives longer.
    fn revoked_until(&self, cutoff: i64) -> i64 {
        cutoff.saturating_add(seconds(self.config.tokens.max_access_lifetime)).saturating_add(CLOCK_MARGIN)
    }
}

/// See [`Admin::change`].
pub(crate) fn change(
    env: &Env,
    actor: &Actor,
    (action, object_kind, object): (&'static str, &'static str, &str),
    before: Option<&impl Serialize>,
    after: Option<&impl Serialize>,
) -> Change {
    let before = before.and_then(|value| serde_json::to_string(value).ok());
    let after = after.and_then(|value| serde_json::to_string(value).ok());
    Change {
        at: env.now(),
        actor_kind: actor.kind,
        actor: actor.id.clone(),
        address: actor.address.clone(),
        action,
        object_kind,
        object: object.to_owned(),
        before,
        after,
    }
}

/// For [`Admin::change`] where there is nothing to say.
pub(crate) const NOTHING: Option<&()> = None;
