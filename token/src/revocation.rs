//! What is revoked, as one VM holds it: 8 bytes per entry, and never a long pause.
//!
//! Nearly every entry revokes a token or a grant outright. Such an entry is one `u64`: the upper 56 bits of its key and,
//! in the lowest byte, when it may be forgotten, in steps of about 17 minutes. (A token's 64-bit key is a truncated
//! digest already; with a million entries the chance that 56 bits hit by accident is one in ten billion per token.)
//! The numbers lie in sorted leaves; what arrives goes to a few sorted runs beside them, and a pass that takes a bounded
//! step with every page folds a run into the leaves and drops what has expired. The rare entries with a cutoff, or
//! with an expiry too far off for a byte, are in small maps.
//!
//! Expiry frees memory and nothing more: no token that an expired entry concerns is valid, so finding one does no harm.

use crate::feed::{ALWAYS, Entry};
use crate::verify::Handle;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Entries in one leaf: 8 KiB.
const LEAF: usize = 1024;
/// A run of this many entries is folded into the leaves.
const RUN: usize = 64 * 1024;
/// What a pass moves at least in one step.
const STEP: usize = 32 * 1024;
/// The expiry's step is two to this power of seconds.
const BUCKET_BITS: u32 = 10;
/// How many steps ahead an expiry may be to fit the byte; the rest of the byte's range means the past.
const HORIZON: u8 = 199;
const SHARDS: usize = 64;

/// The revocations that hold.
#[derive(Debug)]
pub struct RevocationSet {
    /// Sorted leaves that the running pass has still to visit.
    ahead: VecDeque<Box<[u64]>>,
    /// Sorted leaves it has written, all below those ahead.
    done: Vec<Box<[u64]>>,
    /// What it has written since the last whole leaf.
    tail: Vec<u64>,
    /// The run that it folds in; searched until the pass is over, so that nothing goes missing meanwhile.
    folding: Vec<u64>,
    /// How much of `folding` is folded.
    folded: usize,
    /// Whether a pass is running.
    passing: bool,
    /// Sorted runs that wait, the largest first.
    runs: Vec<Vec<u64>>,
    /// Entries with a cutoff or a far expiry, by key.
    others: Vec<HashMap<u64, Other>>,
    /// The shard of `others` to be cleaned next.
    shard: usize,
    /// The expiry step in which the last pass began.
    swept: u32,
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
            ahead: VecDeque::new(),
            done: Vec::new(),
            tail: Vec::new(),
            folding: Vec::new(),
            folded: 0,
            passing: false,
            runs: Vec::new(),
            others: vec![HashMap::new(); SHARDS],
            shard: 0,
            swept: 0,
            generation: 0,
        }
    }
}

impl RevocationSet {
    /// Takes entries in, a page of the feed at most, and moves a running pass on by a bounded step.
    ///
    /// `now` is Unix time in seconds. What has expired is passed over.
    pub fn apply(&mut self, entries: impl Iterator<Item = Entry>, now: u64) {
        let now = seconds(now);
        let mut run: Vec<u64> = Vec::with_capacity(entries.size_hint().0);
        let mut changed = false;
        for entry in entries.filter(|entry| entry.expires_at > now) {
            changed = true;
            let ahead = (entry.expires_at >> BUCKET_BITS).saturating_sub(now >> BUCKET_BITS);
            if entry.cutoff == ALWAYS && ahead <= u32::from(HORIZON) {
                run.push(pack(entry.key, entry.expires_at));
            } else {
                self.insert_other(entry);
            }
        }
        if !run.is_empty() {
            run.sort_unstable();
            self.push_run(run, now);
        }
        if changed {
            self.generation = self.generation.saturating_add(1);
        }
        self.advance(now);
    }

    /// Moves a running pass on by a step, and begins one where entries may have expired. For a timer.
    pub fn maintain(&mut self, now: u64) {
        let now = seconds(now);
        let step = now >> BUCKET_BITS;
        if !self.passing && step > self.swept {
            let runs = std::mem::take(&mut self.runs);
            let all = runs.into_iter().reduce(|a, b| merge(&a, &b, now)).unwrap_or_default();
            self.begin_pass(all, now);
        }
        self.advance(now);
        if let Some(shard) = self.others.get_mut(self.shard) {
            shard.retain(|_, other| other.expires_at > now);
        }
        self.shard = self.shard.saturating_add(1) % SHARDS;
    }

    /// Whether the token, its grant, its client or its subject is revoked.
    #[must_use]
    pub fn is_revoked(&self, handle: &Handle) -> bool {
        handle.keys.iter().flatten().any(|key| self.has_other(*key, handle.iat) || self.has(*key))
    }

    /// Goes up with every change: a verdict of the same generation still holds.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many entries are held; one that came twice may count twice for a while.
    #[must_use]
    pub fn len(&self) -> usize {
        let leaves = self.ahead.iter().chain(&self.done).map(|leaf| leaf.len()).sum::<usize>();
        let runs = self.runs.iter().map(Vec::len).sum::<usize>();
        let others = self.others.iter().map(HashMap::len).sum::<usize>();
        let folding = self.folding.len().saturating_sub(self.folded);
        [leaves, self.tail.len(), folding, runs, others].into_iter().fold(0, usize::saturating_add)
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
        let after = |leaf: &[u64]| leaf.last().is_some_and(|last| last >> 8 < key >> 8);
        let done = self.done.get(self.done.partition_point(|leaf| after(leaf)));
        let ahead = self.ahead.get(self.ahead.partition_point(|leaf| after(leaf)));
        done.is_some_and(|leaf| contains(leaf, key))
            || ahead.is_some_and(|leaf| contains(leaf, key))
            || contains(&self.tail, key)
            || contains(&self.folding, key)
            || self.runs.iter().any(|run| contains(run, key))
    }

