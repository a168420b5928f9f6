//! The DPoP proofs that were used, RFC 9449 §11.1: each is good once in this Envoy, and nobody can use up the room that
//! others need to show theirs.
//!
//! They are in a fixed number of slots of shared data; a proof's digest says which. An entry is 20 bytes: what is left of the
//! digest (8), whose it is (8), and the second after which it is refused for its age anyway (u32, little-endian).

use crate::proxy::{Host, HostError, Write};
use bearward_token::binding::Digest;
use bearward_token::refusal::Refusal;
use sha2::{Digest as _, Sha256};

/// How many slots there are.
const SLOTS: u16 = 2048;
/// The most proofs that a slot holds: a million in all within their window, 17,000 a second.
const MOST: usize = 512;
/// Nobody takes more than one part in so many of what the others leave, of each slot. So one alone may have a third of it, and
/// still leaves room to everybody; it takes more than a dozen who flood together until a slot is full.
const PARTS: usize = 2;
const ENTRY: usize = 20;

/// Whose part of the room a proof takes: a digest of the issuer and the subject.
///
/// Not the key's: anybody who can get tokens can have them bound to as many keys as he likes, but to no more subjects than
/// the issuer gives him. Eight bytes without a secret are enough: to take from another's part, one would have to become a
/// subject whose digest is the same as his, which is 2^64 tries at names for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holder([u8; 8]);

impl Holder {
    /// The one whom this issuer calls so.
    #[must_use]
    pub fn new(issuer: &str, subject: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject).finalize();
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

/// A proof that is good.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    /// Its digest.
    pub id: &'a Digest,
    /// Whose it is.
    pub holder: Holder,
    /// When it may be forgotten; Unix time in seconds.
    pub forget_at: u32,
}

impl Used<'_> {
    /// Notes that it was used, for all VMs of this Envoy. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`Refusal::Replayed`] if it was used before; [`Refusal::TooManyProofs`] or [`Refusal::Unavailable`] where it can't be
    /// remembered, and so could be used again.
    pub fn once(&self, host: &impl Host, now: u64) -> Result<(), Refusal> {
        let [a, b, id @ ..] = *self.id;
        let id = id.first_chunk::<8>().copied().unwrap_or_default();
        let key = format!("bearward/1/proofs/{}", u16::from_le_bytes([a, b]) % SLOTS);
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        for _ in 0..16 {
            let there = host.shared(&key).map_err(|_| Refusal::Unavailable)?;
            let (value, write) = match &there {
                Some(shared) => (shared.value.as_slice(), Write::Over(shared.cas)),
                None => ([].as_slice(), Write::Absent),
            };
            let value = self.added(id, value, now)?;
            match host.set_shared(&key, &value, write) {
                Ok(()) => return Ok(()),
                Err(HostError::CAS_MISMATCH) => {}
                Err(_) => return Err(Refusal::Unavailable),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// A slot with this proof in it, and without those that are too old.
    fn added(&self, id: [u8; 8], slot: &[u8], now: u32) -> Result<Vec<u8>, Refusal> {
        let mut kept = Vec::with_capacity(slot.len().saturating_add(ENTRY));
        let mut own = 0_usize;
        for entry in slot.as_chunks::<ENTRY>().0 {
            let (entry_id, rest) = entry.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
            let (holder, forget_at) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
            if forget_at.first_chunk().is_none_or(|second| u32::from_le_bytes(*second) < now) {
                continue;
            }
            if *entry_id == id {
                return Err(Refusal::Replayed);
            }
            own = own.saturating_add(usize::from(*holder == self.holder.0));
            kept.extend_from_slice(entry);
        }
        match MOST.saturating_sub(kept.len() / ENTRY) {
            0 => return Err(Refusal::Unavailable),
            room if own.saturating_mul(PARTS) >= room => return Err(Refusal::TooManyProofs),
            _ => {}
        }
        kept.extend_from_slice(&id);
        kept.extend_from_slice(&self.holder.0);
        kept.extend_from_slice(&self.forget_at.to_le_bytes());
        Ok(kept)
    }
}
