//! The leader's side of the revocation feed: one VM per Envoy follows it by long poll and writes what it says to the log
//! in shared data, where every VM reads it before its next decision (see [`crate::follower`]).
//!
//! Whoever holds the lease leads. A leader that is gone is replaced when its lease runs out, and the next goes on
//! from the cursor it left. What is written, in this order: entries, head, cursor; so whatever is cut short, an entry may
//! come twice but never go missing.

use crate::call::push_encoded;
use crate::clock::{SLACK_MS, is_over};
use crate::config::RevocationsConfig;
use crate::feed::compaction::Compaction;
use crate::gateway;
use crate::metrics::{Counter, Metrics};
use crate::proxy::{CallResponse, Host, HostError, HostResult, Level, Write};
use crate::slots::{Head, Instance, LOG_SLOT, LOG_SLOTS, Lease, Slots, log_slot, read, update};
use bearward_token::feed::{Entry, FOLLOWER_HEADER, MEDIA_TYPE, NODE_HEADER, PageRef};

mod compaction;

/// How long a lease holds, in milliseconds.
const LEASE_MS: u64 = 2_000;
/// It is renewed when less than this is left.
const RENEW_MS: u64 = 1_300;
/// How long after a failed poll the next is tried, in milliseconds; doubles with each failure.
const RETRY_MS: u64 = 250;
const RETRY_MOST_MS: u64 = 2_000;
/// A feed that answers with nothing is asked again after this at the earliest: it may not know how to wait.
const EMPTY_MS: u64 = 200;
/// As much of Envoy's node id is told, in bytes.
const MAX_NODE: usize = 128;
/// The longest wait that is asked for.
const WAIT_MOST_MS: u64 = 20_000;
/// How much longer than the wait a poll may take.
const POLL_MARGIN_MS: u64 = 5_000;

/// What one VM does to lead.
#[derive(Debug)]
pub struct Leader {
    config: RevocationsConfig,
    authority: String,
    instance: Instance,
    lease_key: String,
    cursor_key: String,
    name_key: String,
    /// What the feed knows this Envoy by: its own name for itself, and its operator's.
    name: String,
    node: String,
    leading: bool,
    /// Where the feed goes on; `None` is a snapshot.
    cursor: Option<String>,
    poll: Option<Poll>,
    next_poll: u64,
    failures: u32,
    /// The log that a snapshot is being written to.
    building: Option<Log>,
    compaction: Compaction,
}

#[derive(Debug, Clone, Copy)]
struct Poll {
    call: u32,
    sent_ms: u64,
    /// How long its answer may take, by a clock that nobody sets.
    timeout_ms: u64,
}

impl Poll {
    /// Whether the clock was set since it was sent: then what it waits for may be long known.
    fn is_lost(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.sent_ms) > self.timeout_ms.saturating_add(SLACK_MS)
    }
}

/// A log that is being written: its epoch, and how many entries it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Log {
    epoch: u32,
    len: u32,
}

impl Leader {
    /// One that does not lead yet. `authority` is the host that the issuer's URL names.
    #[must_use]
    pub fn new(config: RevocationsConfig, authority: String, instance: Instance, slots: &Slots) -> Self {
        Self {
            config,
            authority,
            instance,
            lease_key: slots.key("lease"),
            cursor_key: slots.key("cursor"),
            name_key: slots.key("name"),
            name: String::new(),
            node: String::new(),
            leading: false,
            cursor: None,
            poll: None,
            next_poll: 0,
            failures: 0,
            building: None,
            compaction: Compaction::default(),
        }
    }

