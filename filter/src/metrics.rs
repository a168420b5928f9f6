//! Metrics: fixed names, defined once per VM, counted in the VM and handed over with each tick, so that a request pays
//! an addition.
//!
//! A name is one metric of the whole Envoy, and there may be several configurations in it, with several feeds. So what is
//! measured is added up, each feed once; and of ages the worst is shown.

use crate::proxy::{Host, HostError, MetricKind};
use bearward_token::refusal::Refusal;

/// What is counted besides refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Requests let through with a good token.
    Allowed,
    /// Requests let through without a look at a token: open routes, and the authserver's own.
    Open,
    /// Requests that had to wait for keys or revocations.
    Held,
    /// Tokens that were seen before.
    CacheHit,
    /// Tokens that were not.
    CacheMiss,
    /// Tokens that had to leave the cache for others.
    CacheEvict,
    /// Key sets fetched.
    JwksFetchOk,
    /// Key sets that could not be fetched or read.
    JwksFetchFail,
    /// Fetches that a token with an unknown key caused.
    JwksUnknownKid,
    /// Tokens that their issuer said are good.
    IntrospectActive,
    /// Tokens that their issuer said are not, or that are not for us.
    IntrospectInactive,
    /// Issuers that could not be asked.
    IntrospectFail,
    /// Answers of the revocation feed.
    FeedPollOk,
    /// Polls that failed.
    FeedPollFail,
    /// Requests let through though the feed was stale, because the configuration says so.
    FeedStaleAllowed,
    /// Open streams that ended because their token was revoked.
    ClosedRevoked,
    /// Open streams that ended because their token had expired.
    ClosedExpired,
    /// Requests for the authserver that it did not get, or did not answer.
    DispatchFail,
}

const COUNTERS: [(Counter, &str); 18] = [
    (Counter::Allowed, "bearward.allowed"),
    (Counter::Open, "bearward.open"),
    (Counter::Held, "bearward.held"),
    (Counter::CacheHit, "bearward.cache.hit"),
    (Counter::CacheMiss, "bearward.cache.miss"),
    (Counter::CacheEvict, "bearward.cache.evict"),
    (Counter::JwksFetchOk, "bearward.jwks.fetch_ok"),
    (Counter::JwksFetchFail, "bearward.jwks.fetch_fail"),
    (Counter::JwksUnknownKid, "bearward.jwks.unknown_kid"),
    (Counter::IntrospectActive, "bearward.introspect.active"),
    (Counter::IntrospectInactive, "bearward.introspect.inactive"),
    (Counter::IntrospectFail, "bearward.introspect.fail"),
    (Counter::FeedPollOk, "bearward.feed.poll_ok"),
    (Counter::FeedPollFail, "bearward.feed.poll_fail"),
    (Counter::FeedStaleAllowed, "bearward.feed.stale_allowed"),
    (Counter::ClosedRevoked, "bearward.closed.revoked"),
    (Counter::ClosedExpired, "bearward.closed.expired"),
    (Counter::DispatchFail, "bearward.dispatch.fail"),
];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    /// Revocations held, of all feeds together.
    FeedEntries,
    /// Seconds since the feed answered, the stalest of all.
    FeedAgeSeconds,
    /// The epochs of the revocation logs, added up: goes up when one is begun anew.
    FeedGeneration,
}

const GAUGES: [(Gauge, &str); 3] = [
    (Gauge::FeedEntries, "bearward.feed.entries"),
    (Gauge::FeedAgeSeconds, "bearward.feed.age_seconds"),
    (Gauge::FeedGeneration, "bearward.feed.generation"),
];

/// The metrics of one VM.
#[derive(Debug, Default)]
pub struct Metrics {
    counters: Vec<Pending>,
    refusals: Vec<Pending>,
    gauges: Vec<Option<u32>>,
    age: Age,
}

/// What this VM knows of the age that is shown.
#[derive(Debug, Default)]
struct Age {
    written: Option<u64>,
    seen: u64,
    /// Since when it has been that; Unix time in milliseconds.
    since_ms: u64,
}

