//! What both databases share: the statements that read the same in both, and how rows become types.
//!
//! A [`Backend`] adds what truly differs: opening, migration, transactions of several steps, the feed's cursor,
//! the notice of changes.

mod access_tokens;
mod accounts;
mod activity;
mod audited;
mod authorization_types;
mod devices;
mod key_lines;
mod passkeys;
mod pushed_requests;
mod registrations;
mod registry;
mod rows;
mod sealed;
mod store;
mod trusted_issuers;
mod used_once;

pub use registry::LISTS;
pub(super) use rows::{Row, refresh_token};
pub(super) use store::{END_SESSION, REFRESH_TOKEN, json, session_values};

use super::{Changes, FeedRead, Redeemed, Result, Rotated, StoreError};
use crate::confirmation::Confirmation;
use crate::model::{AuthorizationCode, Digest, Grant, NewRefreshToken, Revocation, Session, SigningKey};
use async_trait::async_trait;

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Int(i64),
    OptInt(Option<i64>),
    Text(&'a str),
    OptText(Option<&'a str>),
    Blob(&'a [u8]),
    OptBlob(Option<&'a [u8]>),
}

/// One statement of several that are carried out together.
pub(super) struct Step<'a> {
    pub(super) sql: &'static str,
    pub(super) args: Vec<Value<'a>>,
    /// If it touches no row, nothing of all happens.
    pub(super) must: bool,
}

impl<'a> Step<'a> {
    pub(super) fn new(sql: &'static str, args: Vec<Value<'a>>) -> Self {
        Self { sql, args, must: false }
    }

    pub(super) fn must(sql: &'static str, args: Vec<Value<'a>>) -> Self {
        Self { sql, args, must: true }
    }
}

/// Binds [`Value`]s to a query of either database: the types differ, the words do not.
macro_rules! bind {
    ($sql:expr, $args:expr) => {
        $args.iter().fold(sqlx::query($sql), |query, value| match *value {
            $crate::storage::sql::Value::Int(v) => query.bind(v),
            $crate::storage::sql::Value::OptInt(v) => query.bind(v),
            $crate::storage::sql::Value::Text(v) => query.bind(v),
            $crate::storage::sql::Value::OptText(v) => query.bind(v),
            $crate::storage::sql::Value::Blob(v) => query.bind(v),
            $crate::storage::sql::Value::OptBlob(v) => query.bind(v),
        })
    };
}
pub(super) use bind;

/// Records a revocation from the source named, which gives key, kind, name, cutoff, expires_at and created_at. The
/// greater cutoff and expiry hold; where neither grows, nothing is written and no follower hears of it.
macro_rules! record_revocation {
    ($source:literal) => {
        concat!(
            "INSERT INTO revocations (key, kind, name, cutoff, expires_at, created_at) ",
            $source,
            " ON CONFLICT (key) DO UPDATE SET",
            " cutoff = CASE WHEN excluded.cutoff > revocations.cutoff THEN excluded.cutoff ELSE revocations.cutoff END,",
            " expires_at = CASE WHEN excluded.expires_at > revocations.expires_at",
            " THEN excluded.expires_at ELSE revocations.expires_at END",
            " WHERE excluded.cutoff > revocations.cutoff OR excluded.expires_at > revocations.expires_at"
        )
    };
}
pub(super) use record_revocation;

/// Starts a session; takes [`session_values`].
macro_rules! create_session {
    () => {
        "INSERT INTO sessions (id, person_id, auth_time, acr, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6)"
    };
}
pub(super) use create_session;

/// The parameters of [`record_revocation`], in its order.
pub(super) fn revocation_values(revocation: &Revocation) -> [Value<'_>; 6] {
    [
        Value::Int(revocation.key.cast_signed()),
        Value::Text(revocation.kind),
        Value::Text(&revocation.name),
        Value::Int(i64::from(revocation.cutoff)),
        Value::Int(i64::from(revocation.expires_at)),
        Value::Int(revocation.created_at),
    ]
}

/// When a row whose time is over goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prune {
    /// At once.
    Soon,
    /// After it has explained, for a while longer, what came from it.
    Late,
}

/// What [`Backend::PRUNE`] holds. The suffix is PostgreSQL's: rows that another replica is deleting are left to it.
macro_rules! prune_statements {
    ($suffix:literal) => {
        &[
            $crate::storage::sql::prune_statement!(Late, "codes", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Late, "device_codes", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "used_once", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Late, "refresh_tokens", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "access_tokens", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "pushed_requests", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "initial_access_tokens", "digest", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "sessions", "id", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "throttles", "key", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "followers", "(address, id)", "address, id", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "activity", "(minute, kind)", "minute, kind", $suffix),
            $crate::storage::sql::prune_statement!(Soon, "revocations", "key", $suffix),
        ]
    };
}
pub(super) use prune_statements;

macro_rules! prune_statement {
    ($when:ident, $table:literal, $key:literal, $suffix:literal) => {
        $crate::storage::sql::prune_statement!($when, $table, $key, $key, $suffix)
    };
    ($when:ident, $table:literal, $key:literal, $columns:literal, $suffix:literal) => {
        (
            $crate::storage::sql::Prune::$when,
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE ",
                $key,
                " IN (SELECT ",
                $columns,
                " FROM ",
                $table,
                " WHERE expires_at < $1 ORDER BY expires_at LIMIT $2",
                $suffix,
                ")"
            ),
        )
    };
}
pub(super) use prune_statement;