    /// Takes or renews the lease, polls if that is due, and goes on with a compaction.
    ///
    /// `live` is how many entries hold, if this VM has read the whole log. Whether there is more to do at once.
    pub fn tick(
        &mut self,
        host: &impl Host,
        slots: &Slots,
        metrics: &mut Metrics,
        live: Option<usize>,
        now_ms: u64,
    ) -> bool {
        if !self.hold_lease(host, slots, now_ms) {
            return false;
        }
        if self.poll.take_if(|poll| poll.is_lost(now_ms)).is_some() {
            self.next_poll = now_ms;
        }
        if self.poll.is_none() && is_over(self.next_poll, RETRY_MOST_MS, now_ms) {
            self.send(host, slots, metrics, now_ms);
        }
        if self.building.is_some() {
            return false;
        }
        let cursor = self.cursor.clone();
        match self.compaction.step(host, slots, live, now_ms) {
            Ok(compaction::Step::Idle) => false,
            Ok(compaction::Step::More) => true,
            Ok(compaction::Step::Switched(epoch)) => {
                if let Some(cursor) = cursor {
                    self.write_cursor(host, epoch, &cursor);
                }
                true
            }
            Err(error) => {
                host.log(Level::Warn, &format!("the revocation log was not compacted: {error}"));
                false
            }
        }
    }

