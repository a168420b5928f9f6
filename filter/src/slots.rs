//! What the VMs of one Envoy share, byte by byte. All numbers are little-endian.
//!
//! Shared data lives as long as any VM with the same `vm_id`, can't be enumerated and never shrinks, so its keys are
//! a fixed set per provider:
//!
//! | key | what | writer |
//! |---|---|---|
//! | `…/head` | [`Head`], 40 bytes; read before each decision | whoever publishes, by compare-and-set |
//! | `…/jwks` | the JWK Set | whoever holds the fetch |
//! | `…/fetch` | [`Fetch`]: who fetches the keys, and when next | any VM, by compare-and-set |
//! | `…/lease` | [`Lease`]: who follows the feed | any VM, by compare-and-set |
//! | `…/name` | what the feed knows this Envoy by: the [`Instance`] of the first that led | the leader, once |
//! | `…/cursor` | the epoch (u32), then the feed's cursor | the leader |
//! | `…/measured` | [`Measured`]: what this feed adds to the metrics | the leader, by compare-and-set |
//! | `…/log/<bank>/<n>` | the revocation log (see [`crate::follower`]): its epoch (u32), then entries of 16 bytes | the leader |
//! | `…/answer/<n>` | what an issuer said of a token (see [`crate::answers`]) | whoever asked |

use crate::metrics::{Gauge, Metrics};
use crate::proxy::{Host, HostError, HostResult, Shared, Write};
use bearward_token::feed::Entry;
use sha2::{Digest, Sha256};

/// The keys of a provider's slots.
#[derive(Debug, Clone)]
pub struct Slots {
    base: String,
    /// Read at each decision, so not put together each time.
    head: String,
}

