//! What is revoked, as one VM holds it: less than 8 bytes per entry, and never a long pause.
//!
//! Nearly every entry revokes a token or a grant outright. Such an entry is one `u64`: the upper 52 bits of its key and,
//! in the lower 12, when it may be forgotten, in steps of about 17 minutes. (A token's 64-bit key is a truncated
//! digest already; with a million entries the chance that 52 bits hit by accident is one in a billion per token.)
//! The numbers lie in order, cut into leaves: an entry is put in its place, and a leaf that has become too large is cut in
//! two, so that no entry ever costs more than to move a few KiB. The entries of one leaf have the uppermost byte in common,
//! so seven bytes are kept of each. The rare entries with a cutoff, or with an expiry more than six weeks off, are in small
//! maps.
//!
//! Expiry frees memory and nothing more: no token that an expired entry concerns is valid, so finding one does no harm.

use crate::feed::{ALWAYS, Entry};
use crate::verify::Handle;
use hashbrown::HashMap;
use leaf::Leaf;

mod leaf;

/// The most entries of one leaf: 3.5 KiB.
const LEAF: usize = 512;
/// How many leaves are looked through for what has expired in one step.
const SWEEP: usize = 32;
/// The expiry's step is two to this power of seconds.
const STEP_BITS: u32 = 10;
/// How many bits of an entry say its expiry: the step, as far as they hold it.
const EXPIRY_BITS: u32 = 12;
/// How many steps ahead an expiry may be to be told from one in the past: 42 days.
const HORIZON: u32 = 3_600;
const SHARDS: usize = 64;

/// The revocations that hold.
#[derive(Debug)]
pub struct RevocationSet {
    /// In order, none empty: the entries, of which no two have one key.
    leaves: Vec<Leaf>,
    /// How many entries the leaves hold.
    len: usize,
    /// The leaf that is looked through next, while a sweep is running.
    sweeping: Option<usize>,
    /// The expiry step in which the last sweep began.
    swept: u32,
    /// Entries with a cutoff or a far expiry, by key.
    others: Vec<HashMap<u64, Other>>,
    /// The shard of `others` to be cleaned next.
    shard: usize,
    generation: u64,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    cutoff: u32,
    expires_at: u32,
}

impl Default for RevocationSet {
    fn default() -> Self {
        Self {
            leaves: Vec::new(),
            len: 0,
            sweeping: None,
            swept: 0,
            others: vec![HashMap::new(); SHARDS],
            shard: 0,
            generation: 0,
        }
    }
}

impl RevocationSet {
    /// Takes entries in, a page of the feed at most.
    ///
    /// `now` is Unix time in seconds. What has expired is passed over.
    pub fn apply(&mut self, entries: impl Iterator<Item = Entry>, now: u64) {
        let now = seconds(now);
        let mut changed = false;
        for entry in entries.filter(|entry| entry.expires_at > now) {
            changed = true;
            let ahead = (entry.expires_at >> STEP_BITS).saturating_sub(now >> STEP_BITS);
            if entry.cutoff == ALWAYS && ahead <= HORIZON {
                self.insert(pack(entry.key, entry.expires_at), now);
            } else {
                self.insert_other(entry);
            }
        }
        if changed {
            self.generation = self.generation.saturating_add(1);
        }
    }

    /// Drops some of what has expired, if anything may have. For a timer.
    pub fn maintain(&mut self, now: u64) {
        let now = seconds(now);
        let step = now >> STEP_BITS;
        if self.sweeping.is_none() && step > self.swept {
            self.sweeping = Some(0);
            self.swept = step;
        }
        self.sweep(now);
        if let Some(shard) = self.others.get_mut(self.shard) {
            shard.retain(|_, other| other.expires_at > now);
        }
        self.shard = self.shard.saturating_add(1) % SHARDS;
    }

    /// Whether the token, its grant, its client, its subject or a token that it was exchanged from is revoked.
    #[must_use]
    pub fn is_revoked(&self, handle: &Handle) -> bool {
        let keys = handle.keys.iter().flatten().chain(&handle.exchanged_from);
        keys.into_iter().any(|key| self.has_other(*key, handle.iat) || self.has(*key))
    }

    /// Goes up with every change: a verdict of the same generation still holds.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many entries are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.others.iter().map(HashMap::len).fold(self.len, usize::saturating_add)
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes over what another set holds, as a change of this one.
    pub fn replace(&mut self, other: Self) {
        let generation = self.generation.saturating_add(1);
        *self = Self { generation, ..other };
    }

