//! What goes on, counted in memory and added to the database every few seconds, so that no request writes for it. The
//! console draws it.

use crate::env::Env;
use crate::model::{Follower, FollowerName};
use crate::storage::{Store, StoreError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often counts are added.
const EVERY: Duration = Duration::from_secs(5);
/// How long counts are kept, in seconds.
const KEPT: i64 = 31 * 86_400;
/// A follower that had everything so many seconds ago may have nothing to ask: it waits for half a minute at the most, and
/// what it did is written a little later.
pub const BEHIND: i64 = 40;
/// How long a follower that is silent is remembered, in seconds.
const FOLLOWER_KEPT: i64 = 3600;
/// The most followers noted between two writes.
const MOST_FOLLOWERS: usize = 10_000;

/// The most secrets and keys whose use is noted between two writes.
const MOST_USED: usize = 100_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The token endpoint gave a token.
    Issued,
    /// It refused.
    Denied,
    /// A revocation was asked for.
    Revoked,
    /// A person signed in.
    SignedIn,
    /// A sign-in was refused.
    Refused,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Issued, Self::Denied, Self::Revoked, Self::SignedIn, Self::Refused];

    const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Denied => "denied",
            Self::Revoked => "revoked",
            Self::SignedIn => "signed_in",
            Self::Refused => "refused",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The counts since the last write.
#[derive(Default)]
pub struct Counters {
    issued: AtomicU64,
    denied: AtomicU64,
    revoked: AtomicU64,
    signed_in: AtomicU64,
    refused: AtomicU64,
    followers: Mutex<HashMap<FollowerName, Noted>>,
    /// When a client last proved itself by which of its secrets and keys.
    used: Mutex<HashMap<(String, String), i64>>,
}

/// What was noted of a follower since the last write.
#[derive(Default)]
struct Noted {
    node: Option<String>,
    seen_at: i64,
    current_at: i64,
}

impl Counters {
    /// One more.
    pub fn count(&self, kind: Kind) {
        self.counter(kind).fetch_add(1, Ordering::Relaxed);
    }

    /// A follower of the feed asked; `current` if it had everything then. `node` is what its operator calls it.
    pub fn follower(&self, name: FollowerName, node: Option<String>, now: i64, current: bool) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        if followers.len() >= MOST_FOLLOWERS && !followers.contains_key(&name) {
            return;
        }
        let noted = followers.entry(name).or_default();
        noted.node = node;
        noted.seen_at = noted.seen_at.max(now);
        if current {
            noted.current_at = noted.current_at.max(now);
        }
    }

    /// A client proved itself by this secret or key; the first secret has an empty id.
    pub fn used(&self, client_id: &str, credential_id: &str, now: i64) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let which = (client_id.to_owned(), credential_id.to_owned());
        if used.len() < MOST_USED || used.contains_key(&which) {
            used.insert(which, now);
        }
    }

    /// Adds what was counted to the database. What could not be added is counted again next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn flush(&self, store: &dyn Store, env: &Env) -> Result<(), StoreError> {
        let now = env.now();
        let minute = now.saturating_sub(now.rem_euclid(60));
        for kind in Kind::ALL {
            let more = self.counter(kind).swap(0, Ordering::Relaxed);
            if more == 0 {
                continue;
            }
            let added = i64::try_from(more).unwrap_or(i64::MAX);
            if let Err(error) = store.count(minute, kind.name(), added, minute.saturating_add(KEPT)).await {
                self.counter(kind).fetch_add(more, Ordering::Relaxed);
                return Err(error);
            }
        }
        let followers = std::mem::take(&mut *self.followers.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, Noted { node, seen_at, current_at }) in followers {
            let follower = Follower { name, node, seen_at, current_at };
            store.note_follower(&follower, seen_at.saturating_add(FOLLOWER_KEPT)).await?;
        }
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        for ((client_id, credential_id), at) in used {
            store.note_use(&client_id, &credential_id, at).await?;
        }
        let counts = store.follower_counts(now, now.saturating_sub(BEHIND)).await?;
        metrics::gauge!("bearward_feed_followers").set(float(counts.all));
        metrics::gauge!("bearward_feed_followers_behind").set(float(counts.behind));
        let lag = counts.oldest.map_or(0, |oldest| now.saturating_sub(oldest).max(0));
        metrics::gauge!("bearward_feed_follower_lag_seconds").set(float(lag));
        Ok(())
    }

    fn counter(&self, kind: Kind) -> &AtomicU64 {
        match kind {
            Kind::Issued => &self.issued,
            Kind::Denied => &self.denied,
            Kind::Revoked => &self.revoked,
            Kind::SignedIn => &self.signed_in,
            Kind::Refused => &self.refused,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts and seconds, far below 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}

/// Adds to the database for as long as the server runs.
pub(crate) async fn run(counters: Arc<Counters>, store: Arc<dyn Store>, env: Env) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = counters.flush(&*store, &env).await {
            tracing::warn!(%error, "activity could not be written; it is counted on");
        }
    }
}