    /// Whether this VM leads, as far as it knows.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.leading
    }

    /// Gives the lease up, so that another VM need not wait until it runs out.
    pub fn step_down(&mut self, host: &impl Host) {
        if self.leading {
            let instance = self.instance;
            // If this fails the lease runs out by itself.
            let _ = update(host, &self.lease_key, |lease: &mut Lease| {
                lease.until_ms = 0;
                lease.holder == instance
            });
        }
        self.stop();
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
        let Some(poll) = self.poll.take_if(|poll| poll.call == call) else { return false };
        if !self.hold_lease(host, slots, now_ms) {
            return true; // another VM leads by now, and asks for itself
        }
        match self.answered(host, slots, response, now_ms) {
            Ok(something) => {
                metrics.count(Counter::FeedPollOk);
                self.failures = 0;
                self.next_poll = if something { now_ms } else { poll.sent_ms.saturating_add(EMPTY_MS) };
                if now_ms >= self.next_poll {
                    self.send(host, slots, metrics, now_ms);
                }
            }
            Err(reason) => self.failed(host, metrics, &reason, now_ms),
        }
        true
    }

    /// Takes an answer; whether there was anything in it, or there is more.
    fn answered(
        &mut self,
        host: &impl Host,
        slots: &Slots,
        response: &CallResponse,
        now_ms: u64,
    ) -> Result<bool, String> {
        if response.status != 200 {
            if matches!(response.status, 400 | 404 | 410) {
                self.cursor = None; // perhaps the feed does not know it any more
                self.building = None;
            }
            return Err(format!("status {}", response.status));
        }
        let page = PageRef::parse(&response.body).map_err(|error| error.to_string())?;
        let result = self.take(host, slots, &page, now_ms);
        if let Err(error) = result {
            // What was written is not known; begin again from what the head and the cursor say.
            self.stop();
            if error == HostError::CAS_MISMATCH {
                // Another VM wrote as well. The log may hold something of both, so it is not gone on with.
                let _ = host.set_shared(&self.cursor_key, &[], Write::Always);
            }
        }
        result.map_err(|error| format!("the log could not be written: {error}"))
    }

    fn take(&mut self, host: &impl Host, slots: &Slots, page: &PageRef<'_>, now_ms: u64) -> HostResult<bool> {
        let first = self.cursor.is_none();
        let head = slots.head(host)?;
        if page.reset || first || (head.epoch == 0 && self.building.is_none()) {
            self.compaction.abandon();
            self.building = Some(begin_log(host, slots)?);
        }
        let log = self.building.unwrap_or(Log { epoch: head.epoch, len: head.len });
        let log = append(host, slots, log, page.entries())?;
        if page.more && self.building.is_some() {
            self.building = Some(log);
        } else {
            let started = self.building.take().is_some();
            slots.publish(host, &head, |head| {
                if started {
                    *head = Head { base: 0, previous: 0, previous_len: 0, ..*head };
                }
                *head = Head { epoch: log.epoch, len: log.len, ..*head };
                if !page.more {
                    head.fresh_ms = now_ms;
                }
            })?;
            if started {
                self.compaction.clear(head.epoch, head.len);
            }
            self.write_cursor(host, log.epoch, page.cursor);
        }
        self.cursor = Some(page.cursor.to_owned());
        // A feed that starts over again and again is asked no faster than one that has nothing to say.
        Ok(page.more || if page.reset { first } else { !page.is_empty() })
    }

    fn send(&mut self, host: &impl Host, slots: &Slots, metrics: &mut Metrics, now_ms: u64) {
        let most_ms = (self.config.max_staleness_ms / 3).min(WAIT_MOST_MS);
        // While nothing says that nothing is missing, requests may be refused: then a feed that has no news says so at once.
        let fresh_ms = slots.head(host).map_or(0, |head| head.fresh_ms);
        let current = self.cursor.is_none() || now_ms.abs_diff(fresh_ms) <= most_ms.saturating_mul(2);
        let wait_ms = if current { most_ms } else { 0 };
        let timeout = u32::try_from(wait_ms.saturating_add(POLL_MARGIN_MS)).unwrap_or(u32::MAX);
        let mut path = format!("{}?wait={}", self.config.path, wait_ms / 1_000);
        if let Some(cursor) = &self.cursor {
            path.push_str("&after=");
            push_encoded(&mut path, cursor);
        }
        let secret = self.config.gateway_secret.as_ref();
        let proof =
            secret.and_then(|secret| gateway::proof(secret, now_ms / 1_000, [b"GET", path.as_bytes(), b"", b""]));
        let mut headers = vec![
            (":method", "GET"),
            (":path", path.as_str()),
            (":authority", self.authority.as_str()),
            ("accept", MEDIA_TYPE),
            (FOLLOWER_HEADER, self.name.as_str()),
        ];
        headers.extend(Some((NODE_HEADER, self.node.as_str())).filter(|(_, node)| !node.is_empty()));
        headers.extend(proof.as_ref().map(|proof| (gateway::GATEWAY, proof.as_str())));
        match host.call(&self.config.cluster, &headers, &[], timeout) {
            Ok(call) => self.poll = Some(Poll { call, sent_ms: now_ms, timeout_ms: u64::from(timeout) }),
            Err(error) => self.failed(host, metrics, &error.to_string(), now_ms),
        }
    }

    fn failed(&mut self, host: &impl Host, metrics: &mut Metrics, reason: &str, now_ms: u64) {
        metrics.count(Counter::FeedPollFail);
        let pause = RETRY_MS.saturating_mul(1 << self.failures.min(6)).min(RETRY_MOST_MS);
        self.failures = self.failures.saturating_add(1);
        self.next_poll = now_ms.saturating_add(pause);
        let cluster = &self.config.cluster;
        host.log(Level::Warn, &format!("no revocations from cluster {cluster:?}: {reason}; will retry"));
    }

    /// Whether this VM leads, after trying to.
    fn hold_lease(&mut self, host: &impl Host, slots: &Slots, now_ms: u64) -> bool {
        let instance = self.instance;
        let holds = |lease: &Lease| !is_over(lease.until_ms, LEASE_MS, now_ms);
        let mine = |lease: &Lease| lease.holder == instance && holds(lease);
        let held = match read::<Lease>(host, &self.lease_key) {
            Ok(lease) if mine(&lease) && lease.until_ms.saturating_sub(now_ms) > RENEW_MS => true,
            Ok(lease) if mine(&lease) || !holds(&lease) => update(host, &self.lease_key, |lease: &mut Lease| {
                let free = mine(lease) || !holds(lease);
                *lease = Lease { holder: instance, until_ms: now_ms.saturating_add(LEASE_MS) };
                free
            })
            .is_ok(),
            _ => false,
        };
        if !held {
            self.stop();
        } else if !self.leading {
            self.leading = true;
            self.next_poll = now_ms;
            self.cursor = self.left_cursor(host, slots);
            self.introduce(host);
            host.log(Level::Info, "this VM follows the revocation feed");
        }
        held
    }

    /// Takes the name that this Envoy follows under, whichever VM leads: that of the VM that was the first to.
    fn introduce(&mut self, host: &impl Host) {
        // If it is there already, or cannot be written, what is read next says so.
        let _ = host.set_shared(&self.name_key, &self.instance, Write::Absent);
        let first = host.shared(&self.name_key).ok().flatten().map_or(self.instance.to_vec(), |shared| shared.value);
        self.name = first.iter().map(|byte| format!("{byte:02x}")).collect();
        let node = host.property(b"xds\0node\0id").ok().flatten().unwrap_or_default();
        self.node.clear();
        push_encoded(&mut self.node, &String::from_utf8_lossy(node.get(..MAX_NODE).unwrap_or(&node)));
    }

    /// Forgets what a leader knows. An answer that is still to come finds no poll, or no lease.
    fn stop(&mut self) {
        self.leading = false;
        self.cursor = None;
        self.poll = None;
        self.building = None;
        self.compaction.abandon();
    }

    /// The cursor that the leader before left, if it belongs to the log that holds.
    fn left_cursor(&self, host: &impl Host, slots: &Slots) -> Option<String> {
        let head = slots.head(host).ok().filter(|head| head.epoch != 0)?;
        let left = host.shared(&self.cursor_key).ok()??;
        let (epoch, cursor) = left.value.split_first_chunk::<4>()?;
        let matches = u32::from_le_bytes(*epoch) == head.epoch;
        str::from_utf8(cursor).ok().filter(|_| matches).map(str::to_owned)
    }

    fn write_cursor(&self, host: &impl Host, epoch: u32, cursor: &str) {
        let value = [epoch.to_le_bytes().as_slice(), cursor.as_bytes()].concat();
        if let Err(error) = host.set_shared(&self.cursor_key, &value, Write::Always) {
            // The next leader repeats what came since, which does no harm.
            host.log(Level::Warn, &format!("the feed's cursor was not kept: {error}"));
        }
    }
}

