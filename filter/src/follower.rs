//! Each VM's side of the revocation feed: reads the log that the leader writes, from where it stopped last.
//!
//! The log is an array of entries in shared data, cut into slots of [`LOG_SLOT`]; the head says which log holds
//! (its epoch) and how long it is. A new log either continues the one before, from an entry on that the head names
//! (then a VM that had read all of the old one goes on there), or starts over (then it is read from the beginning).

use crate::proxy::Host;
use crate::slots::{Head, LOG_SLOT, Slots, log_entries};
use bearward_token::revocation::RevocationSet;

/// The most entries that are read in one go.
const AT_ONCE: u32 = LOG_SLOT;
/// After so many of them the clock is looked at: more than a millisecond would block the worker for too long.
const STEP: u32 = 128;
/// How long one go may take until then, in nanoseconds.
const TURN_NS: u64 = 400_000;

/// How far one VM has read.
#[derive(Debug, Default)]
pub struct Follower {
    at: Position,
    set: RevocationSet,
    /// A log that is read from its beginning; what held before goes on holding until that is done.
    catching_up: Option<(Position, RevocationSet)>,
    /// When reading was last broken off, with more to come; Unix time in milliseconds.
    broken_off_ms: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    epoch: u32,
    len: u32,
}

impl Follower {
    /// What is revoked, as far as it was read.
    #[must_use]
    pub fn set(&self) -> &RevocationSet {
        &self.set
    }

    /// Drops what has expired, a little at a time. For a timer.
    pub fn maintain(&mut self, now_s: u64) {
        self.set.maintain(now_s);
    }

    /// Reads what is new; whether it has read everything now. Reads [`AT_ONCE`] entries at most, and for [`TURN_NS`]; and if
    /// that is not enough, no more within this millisecond, as many requests that wait are looked at in one callback.
    pub fn follow(&mut self, host: &impl Host, slots: &Slots, head: &Head, now_ms: u64) -> bool {
        let target = Position { epoch: head.epoch, len: head.len };
        if self.at == target {
            return head.epoch != 0;
        }
        if head.epoch == 0 || self.broken_off_ms == now_ms {
            return false;
        }
        let caught_up = self.read_on(host, slots, head, now_ms / 1_000);
        if !caught_up {
            self.broken_off_ms = now_ms;
        }
        caught_up
    }

    fn read_on(&mut self, host: &impl Host, slots: &Slots, head: &Head, now_s: u64) -> bool {
        let target = Position { epoch: head.epoch, len: head.len };
        if self.at.epoch != head.epoch && self.at == (Position { epoch: head.previous, len: head.previous_len }) {
            self.at = Position { epoch: head.epoch, len: head.base };
            self.catching_up = None;
        }
        if self.at.epoch == head.epoch {
            self.at.len = read_log(host, slots, self.at, head.len, &mut self.set, now_s);
            return self.at == target;
        }
        let fresh = || (Position { epoch: head.epoch, len: 0 }, RevocationSet::default());
        let (mut at, mut set) = self.catching_up.take().filter(|(at, _)| at.epoch == head.epoch).unwrap_or_else(fresh);
        at.len = read_log(host, slots, at, head.len, &mut set, now_s);
        if at != target {
            self.catching_up = Some((at, set));
            return false;
        }
        self.at = at;
        self.set.replace(set);
        true
    }
}

/// Reads the log from a position towards its end; gives how far it came.
fn read_log(host: &impl Host, slots: &Slots, from: Position, len: u32, set: &mut RevocationSet, now_s: u64) -> u32 {
    let mut at = from.len;
    let len = len.min(at.saturating_add(AT_ONCE));
    let began = host.now_ns();
    while at < len && (at == from.len || host.now_ns().saturating_sub(began) < TURN_NS) {
        let (index, skip) = (at / LOG_SLOT, at % LOG_SLOT);
        let Ok(Some(slot)) = host.shared(&slots.log(from.epoch, index)) else { break };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let Some(entries) = log_entries(&slot.value, from.epoch, skip) else { break };
        // Entries beyond the head's length are not said yet.
        let wanted = usize::try_from(len.saturating_sub(at).min(STEP)).unwrap_or(usize::MAX);
        let read = entries.len().min(wanted);
        if read == 0 {
            break;
        }
        set.apply(entries.take(wanted), now_s);
        at = at.saturating_add(u32::try_from(read).unwrap_or(u32::MAX));
    }
    at
}