    /// Adds a sorted run, and merges runs of about one size, so that there are only a few.
    fn push_run(&mut self, mut run: Vec<u64>, now: u32) {
        while let Some(before) = self.runs.pop_if(|before| before.len() / 2 <= run.len() && before.len() < RUN) {
            run = merge(&before, &run, now);
        }
        self.runs.push(run);
        if !self.passing && self.runs.first().is_some_and(|first| first.len() >= RUN) {
            let run = self.runs.remove(0);
            self.begin_pass(run, now);
        }
    }

    fn begin_pass(&mut self, run: Vec<u64>, now: u32) {
        self.ahead.extend(std::mem::take(&mut self.done));
        self.folding = run;
        self.folded = 0;
        self.passing = true;
        self.swept = now >> BUCKET_BITS;
    }

    /// One step of the pass: over in about a dozen steps, so before the next run is full.
    fn advance(&mut self, now: u32) {
        if !self.passing {
            return;
        }
        let size = self.ahead.len().saturating_add(self.done.len()).saturating_mul(LEAF);
        let mut budget = STEP.max(size.saturating_add(self.folding.len()) / 12);
        while budget > 0 {
            let Some(leaf) = self.ahead.pop_front() else { break };
            // The run's entries up to the leaf's last; a leaf's worth at most, and the rest of the leaf waits if there are more.
            let rest = self.folding.get(self.folded..).unwrap_or_default();
            let last = leaf.last().copied().unwrap_or(0);
            let below = rest.partition_point(|entry| *entry <= last).min(LEAF);
            let (taken, bound) = match rest.get(below) {
                Some(next) if *next <= last => {
                    let bound = leaf.partition_point(|entry| entry < next);
                    let (lower, upper) = leaf.split_at_checked(bound).unwrap_or((&leaf, &[]));
                    self.ahead.push_front(upper.into());
                    (lower.to_vec(), below)
                }
                _ => (leaf.into_vec(), below),
            };
            let merged = merge(&taken, rest.get(..bound).unwrap_or_default(), now);
            self.folded = self.folded.saturating_add(bound);
            budget = budget.saturating_sub(taken.len().saturating_add(bound).max(1));
            self.write(&merged, now);
        }
        while budget > 0 && self.folded < self.folding.len() && self.ahead.is_empty() {
            let rest = self.folding.get(self.folded..).unwrap_or_default();
            let taken = rest.get(..LEAF.min(rest.len())).unwrap_or_default().to_vec();
            self.folded = self.folded.saturating_add(taken.len());
            budget = budget.saturating_sub(taken.len());
            self.write(&taken, now);
        }
        if self.ahead.is_empty() && self.folded >= self.folding.len() {
            self.flush();
            self.folding = Vec::new();
            self.folded = 0;
            self.passing = false;
        }
    }

    /// Appends sorted entries behind what the pass has written, without repeats and what has expired.
    fn write(&mut self, entries: &[u64], now: u32) {
        for entry in entries.iter().copied().filter(|entry| remaining(*entry, now) >= 0) {
            match self.tail.last_mut() {
                Some(last) if *last >> 8 == entry >> 8 => *last = later(*last, entry, now),
                _ => self.tail.push(entry),
            }
            // One entry stays, so that the next can still be compared with it.
            if self.tail.len() > LEAF {
                let keep = self.tail.pop();
                self.flush();
                self.tail.extend(keep);
            }
        }
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            self.done.push(self.tail.as_slice().into());
            self.tail.clear();
        }
    }
}

fn seconds(now: u64) -> u32 {
    u32::try_from(now).unwrap_or(u32::MAX)
}

fn pack(key: u64, expires_at: u32) -> u64 {
    (key & !0xff) | u64::from((expires_at >> BUCKET_BITS) & 0xff)
}

/// How many steps an entry has left; negative if it has expired.
fn remaining(entry: u64, now: u32) -> i16 {
    let bucket = entry.to_le_bytes()[0];
    let ahead = bucket.wrapping_sub((now >> BUCKET_BITS).to_le_bytes()[0]);
    if ahead <= HORIZON { i16::from(ahead) } else { -1 }
}

fn later(a: u64, b: u64, now: u32) -> u64 {
    if remaining(a, now) >= remaining(b, now) { a } else { b }
}

fn contains(sorted: &[u64], key: u64) -> bool {
    let at = sorted.partition_point(|entry| entry >> 8 < key >> 8);
    sorted.get(at).is_some_and(|entry| entry >> 8 == key >> 8)
}

/// Merges two sorted runs; of two entries with one key, the later expiry stays.
fn merge(a: &[u64], b: &[u64], now: u32) -> Vec<u64> {
    let mut merged: Vec<u64> = Vec::with_capacity(a.len().saturating_add(b.len()));
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x <= y => a.next(),
            (_, Some(_)) => b.next(),
            (_, None) => a.next(),
        };
        let Some(next) = next else { return merged };
        match merged.last_mut() {
            Some(last) if *last >> 8 == next >> 8 => *last = later(*last, next, now),
            _ => merged.push(next),
        }
    }
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