/// Takes an epoch that nobody has written to, and its empty log.
fn begin_log(host: &impl Host, slots: &Slots) -> HostResult<Log> {
    let head = slots.update_head(host, |head| {
        head.building = head.building.max(head.epoch).wrapping_add(1).max(1);
        // Its bank must not be that of the log that holds.
        if head.building % 3 == head.epoch % 3 {
            head.building = head.building.wrapping_add(1);
        }
    })?;
    Ok(Log { epoch: head.building, len: 0 })
}

/// Writes entries behind a log's last; gives the log as it is then.
fn append(
    host: &impl Host,
    slots: &Slots,
    mut log: Log,
    entries: impl ExactSizeIterator<Item = Entry>,
) -> HostResult<Log> {
    let mut entries = entries.peekable();
    while entries.peek().is_some() {
        let (index, keep) = (log.len / LOG_SLOT, log.len % LOG_SLOT);
        if index >= LOG_SLOTS {
            return Err(HostError::INTERNAL); // more revocations than there is room for; the feed goes stale
        }
        let key = slots.log(log.epoch, index);
        let room = usize::try_from(LOG_SLOT.saturating_sub(keep)).unwrap_or(0);
        let before = host.shared(&key)?;
        let added = room.min(entries.len());
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let slot =
            log_slot(before.as_ref().map(|slot| slot.value.as_slice()), log.epoch, keep, entries.by_ref().take(added));
        // What is not as it was left, another VM has written.
        let slot = slot.ok_or(HostError::CAS_MISMATCH)?;
        let write = before.map_or(Write::Absent, |before| Write::Over(before.cas));
        host.set_shared(&key, &slot, write)?;
        log.len = log.len.saturating_add(u32::try_from(added).unwrap_or(u32::MAX));
    }
    Ok(log)
}
