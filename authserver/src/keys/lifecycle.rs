//! A key's life: *next* (published, does not sign yet), *active*, *retired* (published until its last token expired).

use super::signing;
use super::{KeyError, Sealer};
use crate::config::KeyPolicy;
use crate::jwt::Algorithm;
use crate::model::{Change, SigningKey};
use crate::storage::Store;
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) const CHECK: &str = "master key check";

/// Keys that succeed each other: those of the server's usual algorithm, or those of a further one.
#[derive(Debug, Clone, Copy)]
pub struct Line<'p> {
    policy: &'p KeyPolicy,
    /// What its new keys sign with.
    pub algorithm: Algorithm,
    further: bool,
}

impl<'p> Line<'p> {
    /// The line that signs what is not asked for in another algorithm.
    #[must_use]
    pub fn usual(policy: &'p KeyPolicy) -> Self {
        Self { policy, algorithm: policy.algorithm, further: false }
    }

    /// Every line, the usual one first.
    pub fn all(policy: &'p KeyPolicy) -> impl Iterator<Item = Self> {
        let further =
            policy.more_algorithms.iter().map(move |algorithm| Self { policy, algorithm: *algorithm, further: true });
        std::iter::once(Self::usual(policy)).chain(further)
    }

    /// The line for an algorithm, if the server has keys for it.
    pub fn of(policy: &'p KeyPolicy, algorithm: Algorithm) -> Option<Self> {
        Self::all(policy).find(|line| line.algorithm == algorithm)
    }

    /// As its keys are marked (`SigningKey::line`).
    #[must_use]
    pub fn name(self) -> &'static str {
        if self.further { self.algorithm.name() } else { "" }
    }

    fn keys(self, keys: &[SigningKey]) -> impl Iterator<Item = &SigningKey> {
        keys.iter().filter(move |key| key.line == self.name())
    }
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Published, not yet used.
    Next,
    /// Signs.
    Active,
    /// Published until the last token it signed has expired.
    Retired,
}

/// What asking for a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The key signs from then on, Unix time in seconds.
    Begun {
        /// The key that will sign.
        kid: String,
        /// From when.
        activates_at: i64,
    },
    /// Another replica or command began one at the same moment.
    Another,
}

/// The state of each key at a time, in the order given.
#[must_use]
pub fn states(keys: &[SigningKey], now: i64) -> Vec<State> {
    let active = |line: &str| {
        let of_line = keys.iter().filter(|key| key.line == line);
        of_line.filter_map(|key| key.activates_at).filter(|at| *at <= now).max()
    };
    keys.iter()
        .map(|key| match key.activates_at {
            _ if key.ended_at.is_some() => State::Retired,
            Some(at) if Some(at) == active(&key.line) => State::Active,
            Some(at) if at <= now => State::Retired,
            _ => State::Next,
        })
        .collect()
}

/// Refuses a master key that is not the one this database was sealed under; the first one seen is the one.
///
/// # Errors
/// [`KeyError::Sealed`].
pub async fn check_master_key(store: &dyn Store, sealer: &Sealer) -> Result<(), KeyError> {
    let stored = store.set_once(CHECK, &sealer.seal(CHECK, &[], CHECK.as_bytes())?).await?;
    sealer.open(CHECK, &[], &stored).map(drop)
}

/// The first pair of keys of each line that has none: one that signs at once and the next. Of a line that was taken out
/// of the configuration and is back, the keys it had.
///
/// # Errors
/// [`KeyError`].
pub async fn init(store: &dyn Store, sealer: &Sealer, policy: &KeyPolicy, now: i64) -> Result<(), KeyError> {
    let keys = store.signing_keys().await?;
    for line in Line::all(policy).filter(|line| line.keys(&keys).any(|key| key.ended_at.is_some())) {
        store.resume_key_line(line.name()).await?;
    }
    for line in Line::all(policy).filter(|line| line.keys(&keys).next().is_none()) {
        let active = signing::generate(line, sealer, now, Some(now))?;
        store.init_signing_keys(&active, &signing::generate(line, sealer, now, None)?).await?;
    }
    Ok(())
}

