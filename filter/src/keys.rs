//! An issuer's keys: fetched by one VM for all of an Envoy, kept when the issuer is down.
//!
//! Whoever finds a fetch due claims it by compare-and-set ([`Fetch`]), so one is on its way at a time, however many
//! workers there are. A token that names an unknown key makes a fetch due at once, but only [`UNKNOWN_BURST`] times in a
//! row and then once every [`UNKNOWN_PAUSE_MS`]: anyone can send such a token.

use crate::clock::is_over;
use crate::config::{JwksConfig, KeysConfig};
use crate::metrics::{Counter, Metrics};
use crate::proxy::{CallResponse, Host, HostResult, Level, Write};
use crate::slots::{Fetch, Head, Slots, read, update};
use bearward_token::jwk::KeySet;

/// How often unknown keys may cause a fetch in the long run, in milliseconds.
pub const UNKNOWN_PAUSE_MS: u64 = 5_000;
/// How many such fetches may come in a row: several keys may be new.
pub const UNKNOWN_BURST: u64 = 4;
/// How long after a failed fetch the next is tried, in milliseconds; doubles with each failure.
const RETRY_MS: u64 = 500;
const RETRY_MOST_MS: u64 = 5_000;

/// An issuer's keys, as one VM has them.
#[derive(Debug)]
pub struct Keys {
    remote: Option<Remote>,
    generation: u32,
    set: Option<KeySet>,
}

/// Where keys are fetched.
#[derive(Debug)]
struct Remote {
    config: JwksConfig,
    authority: String,
    fetch_key: String,
    jwks_key: String,
    call: Option<u32>,
}

/// What comes of asking for a key that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refetch {
    /// A fetch is on its way; its answer is worth waiting for.
    OnItsWay,
    /// There was one a moment ago.
    NotNow,
}

impl Keys {
    /// The keys that are configured, or none yet. `authority` is the host that the issuer's URL names.
    #[must_use]
    pub fn new(config: KeysConfig, authority: String, slots: &Slots) -> Self {
        match config {
            KeysConfig::None => Self { remote: None, generation: 0, set: None },
            KeysConfig::Fixed(set) => Self { remote: None, generation: 0, set: Some(set) },
            KeysConfig::Remote(config) => {
                let (fetch_key, jwks_key) = (slots.key("fetch"), slots.key("jwks"));
                let remote = Remote { config, authority, fetch_key, jwks_key, call: None };
                Self { remote: Some(remote), generation: 0, set: None }
            }
        }
    }

    /// Whether there never are any.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.remote.is_none() && self.set.is_none()
    }

    /// Whether they are fetched, and so may change.
    #[must_use]
    pub fn are_fetched(&self) -> bool {
        self.remote.is_some()
    }

    /// The set that holds, if there is one.
    #[must_use]
    pub fn set(&self) -> Option<&KeySet> {
        self.set.as_ref()
    }

    /// Goes up when the set changes.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes over the set that the head tells of.
    pub fn follow(&mut self, host: &impl Host, head: &Head) {
        let Some(remote) = self.remote.as_ref().filter(|_| head.keys != self.generation) else { return };
        if let Ok(Some(shared)) = host.shared(&remote.jwks_key) {
            // A set that is of no use to this configuration (another one takes other algorithms) is read once as well.
            if let Ok(set) = KeySet::parse(&shared.value, remote.config.algorithms) {
                self.set = Some(set);
            }
            self.generation = head.keys;
        }
    }

    /// Fetches the set if that is due and no other VM does.
    pub fn tick(&mut self, host: &impl Host, metrics: &mut Metrics, now_ms: u64) {
        if let Some(remote) = &mut self.remote {
            remote.tick(host, metrics, now_ms);
        }
    }

    /// Makes a fetch due because a token names a key that is not in the set, unless that happened a moment ago. The
    /// next tick of whichever VM is first carries it out.
    pub fn unknown(&self, host: &impl Host, metrics: &mut Metrics, now_ms: u64) -> Refetch {
        let Some(remote) = &self.remote else { return Refetch::NotNow };
        if remote.is_on_its_way(host, now_ms) {
            return Refetch::OnItsWay;
        }
        let claimed = update(host, &remote.fetch_key, |fetch: &mut Fetch| {
            let earned = now_ms.saturating_add(UNKNOWN_PAUSE_MS.saturating_mul(UNKNOWN_BURST.saturating_sub(1)));
            let most_ms = UNKNOWN_PAUSE_MS.saturating_mul(UNKNOWN_BURST);
            let due = if is_over(fetch.unknown_due, most_ms, now_ms) { now_ms } else { fetch.unknown_due };
            let free = due <= earned;
            fetch.next = now_ms;
            fetch.unknown_due = due.saturating_add(UNKNOWN_PAUSE_MS);
            free
        });
        match claimed {
            Ok(_) => {
                metrics.count(Counter::JwksUnknownKid);
                Refetch::OnItsWay
            }
            // Another VM may have been a moment quicker.
            Err(_) if remote.is_on_its_way(host, now_ms) => Refetch::OnItsWay,
            Err(_) => Refetch::NotNow,
        }
    }

    /// Whether any VM is fetching the set, or about to.
    pub fn is_on_its_way(&self, host: &impl Host, now_ms: u64) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.is_on_its_way(host, now_ms))
    }

    /// Takes the answer to a call, if it was this one's.
    pub fn called(
        &mut self,
        host: &impl Host,
        slots: &Slots,
        metrics: &mut Metrics,
        call: u32,
        response: &CallResponse,
        now_ms: u64,
    ) -> bool {
        let Some(remote) = &mut self.remote else { return false };
        if remote.call.take_if(|mine| *mine == call).is_none() {
            return false;
        }
        remote.answered(host, slots, metrics, response, now_ms);
        true
    }
}

