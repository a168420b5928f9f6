//! What goes on: throttles that all replicas share, counts for the console, who follows the feed.

use super::Result;
use crate::model::{Activity, Follower};
use async_trait::async_trait;

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

    /// Notes who follows the feed, and when it last had everything.
    async fn note_follower(&self, follower: &Follower, expires_at: i64) -> Result<()>;
    /// Who follows the feed.
    async fn followers(&self, now: i64) -> Result<Vec<Follower>>;
    /// How many clients and how many people there are, and how many of the clients are disabled.
    async fn totals(&self) -> Result<(i64, i64, i64)>;
}