    fn insert_other(&mut self, entry: Entry) {
        let shard = usize::try_from(entry.key & 63).unwrap_or(0);
        if let Some(shard) = self.others.get_mut(shard) {
            let other = shard.entry(entry.key).or_insert(Other { cutoff: 0, expires_at: 0 });
            other.cutoff = other.cutoff.max(entry.cutoff);
            other.expires_at = other.expires_at.max(entry.expires_at);
        }
    }

    fn has_other(&self, key: u64, iat: u64) -> bool {
        let shard = usize::try_from(key & 63).ok().and_then(|shard| self.others.get(shard));
        shard.and_then(|shard| shard.get(&key)).is_some_and(|other| {
            // An outright revocation holds for every `iat`, also for one beyond 32 bits.
            other.cutoff == ALWAYS || iat <= u64::from(other.cutoff)
        })
    }

    fn has(&self, key: u64) -> bool {
        let leaf = self.leaves.get(self.place(key));
        leaf.and_then(|leaf| leaf.get(leaf.position(key))).is_some_and(|entry| name(entry) == name(key))
    }

    /// The first leaf whose last entry is not below the key.
    fn place(&self, key: u64) -> usize {
        self.leaves.partition_point(|leaf| leaf.last().is_some_and(|last| name(last) < name(key)))
    }

    fn insert(&mut self, entry: u64, now: u32) {
        let place = self.place(entry);
        // If the entry lies between two leaves, either may be the one that takes it.
        let takes = |at: &usize| self.leaves.get(*at).is_some_and(|leaf| leaf.takes(entry));
        let at = [Some(place), place.checked_sub(1)].into_iter().flatten().find(takes);
        let Some((at, leaf)) = at.and_then(|at| Some((at, self.leaves.get_mut(at)?))) else {
            self.leaves.insert(place, Leaf::of(entry));
            self.len = self.len.saturating_add(1);
            return;
        };
        let position = leaf.position(entry);
        match leaf.get(position) {
            Some(there) if name(there) == name(entry) => leaf.set(position, later(there, entry, now)),
            _ => {
                leaf.insert(position, entry);
                self.len = self.len.saturating_add(1);
                if leaf.len() >= LEAF {
                    let upper = leaf.split_off(LEAF / 2);
                    self.leaves.insert(at.saturating_add(1), upper);
                }
            }
        }
    }

    /// Goes on with a sweep, over some leaves.
    fn sweep(&mut self, now: u32) {
        for _ in 0..SWEEP {
            let Some(at) = self.sweeping else { return };
            let next = if self.clean(at, now) { at.saturating_add(1) } else { at };
            self.sweeping = (next < self.leaves.len()).then_some(next);
        }
    }

    /// Drops what has expired of a leaf; one that has become small is joined to the one before it. Whether it is still there.
    fn clean(&mut self, at: usize, now: u32) -> bool {
        let Some(leaf) = self.leaves.get_mut(at) else { return true };
        self.len = self.len.saturating_sub(leaf.retain(|entry| remaining(entry, now).is_some()));
        let (Some(leaf), previous) = (self.leaves.get(at), at.checked_sub(1)) else { return true };
        let joins = previous.and_then(|at| self.leaves.get(at)).is_some_and(|it| it.joins(leaf, LEAF / 2));
        if leaf.len() > LEAF / 4 || leaf.len() > 0 && !joins {
            return true;
        }
        let gone = self.leaves.remove(at);
        if let Some(previous) = previous.and_then(|at| self.leaves.get_mut(at)) {
            previous.append(gone);
        }
        false
    }
}

fn seconds(now: u64) -> u32 {
    u32::try_from(now).unwrap_or(u32::MAX)
}

fn pack(key: u64, expires_at: u32) -> u64 {
    name(key) << EXPIRY_BITS | u64::from(step(expires_at))
}

/// What an entry keeps of its key.
fn name(key: u64) -> u64 {
    key >> EXPIRY_BITS
}

/// The step of a time, as far as an entry holds it.
fn step(time: u32) -> u32 {
    (time >> STEP_BITS) & ((1 << EXPIRY_BITS) - 1)
}

/// How many steps an entry has left; `None` if it has expired.
fn remaining(entry: u64, now: u32) -> Option<u32> {
    let expiry = u32::try_from(entry & ((1 << EXPIRY_BITS) - 1)).unwrap_or(0);
    let ahead = expiry.wrapping_sub(step(now)) & ((1 << EXPIRY_BITS) - 1);
    (ahead <= HORIZON).then_some(ahead)
}

fn later(a: u64, b: u64, now: u32) -> u64 {
    if remaining(a, now) >= remaining(b, now) { a } else { b }
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
