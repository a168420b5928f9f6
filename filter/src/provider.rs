//! One issuer as a VM knows it: its keys and its revocations, read from shared data before each decision.

use crate::config::{KeysConfig, OnStale, ProviderConfig};
use crate::feed::Leader;
use crate::follower::Follower;
use crate::introspect::{Answer, Introspector};
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::proxy::{CallResponse, Host};
use crate::slots::{Head, Instance, Measured, Slots};
use bearward_token::opaque::{FAMILY, well_formed};
use bearward_token::verify::Expectation;

/// One issuer.
#[derive(Debug)]
pub struct Provider {
    /// Its name in the configuration.
    pub name: String,
    /// What its tokens must say.
    pub expectation: Expectation,
    /// Its keys.
    pub keys: Keys,
    /// Where it is asked about tokens.
    pub introspector: Option<Introspector>,
    slots: Slots,
    feed: Option<Feed>,
    head: Head,
}

#[derive(Debug)]
struct Feed {
    leader: Leader,
    follower: Follower,
    max_staleness_ms: u64,
    on_stale: OnStale,
    /// Since when it is followed here; Unix time in milliseconds.
    since_ms: u64,
}

/// Whether what is known of revocations may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Yes.
    Fresh,
    /// Not yet, but soon.
    Behind,
    /// No, and this is what to do.
    Stale(OnStale),
}

impl Provider {
    /// An issuer of which nothing is known yet. `now_ms` is Unix time in milliseconds.
    #[must_use]
    pub fn new(config: ProviderConfig, instance: Instance, now_ms: u64) -> Self {
        let feed = config.revocations.as_ref();
        let (cluster, path) = match &config.keys {
            KeysConfig::Remote(jwks) => (jwks.cluster.as_str(), jwks.path.as_str()),
            KeysConfig::Fixed(_) | KeysConfig::None => ("", ""),
        };
        let slots = Slots::new(&[
            &config.expectation.issuer,
            cluster,
            path,
            feed.map_or("", |feed| &feed.cluster),
            feed.map_or("", |feed| &feed.path),
        ]);
        let authority = authority(&config.expectation.issuer).to_owned();
        let feed = config.revocations.map(|feed| Feed {
            max_staleness_ms: feed.max_staleness_ms,
            on_stale: feed.on_stale,
            since_ms: now_ms,
            leader: Leader::new(feed, authority.clone(), instance, &slots),
            follower: Follower::default(),
        });
        let introspector = config.introspection;
        let introspector = introspector.map(|it| Introspector::new(it, authority.clone(), &config.expectation.issuer));
        let keys = Keys::new(config.keys, authority, &slots);
        let (name, expectation) = (config.name, config.expectation);
        Self { name, expectation, keys, introspector, slots, feed, head: Head::default() }
    }

    /// How much of this token, which is no JWT, its own begin with, in bytes; `None` if it is not asked about such tokens.
    #[must_use]
    pub fn introspects_opaque(&self, token: &str) -> Option<usize> {
        let prefix = &self.introspector.as_ref()?.config().token_prefix;
        token.starts_with(prefix).then_some(prefix.len())
    }

    /// Whether a token that begins like its own can be one, and is worth a call: Bearward's can be told from junk.
    #[must_use]
    pub fn can_have_made(&self, token: &str) -> bool {
        let prefix = self.introspector.as_ref().map(|introspector| introspector.config().token_prefix.as_str());
        prefix.is_some_and(|prefix| !prefix.starts_with(FAMILY) || well_formed(prefix, token))
    }