impl Remote {
    fn tick(&mut self, host: &impl Host, metrics: &mut Metrics, now_ms: u64) {
        let due = |fetch: &Fetch| self.is_due(fetch, now_ms) && !self.is_busy(fetch, now_ms);
        if self.call.is_none() && read(host, &self.fetch_key).is_ok_and(|fetch| due(&fetch)) {
            let busy = self.busy_until(now_ms);
            let claimed = update(host, &self.fetch_key, |fetch: &mut Fetch| {
                let free = due(fetch);
                fetch.busy_until = busy;
                free
            });
            if claimed.is_ok() {
                self.send(host, metrics, now_ms);
            }
        }
    }

    fn is_on_its_way(&self, host: &impl Host, now_ms: u64) -> bool {
        read(host, &self.fetch_key)
            .is_ok_and(|fetch: Fetch| self.is_busy(&fetch, now_ms) || self.is_due(&fetch, now_ms))
    }

    fn is_busy(&self, fetch: &Fetch, now_ms: u64) -> bool {
        !is_over(fetch.busy_until, self.busy_until(0), now_ms)
    }

    fn is_due(&self, fetch: &Fetch, now_ms: u64) -> bool {
        is_over(fetch.next, self.config.cache_ms.max(RETRY_MOST_MS), now_ms)
    }

    fn answered(&self, host: &impl Host, slots: &Slots, metrics: &mut Metrics, response: &CallResponse, now_ms: u64) {
        let usable = match (response.status, KeySet::parse(&response.body, self.config.algorithms)) {
            (200, Ok(_)) => self.publish(host, slots, &response.body).map_err(|error| error.to_string()),
            (200, Err(error)) => Err(error.to_string()),
            (status, _) => Err(format!("status {status}")),
        };
        match usable {
            Ok(()) => {
                metrics.count(Counter::JwksFetchOk);
                let next = now_ms.saturating_add(self.config.cache_ms);
                self.finish(host, |fetch| *fetch = Fetch { busy_until: 0, next, failures: 0, ..*fetch });
            }
            Err(reason) => self.failed(host, metrics, &reason, now_ms),
        }
    }

    /// Writes a set that was fetched where all VMs find it. One that did not change makes no work for them.
    fn publish(&self, host: &impl Host, slots: &Slots, json: &[u8]) -> HostResult<()> {
        let same = host.shared(&self.jwks_key)?.is_some_and(|shared| shared.value == json);
        if !same {
            host.set_shared(&self.jwks_key, json, Write::Always)?;
        }
        if !same || slots.head(host)?.keys == 0 {
            slots.update_head(host, |head| head.keys = head.keys.wrapping_add(1).max(1))?;
        }
        Ok(())
    }

    fn send(&mut self, host: &impl Host, metrics: &mut Metrics, now_ms: u64) {
        let headers = [
            (":method", "GET"),
            (":path", self.config.path.as_str()),
            (":authority", self.authority.as_str()),
            ("accept", "application/jwk-set+json, application/json"),
        ];
        match host.call(&self.config.cluster, &headers, &[], self.config.timeout_ms) {
            Ok(call) => self.call = Some(call),
            Err(error) => self.failed(host, metrics, &error.to_string(), now_ms),
        }
    }

    fn failed(&self, host: &impl Host, metrics: &mut Metrics, reason: &str, now_ms: u64) {
        metrics.count(Counter::JwksFetchFail);
        host.log(
            Level::Warn,
            &format!("keys not fetched from cluster {:?}: {reason}; will retry", self.config.cluster),
        );
        self.finish(host, |fetch| {
            let pause = RETRY_MS.saturating_mul(1 << fetch.failures.min(6)).min(RETRY_MOST_MS);
            let failures = fetch.failures.saturating_add(1);
            *fetch = Fetch { busy_until: 0, next: now_ms.saturating_add(pause), failures, ..*fetch };
        });
    }

    fn finish(&self, host: &impl Host, change: impl Fn(&mut Fetch)) {
        let finished = update(host, &self.fetch_key, |fetch| {
            change(fetch);
            true
        });
        if let Err(error) = finished {
            // The claim runs out by itself.
            host.log(Level::Warn, &format!("the end of a fetch could not be noted: {error}"));
        }
    }

    fn busy_until(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add(u64::from(self.config.timeout_ms)).saturating_add(500)
    }
}