/// An age that nobody measures any more does not go up: after so long it counts for nothing, in milliseconds.
const AGE_HOLDS_MS: u64 = 3_000;

#[derive(Debug, Default)]
struct Pending {
    metric: Option<u32>,
    count: u64,
}

impl Metrics {
    /// Defines them all. A host that refuses one goes without it.
    pub fn define(host: &impl Host) -> Self {
        let counter = |name: &str| Pending { metric: defined(host.define_metric(MetricKind::Counter, name)), count: 0 };
        Self {
            counters: COUNTERS.iter().map(|(_, name)| counter(name)).collect(),
            refusals: Refusal::ALL
                .iter()
                .map(|refusal| counter(&format!("bearward.denied.{}", refusal.answer().label)))
                .collect(),
            gauges: GAUGES.iter().map(|(_, name)| defined(host.define_metric(MetricKind::Gauge, name))).collect(),
            age: Age::default(),
        }
    }

    /// Counts one.
    pub fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts several.
    pub fn add(&mut self, counter: Counter, by: u64) {
        let index = COUNTERS.iter().position(|(other, _)| *other == counter);
        if let Some(pending) = index.and_then(|index| self.counters.get_mut(index)) {
            pending.count = pending.count.saturating_add(by);
        }
    }

    /// Counts a refusal.
    pub fn refused(&mut self, refusal: Refusal) {
        let index = Refusal::ALL.iter().position(|other| *other == refusal);
        if let Some(pending) = index.and_then(|index| self.refusals.get_mut(index)) {
            pending.count = pending.count.saturating_add(1);
        }
    }

    /// Adds to what is measured what it is more than before, or less.
    pub fn adjust(&self, host: &impl Host, gauge: Gauge, before: u64, now: u64) {
        let signed = |value| i64::try_from(value).unwrap_or(i64::MAX);
        let by = signed(now).saturating_sub(signed(before));
        if let Some(metric) = self.gauge(gauge).filter(|_| by != 0) {
            host.add_metric(metric, by);
        }
    }

    /// Shows an age in seconds, unless there is a worse one in this Envoy, of whichever configuration.
    pub fn show_age(&mut self, host: &impl Host, seconds: u64, now_ms: u64) {
        let Some(metric) = self.gauge(Gauge::FeedAgeSeconds) else { return };
        let shown = host.metric(metric).unwrap_or(0);
        if shown != self.age.seen {
            (self.age.seen, self.age.since_ms) = (shown, now_ms);
        }
        let own = self.age.written == Some(shown);
        if seconds >= shown || own || now_ms.abs_diff(self.age.since_ms) > AGE_HOLDS_MS {
            host.set_metric(metric, seconds);
            self.age = Age { written: Some(seconds), seen: seconds, since_ms: now_ms };
        }
    }

    fn gauge(&self, gauge: Gauge) -> Option<u32> {
        let index = GAUGES.iter().position(|(other, _)| *other == gauge)?;
        self.gauges.get(index).copied().flatten()
    }

    /// Hands over what was counted since the last time.
    pub fn flush(&mut self, host: &impl Host) {
        for pending in self.counters.iter_mut().chain(&mut self.refusals).filter(|pending| pending.count > 0) {
            if let Some(metric) = pending.metric {
                host.add_metric(metric, i64::try_from(pending.count).unwrap_or(i64::MAX));
            }
            pending.count = 0;
        }
    }
}

fn defined(metric: Result<u32, HostError>) -> Option<u32> {
    metric.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_told_of_each() {
        let page = include_str!("../../docs/envoy.md");
        for name in COUNTERS.iter().map(|(_, name)| name).chain(GAUGES.iter().map(|(_, name)| name)) {
            let rest = name.trim_start_matches("bearward");
            assert!(page.contains(&format!("`wasmcustom.{name}`")) || page.contains(&format!("`{rest}`")), "{name}");
        }
    }
}