impl Slots {
    /// Slots that two configurations share exactly if they mean the same by them.
    #[must_use]
    pub fn new(identity: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in identity {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        let mut base = String::from("bearward/1/");
        for byte in digest.finalize().iter().take(12) {
            base.push_str(&format!("{byte:02x}"));
        }
        Self { head: format!("{base}/head"), base }
    }

    /// The slot of that name.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// One part of the revocation log.
    #[must_use]
    pub fn log(&self, epoch: u32, index: u32) -> String {
        // A third bank, so that what a leader that lost its lease unawares still writes hurts nobody.
        format!("{}/log/{}/{index}", self.base, epoch % 3)
    }

    /// Reads the head; one that is not there yet is all zeros.
    ///
    /// # Errors
    /// [`HostError`]
    pub fn head(&self, host: &impl Host) -> HostResult<Head> {
        Ok(host.shared(&self.head)?.and_then(|shared| Head::decode(&shared.value)).unwrap_or_default())
    }

    /// Changes the head; gives it back as written. The change may be tried several times.
    ///
    /// # Errors
    /// [`HostError`], also if others kept changing it
    pub fn update_head(&self, host: &impl Host, change: impl Fn(&mut Head)) -> HostResult<Head> {
        update(host, &self.head, |head: &mut Head| {
            change(head);
            true
        })
    }

    /// Says where the log stands now. `before` is the head that this follows from; if another has written meanwhile, what it
    /// wrote stays, and the answer is [`HostError::CAS_MISMATCH`].
    ///
    /// # Errors
    /// [`HostError`]
    pub fn publish(&self, host: &impl Host, before: &Head, change: impl Fn(&mut Head)) -> HostResult<Head> {
        update(host, &self.head, |head: &mut Head| {
            let stands = (head.epoch, head.len) == (before.epoch, before.len);
            if stands {
                change(head);
            }
            stands
        })
    }

    /// Has the metrics say this of the feed, instead of what they said before; whichever VM had them say that, and whatever became
    /// of it.
    pub fn measured(&self, host: &impl Host, metrics: &Metrics, now: Measured) {
        let key = self.key("measured");
        let Ok(there) = host.shared(&key) else { return };
        let before = there.as_ref().and_then(|there| Measured::decode(&there.value)).unwrap_or_default();
        let write = there.map_or(Write::Absent, |there| Write::Over(there.cas));
        if before != now && host.set_shared(&key, &now.encode(), write).is_ok() {
            metrics.adjust(host, Gauge::FeedEntries, before.entries, now.entries);
            metrics.adjust(host, Gauge::FeedGeneration, before.generation, now.generation);
        }
    }
}

/// A value of fixed size in shared data.
pub trait Record: Default + Clone {
    /// From its bytes; `None` if they are of another size.
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// To its bytes.
    fn encode(&self) -> Vec<u8>;
}

/// Reads a record; one that is not there yet is the default.
///
/// # Errors
/// [`HostError`]
pub fn read<R: Record>(host: &impl Host, key: &str) -> HostResult<R> {
    Ok(host.shared(key)?.and_then(|shared| R::decode(&shared.value)).unwrap_or_default())
}

/// Changes a record by compare-and-set, so that of all VMs that try at once, each sees what the one before did.
///
/// `change` says whether to write at all; if not, the answer is [`HostError::CAS_MISMATCH`], as if another was first.
///
/// # Errors
/// [`HostError`]
pub fn update<R: Record>(host: &impl Host, key: &str, change: impl Fn(&mut R) -> bool) -> HostResult<R> {
    let changed = update_bytes(host, key, &R::default().encode(), &|bytes| {
        let mut record = R::decode(bytes).unwrap_or_default();
        change(&mut record).then(|| record.encode())
    })?;
    Ok(R::decode(&changed).unwrap_or_default())
}

/// [`update`], of bytes: one function for all records keeps the module small.
fn update_bytes(
    host: &impl Host,
    key: &str,
    initial: &[u8],
    change: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> HostResult<Vec<u8>> {
    for _ in 0..16 {
        let Shared { value, cas } = match host.shared(key)? {
            Some(shared) => shared,
            None => {
                // Nothing to compare with yet. All VMs create the same value, so it does not matter whose it is.
                match host.set_shared(key, initial, Write::Absent) {
                    Ok(()) | Err(HostError::CAS_MISMATCH) => continue,
                    Err(error) => return Err(error),
                }
            }
        };
        let changed = change(&value).ok_or(HostError::CAS_MISMATCH)?;
        match host.set_shared(key, &changed, Write::Over(cas)) {
            Ok(()) => return Ok(changed),
            Err(HostError::CAS_MISMATCH) => {}
            Err(error) => return Err(error),
        }
    }
    Err(HostError::CAS_MISMATCH)
}

/// Where everything stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Goes up when the JWK Set changes; 0 is none yet.
    pub keys: u32,
    /// The log that holds; 0 is none yet.
    pub epoch: u32,
    /// How many entries it has.
    pub len: u32,
    /// How many of them repeat what the log before it said, or 0 if it does not continue that one.
    pub base: u32,
    /// The log before it.
    pub previous: u32,
    /// How many entries that one had in the end.
    pub previous_len: u32,
    /// The last epoch in which anyone began to write.
    pub building: u32,
    /// When the feed last said that nothing is missing; Unix time in milliseconds.
    pub fresh_ms: u64,
}

impl Record for Head {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<4>();
        let [keys, epoch, len, base, previous, previous_len, building, _, low, high] =
            words.iter().map(|word| u32::from_le_bytes(*word)).collect::<Vec<_>>().try_into().ok()?;
        let fresh_ms = u64::from(low) | (u64::from(high) << 32);
        rest.is_empty().then_some(Self { keys, epoch, len, base, previous, previous_len, building, fresh_ms })
    }

    fn encode(&self) -> Vec<u8> {
        let words = [self.keys, self.epoch, self.len, self.base, self.previous, self.previous_len, self.building, 0];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.fresh_ms.to_le_bytes());
        bytes
    }
}