    /// Reads what is new in shared data: one look at the head, and more only where it changed.
    pub fn refresh(&mut self, host: &impl Host, now_ms: u64) -> Freshness {
        if self.feed.is_none() && !self.keys.are_fetched() {
            return Freshness::Fresh;
        }
        // Without the head nothing is new, and in time the feed is stale.
        self.head = self.slots.head(host).unwrap_or(self.head);
        self.keys.follow(host, &self.head);
        let Some(feed) = &mut self.feed else { return Freshness::Fresh };
        // An answer of the future is as good as none: the clock was set back, and nobody knows how old it is.
        let age = now_ms.abs_diff(self.head.fresh_ms);
        // A first snapshot is worth waiting for.
        let expected = self.head.epoch == 0 && now_ms.abs_diff(feed.since_ms) <= feed.max_staleness_ms;
        let caught_up = feed.follower.follow(host, &self.slots, &self.head, now_ms);
        if caught_up && age <= feed.max_staleness_ms {
            Freshness::Fresh
        } else if expected || age <= feed.max_staleness_ms {
            Freshness::Behind
        } else {
            Freshness::Stale(feed.on_stale)
        }
    }

    /// What to do where the feed is stale, or was waited for in vain.
    #[must_use]
    pub fn on_stale(&self) -> OnStale {
        self.feed.as_ref().map_or(OnStale::Deny, |feed| feed.on_stale)
    }

    /// What is revoked, if there is a feed.
    #[must_use]
    pub fn follower(&self) -> Option<&Follower> {
        self.feed.as_ref().map(|feed| &feed.follower)
    }

    /// Fetches and polls what is due. Whether there is more to do at once.
    pub fn tick(&mut self, host: &impl Host, metrics: &mut Metrics, now_ms: u64) -> bool {
        self.keys.tick(host, metrics, now_ms);
        let behind = self.refresh(host, now_ms) == Freshness::Behind && self.head.epoch != 0;
        let Some(feed) = &mut self.feed else { return false };
        feed.follower.maintain(now_ms / 1_000);
        let live = (!behind).then(|| feed.follower.set().len());
        feed.leader.tick(host, &self.slots, metrics, live, now_ms) || behind
    }

    /// Takes the answer to a call: `None` if it was not one of this provider's; in it, what it says of a token.
    pub fn called(
        &mut self,
        host: &impl Host,
        metrics: &mut Metrics,
        call: u32,
        response: &CallResponse,
        now_ms: u64,
    ) -> Option<Option<Answer>> {
        if self.keys.called(host, &self.slots, metrics, call, response, now_ms) {
            return Some(None);
        }
        let keys = &self.keys;
        let introspected = self.introspector.as_mut().and_then(|one| one.called(host, metrics, call, response, keys));
        if introspected.is_some() {
            return introspected;
        }
        let feed = self.feed.as_mut()?;
        feed.leader.called(host, &self.slots, metrics, call, response, now_ms).then_some(None)
    }

    /// Lets another VM lead.
    pub fn step_down(&mut self, host: &impl Host, metrics: &Metrics) {
        if let Some(feed) = &mut self.feed {
            if feed.leader.leads() {
                self.slots.measured(host, metrics, Measured::default());
            }
            feed.leader.step_down(host);
        }
        self.introspector.iter().for_each(|introspector| introspector.step_down(host));
    }

    /// Has the metrics say how many revocations are held, and which log holds. Whoever leads does so for all.
    pub fn measure(&self, host: &impl Host, metrics: &Metrics) {
        if let Some(feed) = self.feed.as_ref().filter(|feed| feed.leader.leads()) {
            let entries = u64::try_from(feed.follower.set().len()).unwrap_or(u64::MAX);
            self.slots.measured(host, metrics, Measured { entries, generation: self.head.epoch.into() });
        }
    }

    /// How many seconds ago the feed answered; if never, since when it is followed.
    #[must_use]
    pub fn feed_age(&self, now_ms: u64) -> Option<u64> {
        let feed = self.feed.as_ref()?;
        let last = if self.head.fresh_ms == 0 { feed.since_ms } else { self.head.fresh_ms };
        Some(now_ms.abs_diff(last) / 1_000)
    }
}

/// The host and port that an issuer's URL names.
fn authority(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
