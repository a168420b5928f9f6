//! What goes on: throttles that all replicas share, counts for the console, who follows the feed.

use super::Result;
use crate::model::{Activity, Follower, FollowerCounts};
use async_trait::async_trait;

/// As far as clients and people are counted for the console: beyond it, that there are more is all that is known.
pub const COUNTED: i64 = 100_000;
/// The most followers of the feed that are noted: who they are is their own word, so it has an end.
pub const FOLLOWERS: i64 = 10_000;

/// Activity of all replicas.
#[async_trait]
pub trait Activities {
    /// Takes one from a bucket (GCRA): `cost_ms` is how long one takes to come back, `burst_ms` how far ahead may be
    /// taken. `None` if there was one, or how many milliseconds until there is.
    async fn take(&self, key: &str, now_ms: i64, cost_ms: i64, burst_ms: i64) -> Result<Option<i64>>;
    /// Fills a bucket up again.
    async fn refill(&self, key: &str) -> Result<()>;

    /// Adds to the counts of a minute.
    async fn count(&self, minute: i64, kind: &str, more: i64, expires_at: i64) -> Result<()>;
    /// Counts since then, in spans of this many seconds, in order of time.
    async fn counts(&self, since: i64, span: i64) -> Result<Vec<Activity>>;

    /// Notes who follows the feed, and when it last had everything. Where [`FOLLOWERS`] are noted, no further one is.
    async fn note_follower(&self, follower: &Follower, expires_at: i64) -> Result<()>;
    /// Who follows the feed: at most so many, those that are furthest behind first.
    async fn followers(&self, now: i64, limit: u32) -> Result<Vec<Follower>>;
    /// How many follow the feed, and how many of them have not had everything since `current_since`.
    async fn follower_counts(&self, now: i64, current_since: i64) -> Result<FollowerCounts>;
    /// Notes that a client proved itself by a secret or a key, at most once in a minute; not for one that is gone.
    async fn note_use(&self, client_id: &str, credential_id: &str, at: i64) -> Result<()>;
    /// When a client last proved itself by which of its secrets and keys.
    async fn uses(&self, client_id: &str) -> Result<Vec<(String, i64)>>;
    /// How many clients and how many people there are, and how many of the clients are disabled; each up to [`COUNTED`].
    async fn totals(&self) -> Result<(i64, i64, i64)>;
}