/// A store on a database that [`Backend`] knows how to speak to.
pub struct SqlStore<B>(pub(super) B);

/// What a database does in its own way.
#[async_trait]
pub(super) trait Backend: Send + Sync + 'static {
    /// Deletes what expired before `$1`, at most `$2` rows each.
    const PRUNE: &'static [(Prune, &'static str)];

    /// Reads rows.
    async fn read(&self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>>;
    /// Carries out one statement through the connection that writes; the rows it returns.
    async fn write_returning(&self, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>>;
    /// Carries out one statement; how many rows it touched.
    async fn write(&self, sql: &'static str, args: &[Value<'_>]) -> Result<u64>;
    /// Carries out statements in order, in one transaction: all of them, or none if one that must touch a row did not.
    /// Whether they were.
    async fn together(&self, steps: &[Step<'_>]) -> Result<bool>;
    /// See `Store::changes`.
    fn changes(&self) -> Changes;

    /// See `Store::set_client_disabled`.
    async fn disable_client(&self, id: &str, revocation: &Revocation) -> Result<bool>;
    /// See `Store::create_session`.
    async fn replace_session(&self, id: &Digest, session: &Session, replaces: &Digest) -> Result<()>;
    /// See `Store::authorize`.
    async fn authorize(&self, code: &Digest, authorization: &AuthorizationCode) -> Result<()>;
    /// See `Devices::create_grant`.
    async fn create_grant(
        &self,
        code: &Digest,
        authorization: &AuthorizationCode,
        refresh: Option<&NewRefreshToken>,
    ) -> Result<()>;
    /// See `Store::redeem_code`.
    async fn redeem_code(&self, code: &Digest, now: i64, refresh: Option<&NewRefreshToken>) -> Result<Redeemed>;
    /// See `Store::rotate_refresh`.
    async fn rotate_refresh(
        &self,
        token: &Digest,
        now: i64,
        successor: &NewRefreshToken,
        sealed: &[u8],
    ) -> Result<Rotated>;
    /// See `Store::revoke_grant`.
    async fn revoke_grant(&self, id: &str, revocation: &Revocation) -> Result<()>;
    /// See `Store::feed`.
    async fn feed(&self, after: Option<&str>, limit: u32, now: i64) -> Result<FeedRead>;
    /// See `Store::reset_feed`.
    async fn reset_feed(&self) -> Result<()>;
    /// See `Store::init_signing_keys`.
    async fn init_signing_keys(&self, active: &SigningKey, next: &SigningKey) -> Result<()>;
    /// See `Store::rotate_signing_keys`.
    async fn rotate_signing_keys(&self, next_kid: &str, activates_at: i64, new_next: &SigningKey) -> Result<bool>;
}

/// The parameters of a new grant: id, client_id, person_id, scope, auth_time, acr, details, created_at,
/// revoked_at. Scope and details are as stored.
pub(super) fn grant_values<'a>(grant: &'a Grant, scope: &'a str, details: &'a str) -> [Value<'a>; 9] {
    [
        Value::Text(&grant.id),
        Value::Text(&grant.client_id),
        Value::Text(&grant.person_id),
        Value::Text(scope),
        Value::Int(grant.auth_time),
        Value::Text(&grant.acr),
        Value::Text(details),
        Value::Int(grant.created_at),
        Value::OptInt(grant.revoked_at),
    ]
}

/// The parameters of a new code: digest, grant_id, redirect_uri, code_challenge, expires_at, used_at.
pub(super) fn code_values<'a>(code: &'a Digest, authorization: &'a AuthorizationCode) -> [Value<'a>; 6] {
    [
        Value::Blob(&code.0),
        Value::Text(&authorization.grant.id),
        Value::OptText(authorization.redirect_uri.as_deref()),
        Value::OptText(authorization.code_challenge.as_deref()),
        Value::Int(authorization.expires_at),
        Value::OptInt(authorization.used_at),
    ]
}

/// Stores a signing key; takes [`key_values`].
pub(super) const ADD_KEY: &str = "INSERT INTO signing_keys
         (kid, alg, public_jwk, sealed_private, published_at, activates_at, line)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// The parameters of a new signing key: kid, alg, public_jwk, sealed_private, published_at, activates_at, line.
pub(super) fn key_values(key: &SigningKey) -> [Value<'_>; 7] {
    [
        Value::Text(&key.kid),
        Value::Text(&key.alg),
        Value::Text(&key.public_jwk),
        Value::Blob(&key.sealed_private),
        Value::Int(key.published_at),
        Value::OptInt(key.activates_at),
        Value::Text(&key.line),
    ]
}

/// What a refresh token is bound to, as it is stored; `None` for nothing.
pub(super) fn confirmation(confirmation: &Confirmation) -> Result<Option<String>> {
    if confirmation.is_empty() { Ok(None) } else { json(confirmation).map(Some) }
}

/// What rotating came to when this request did not win, from the token as it is now: `None` if it is gone.
pub(super) fn lost_rotation(token: Option<&Row>) -> Result<Rotated> {
    let Some(row) = token else { return Ok(Rotated::Revoked) };
    let token = refresh_token(row)?;
    match token.spent {
        _ if token.grant.revoked_at.is_some() => Ok(Rotated::Revoked),
        Some(spent) => Ok(Rotated::Before(spent)),
        None => Err(StoreError::Corrupt("refresh_tokens: neither spent nor spendable".to_owned())),
    }
}
