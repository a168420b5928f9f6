//! What the VMs of one Envoy tell each other about tokens whose issuer was asked: one call per token, however many
//! workers have requests that wait for it, and one answer, for as long as that holds.
//!
//! An entry in shared data is the token's digest (32 bytes), a time (u64), the generation of the issuer's keys (u32), and
//! the answer as JSON; or nothing, as long as somebody is asking, and then the time is how long that may take. All
//! numbers are little-endian, all times Unix time in milliseconds. Tokens that have a slot in common displace each other,
//! which costs a call and nothing else.

use crate::clock::{self, is_over};
use crate::proxy::{Host, HostError, Shared, Write};
use crate::slots::Slots;
use bearward_token::claim_set::ClaimSet;
use sha2::{Digest as _, Sha256};

/// In so many slots; which one, the token's digest says.
const SLOTS: u16 = 1024;
/// The longest answer that is told, in bytes: all of them take 8 MiB at the most. A longer one each VM asks for itself.
const LONGEST: usize = 8 * 1024;

/// What is known in this Envoy about an issuer's opaque tokens.
#[derive(Debug)]
pub struct Answers {
    slots: Slots,
    /// How long asking takes at the most, in milliseconds.
    asks_ms: u64,
}

/// What is known about one token.
#[derive(Debug)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// Nothing, and everybody else waits for this VM to ask.
    Ask,
    /// Another VM is asking.
    Coming,
    /// What the issuer said, and when.
    Said(ClaimSet, u64),
}

impl Answers {
    /// Those in slots that belong to one way of asking one issuer, which takes so many milliseconds at the most.
    #[must_use]
    pub fn new(slots: Slots, asks_ms: u64) -> Self {
        Self { slots, asks_ms }
    }

    /// What is known about a token. If nothing is, and this VM `can_ask`, it is told to.
    ///
    /// `keys` is the generation of the issuer's keys; `holds` says for how long an answer does, by whether the token is active.
    pub fn look(
        &self,
        host: &impl Host,
        token: &str,
        now_ms: u64,
        keys: u32,
        can_ask: bool,
        holds: impl Fn(bool) -> u64,
    ) -> Told {
        let (key, digest) = self.slot(token);
        for _ in 0..8 {
            // Where nothing can be shared, each asks for itself.
            let Ok(there) = host.shared(&key) else { break };
            let entry = there.as_ref().and_then(|there| Entry::decode(there, digest));
            if let Some(entry) = entry.filter(|entry| entry.keys == keys) {
                if entry.answer.is_empty() && !is_over(entry.time, self.asks_ms, now_ms) {
                    return Told::Coming;
                }
                if let Some(claims) = ClaimSet::parse(entry.answer) {
                    let active = claims.get("active").is_some_and(|active| active.as_bool() == Some(true));
                    if clock::holds(entry.time, holds(active), now_ms) {
                        return Told::Said(claims, entry.time);
                    }
                }
            }
            if !can_ask {
                return Told::Nothing;
            }
            let until = now_ms.saturating_add(self.asks_ms);
            let write = there.as_ref().map_or(Write::Absent, |there| Write::Over(there.cas));
            match host.set_shared(&key, &Entry { time: until, keys, answer: &[] }.encode(digest), write) {
                Err(HostError::CAS_MISMATCH) => {}
                _ => break,
            }
        }
        if can_ask { Told::Ask } else { Told::Nothing }
    }

    /// Tells the others what the issuer said.
    pub fn tell(&self, host: &impl Host, token: &str, now_ms: u64, keys: u32, claims: &ClaimSet) {
        let answer = claims.to_json();
        if answer.len() > LONGEST {
            return self.ask_no_more(host, token);
        }
        let (key, digest) = self.slot(token);
        let entry = Entry { time: now_ms, keys, answer: answer.as_bytes() };
        // If it can't be told, they wait for it in vain, and then ask for themselves.
        let _ = host.set_shared(&key, &entry.encode(digest), Write::Always);
    }

    /// Lets another VM ask: there was no answer.
    pub fn ask_no_more(&self, host: &impl Host, token: &str) {
        let (key, digest) = self.slot(token);
        if let Ok(Some(there)) = host.shared(&key)
            && Entry::decode(&there, digest).is_some()
        {
            let _ = host.set_shared(&key, &[], Write::Over(there.cas));
        }
    }

    fn slot(&self, token: &str) -> (String, [u8; 32]) {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let [a, b, ..] = digest;
        (self.slots.key(&format!("answer/{}", u16::from_le_bytes([a, b]) % SLOTS)), digest)
    }
}

struct Entry<'a> {
    time: u64,
    keys: u32,
    answer: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The entry about the token of this digest.
    fn decode(there: &'a Shared, digest: [u8; 32]) -> Option<Self> {
        let (token, rest) = there.value.split_first_chunk::<32>()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (keys, answer) = rest.split_first_chunk()?;
        let entry = Self { time: u64::from_le_bytes(*time), keys: u32::from_le_bytes(*keys), answer };
        (*token == digest).then_some(entry)
    }

    fn encode(&self, digest: [u8; 32]) -> Vec<u8> {
        [digest.as_slice(), &self.time.to_le_bytes(), &self.keys.to_le_bytes(), self.answer].concat()
    }
}