/// Which VM: random, so that no two are alike in any Envoy.
pub type Instance = [u8; 16];

/// Who follows the feed, and until when nobody else may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lease {
    /// Who.
    pub holder: Instance,
    /// Unix time in milliseconds.
    pub until_ms: u64,
}

impl Record for Lease {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (holder, rest) = bytes.split_first_chunk()?;
        Some(Self { holder: *holder, until_ms: u64::from_le_bytes(rest.try_into().ok()?) })
    }

    fn encode(&self) -> Vec<u8> {
        [self.holder.as_slice(), &self.until_ms.to_le_bytes()].concat()
    }
}

/// What a feed adds to the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Revocations held.
    pub entries: u64,
    /// The epoch of its log.
    pub generation: u64,
}

impl Record for Measured {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (entries, generation) = bytes.split_first_chunk()?;
        let generation = u64::from_le_bytes(generation.try_into().ok()?);
        Some(Self { entries: u64::from_le_bytes(*entries), generation })
    }

    fn encode(&self) -> Vec<u8> {
        [self.entries.to_le_bytes(), self.generation.to_le_bytes()].concat()
    }
}

/// Who fetches the keys, and when they are fetched next. All times are Unix time in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Until when a fetch that was begun is waited for; 0 if none is on its way.
    pub busy_until: u64,
    /// When the next fetch is due.
    pub next: u64,
    /// When all fetches that unknown keys have caused so far would be due, had they kept their distance.
    pub unknown_due: u64,
    /// How many fetches have failed in a row.
    pub failures: u64,
}

impl Record for Fetch {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let [busy_until, next, unknown_due, failures] =
            words.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>().try_into().ok()?;
        rest.is_empty().then_some(Self { busy_until, next, unknown_due, failures })
    }

    fn encode(&self) -> Vec<u8> {
        let words = [self.busy_until, self.next, self.unknown_due, self.failures];
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

/// How many entries one slot of the log holds: 16 KiB.
pub const LOG_SLOT: u32 = 1024;
/// How many slots a log may have: four million entries, 64 MiB.
pub const LOG_SLOTS: u32 = 4096;
const ENTRY: usize = 16;

/// The entries of a slot of the log from `from` on; `None` if it is not of this epoch.
#[must_use]
pub fn log_entries(slot: &[u8], epoch: u32, from: usize) -> Option<impl ExactSizeIterator<Item = Entry>> {
    let (header, entries) = slot.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*header) != epoch {
        return None;
    }
    let (entries, _) = entries.as_chunks::<ENTRY>();
    Some(entries.get(from..)?.iter().map(|&[k0, k1, k2, k3, k4, k5, k6, k7, c0, c1, c2, c3, e0, e1, e2, e3]| Entry {
        key: u64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]),
        cutoff: u32::from_le_bytes([c0, c1, c2, c3]),
        expires_at: u32::from_le_bytes([e0, e1, e2, e3]),
    }))
}

/// A slot of the log: what `before` held up to its `keep`th entry, and then these. `None` if `before` is of another
/// epoch or holds fewer.
#[must_use]
pub fn log_slot(
    before: Option<&[u8]>,
    epoch: u32,
    keep: usize,
    entries: impl Iterator<Item = Entry>,
) -> Option<Vec<u8>> {
    let mut slot = epoch.to_le_bytes().to_vec();
    if keep > 0 {
        let kept = keep.checked_mul(ENTRY)?.checked_add(4)?;
        let before = before?.get(..kept)?;
        if before.first_chunk::<4>() != Some(&epoch.to_le_bytes()) {
            return None;
        }
        slot = before.to_vec();
    }
    for entry in entries {
        slot.extend_from_slice(&entry.key.to_le_bytes());
        slot.extend_from_slice(&entry.cutoff.to_le_bytes());
        slot.extend_from_slice(&entry.expires_at.to_le_bytes());
    }
    Some(slot)
}