/// Lets the next key of a line sign: when it has been published for long enough, or `at_once`. A new next key is published.
///
/// # Errors
/// [`KeyError`]; [`KeyError::Crypto`] if there is no next key.
pub async fn rotate(
    store: &dyn Store,
    sealer: &Sealer,
    line: Line<'_>,
    now: i64,
    at_once: bool,
) -> Result<Rotation, KeyError> {
    rotate_audited(store, sealer, line, now, at_once, None).await
}

/// Makes the entry of the audit log for the key that will sign, and from when.
pub type Audit<'a> = &'a (dyn Fn(&str, i64) -> Change + Send + Sync);

/// As [`rotate`], with an entry in the audit log.
///
/// # Errors
/// As [`rotate`].
pub async fn rotate_audited(
    store: &dyn Store,
    sealer: &Sealer,
    line: Line<'_>,
    now: i64,
    at_once: bool,
    audit: Option<Audit<'_>>,
) -> Result<Rotation, KeyError> {
    let all = store.signing_keys().await?;
    let keys: Vec<_> = line.keys(&all).collect();
    let next = keys.iter().find(|k| k.activates_at.is_none()).ok_or(KeyError::Crypto("there is no next key"))?;
    let activates_at = if at_once {
        // Later than every other that signs already, also one of the same second: the latest activated is the active.
        keys.iter().filter_map(|k| k.activates_at).filter(|at| *at <= now).max().map_or(now, |at| now.max(at + 1))
    } else {
        // Later than a rotation that is already under way, too.
        let scheduled = keys.iter().filter_map(|k| k.activates_at).max().map_or(now, |at| at + 1);
        now.max(next.published_at + seconds(line.policy.publish_ahead)).max(scheduled)
    };
    let new_next = signing::generate(line, sealer, now, None)?;
    let begun = match audit {
        Some(audit) => {
            let change = audit(&next.kid, activates_at);
            store.rotate_keys_audited(&next.kid, activates_at, &new_next, &change).await?
        }
        None => store.rotate_signing_keys(&next.kid, activates_at, &new_next).await?,
    };
    Ok(if begun { Rotation::Begun { kid: next.kid.clone(), activates_at } } else { Rotation::Another })
}

/// Whether the schedule asks for a rotation of a line now, so that the next key signs when the active one is old enough.
#[must_use]
pub fn is_due(keys: &[SigningKey], line: Line<'_>, now: i64) -> bool {
    let policy = line.policy;
    // A rotation that is under way counts: its key is the newest.
    let newest = line.keys(keys).filter_map(|k| k.activates_at).max();
    let every = seconds(policy.rotate_every);
    every > 0 && newest.is_some_and(|at| at + every - seconds(policy.publish_ahead) <= now)
}

/// Ends lines that the configuration does not ask for any more: their keys stay published for `token_life`, as long as
/// tokens may live that another replica signed up to now, and are deleted then. As long as a replica runs that asks for a
/// line, it takes the end back ([`init`]), so nothing is deleted under it.
///
/// # Errors
/// [`KeyError`].
pub async fn end_lines(
    store: &dyn Store,
    policy: &KeyPolicy,
    keys: &[SigningKey],
    now: i64,
    token_life: Duration,
) -> Result<(), KeyError> {
    let asked = |key: &SigningKey| Line::all(policy).any(|line| line.name() == key.line);
    let over: BTreeSet<_> = keys.iter().filter(|key| !asked(key)).map(|key| key.line.as_str()).collect();
    for line in over {
        if keys.iter().any(|key| key.line == line && key.ended_at.is_none()) {
            store.end_key_line(line, now).await?;
        }
        if store.delete_key_line(line, now.saturating_sub(seconds(token_life))).await? {
            tracing::info!(
                line,
                "signing keys deleted: no configuration asks for them, and their last token has expired"
            );
        }
    }
    Ok(())
}

/// The retired keys whose last token has expired: `token_life` after their successor began to sign.
pub fn over(keys: &[SigningKey], now: i64, token_life: Duration) -> impl Iterator<Item = &SigningKey> {
    keys.iter().filter(move |key| {
        let Some(began) = key.activates_at else { return false };
        let of_line = keys.iter().filter(|other| other.line == key.line);
        let succeeded = of_line.filter_map(|other| other.activates_at).filter(|at| *at > began).min();
        succeeded.is_some_and(|at| at + seconds(token_life) < now)
    })
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 4)
}
