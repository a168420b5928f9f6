//! What is going on: the console's first page.

use super::{Admin, Result};
use crate::activity::Kind;
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds in the spans that are counted.
const HOUR: i64 = 3600;
/// How many spans there are.
const HOURS: i64 = 24;

/// What happened in the last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Overview {
    /// Registered clients.
    pub clients: i64,
    /// Of them, those that are disabled.
    pub clients_disabled: i64,
    /// People.
    pub people: i64,
    /// The last 24 hours, the oldest first.
    pub hours: Vec<Point>,
    /// Who follows the revocation feed.
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
    /// The network address it asks from.
    pub name: String,
    /// When it asked last, Unix time in seconds.
    pub seen_at: i64,
    /// For how many seconds it may have missed something.
    pub behind: i64,
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
        let followers = self.store.followers(now).await?.into_iter().map(|follower| FollowerView {
            name: follower.name,
            seen_at: follower.seen_at,
            behind: now.saturating_sub(follower.current_at).max(0),
        });
        Ok(Overview { clients, clients_disabled, people, hours, followers: followers.collect() })
    }
}
