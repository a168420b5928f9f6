//! What is going on: the console's first page.

use super::{Admin, Result};
use crate::activity::{BEHIND, Kind};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds in the spans that are counted.
const HOUR: i64 = 3600;
/// How many spans there are.
const HOURS: i64 = 24;

/// The most followers that are listed.
const FOLLOWERS: u32 = 1000;

/// What happened in the last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Overview {
    /// Registered clients; they are counted up to 100,000.
    pub clients: i64,
    /// Of them, those that are disabled; counted as far.
    pub clients_disabled: i64,
    /// People; counted as far.
    pub people: i64,
    /// The last 24 hours, the oldest first.
    pub hours: Vec<Point>,
    /// How many follow the revocation feed.
    pub followers_count: i64,
    /// Of them, those that may have missed something of the last 40 seconds.
    pub followers_behind: i64,
    /// Who follows the feed: at most 1,000, those that are furthest behind first.
    pub followers: Vec<FollowerView>,
}

/// What happened in one hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Point {
    /// When it began, Unix time in seconds.
    pub from: i64,
    /// Answers of the token endpoint with a token.
    pub issued: i64,
    /// Answers of the token endpoint that refused.
    pub denied: i64,
    /// Revocations.
    pub revoked: i64,
    /// People who signed in.
    pub signed_in: i64,
    /// Sign-ins that were refused.
    pub refused: i64,
}

/// A follower of the revocation feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FollowerView {
    /// What it calls itself: of an Envoy, a name of its process, made by chance. Nobody checks it. Empty for one that does
    /// not say.
    pub id: String,
    /// What its operator calls it: of an Envoy, its node id. Nobody checks it either.
    pub node: Option<String>,
    /// The network address it asks from.
    pub address: String,
    /// When it asked last, Unix time in seconds.
    pub seen_at: i64,
    /// For how many seconds it may have missed something; null while it has not read everything yet.
    pub behind: Option<i64>,
}

impl Admin<'_> {
    /// What happened in the last day, and who follows the feed.
    ///
    /// # Errors
    /// [`AdminError::Store`](super::AdminError::Store).
    pub async fn overview(&self) -> Result<Overview> {
        let now = self.now();
        let first = now.saturating_sub(now.rem_euclid(HOUR)).saturating_sub(HOUR.saturating_mul(HOURS - 1));
        let mut hours: Vec<Point> = (0..HOURS)
            .map(|hour| Point { from: first.saturating_add(hour.saturating_mul(HOUR)), ..Point::default() })
            .collect();
        for activity in self.store.counts(first, HOUR).await? {
            let Some(point) = hours.iter_mut().find(|point| point.from == activity.from) else { continue };
            match Kind::from_name(&activity.kind) {
                Some(Kind::Issued) => point.issued = activity.count,
                Some(Kind::Denied) => point.denied = activity.count,
                Some(Kind::Revoked) => point.revoked = activity.count,
                Some(Kind::SignedIn) => point.signed_in = activity.count,
                Some(Kind::Refused) => point.refused = activity.count,
                None => {}
            }
        }
        let (clients, people, clients_disabled) = self.store.totals().await?;
        let counts = self.store.follower_counts(now, now.saturating_sub(BEHIND)).await?;
        let followers = self.store.followers(now, FOLLOWERS).await?.into_iter().map(|follower| FollowerView {
            id: follower.name.id,
            node: follower.node,
            address: follower.name.address,
            seen_at: follower.seen_at,
            behind: (follower.current_at > 0).then(|| now.saturating_sub(follower.current_at).max(0)),
        });
        Ok(Overview {
            clients,
            clients_disabled,
            people,
            hours,
            followers_count: counts.all,
            followers_behind: counts.behind,
            followers: followers.collect(),
        })
    }
}
