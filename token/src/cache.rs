//! Tokens that were verified before, so that the next request with one costs a look-up.
//!
//! Only tokens that passed are in it, the whole token is compared, and it is bounded in entries and in bytes. What leaves
//! first is found by the clock algorithm: near to least-recently-used, at the price of one bit.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

/// A bounded map from tokens to what is known of them.
#[derive(Debug)]
pub struct TokenCache<V> {
    table: HashTable<usize>,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<usize>,
    hasher: DefaultHashBuilder,
    hand: usize,
    bytes: usize,
    limits: Limits,
}

/// How large a cache may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most tokens.
    pub entries: usize,
    /// The most bytes, as callers weigh their values, with the tokens themselves.
    pub bytes: usize,
}

#[derive(Debug)]
struct Slot<V> {
    token: Box<[u8]>,
    value: V,
    weight: usize,
    hash: u64,
    used: bool,
}

impl<V> TokenCache<V> {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            hasher: DefaultHashBuilder::default(),
            hand: 0,
            bytes: 0,
            limits,
        }
    }

    /// What is known of a token.
    pub fn get(&mut self, token: &[u8]) -> Option<&mut V> {
        let hash = self.hasher.hash_one(token);
        let slots = &self.slots;
        let index = *self.table.find(hash, |index| is_token(slots, *index, token))?;
        let slot = self.slots.get_mut(index)?.as_mut()?;
        slot.used = true;
        Some(&mut slot.value)
    }

    /// Remembers a token, `weight` being the bytes of the value. Gives back how many others had to leave.
    ///
    /// A token that alone is beyond the limits is not remembered.
    pub fn insert(&mut self, token: &[u8], value: V, weight: usize) -> usize {
        self.remove(token);
        let weight = weight.saturating_add(token.len());
        if weight > self.limits.bytes || self.limits.entries == 0 {
            return 0;
        }
        let mut evicted: usize = 0;
        while self.len() >= self.limits.entries || self.bytes.saturating_add(weight) > self.limits.bytes {
            self.evict();
            evicted = evicted.saturating_add(1);
        }
        let hash = self.hasher.hash_one(token);
        let slot = Some(Slot { token: token.into(), value, weight, hash, used: false });
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(None);
                self.slots.len().saturating_sub(1)
            }
        };
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
            let slots = &self.slots;
            self.table.insert_unique(hash, index, |index| hash_of(slots, *index));
            self.bytes = self.bytes.saturating_add(weight);
        }
        evicted
    }

    /// Forgets a token.
    pub fn remove(&mut self, token: &[u8]) {
        let hash = self.hasher.hash_one(token);
        let slots = &self.slots;
        if let Ok(found) = self.table.find_entry(hash, |index| is_token(slots, *index, token)) {
            let (index, _) = found.remove();
            self.release(index);
        }
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// How many bytes they weigh.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Moves the hand to the next token that was not used since it last came by, and forgets that one.
    fn evict(&mut self) {
        // Twice round finds one for certain: the first round clears every mark.
        for _ in 0..self.slots.len().saturating_mul(2) {
            let index = self.hand;
            self.hand = self.hand.saturating_add(1);
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(index) {
                Some(Some(slot)) if slot.used => slot.used = false,
                Some(Some(slot)) => {
                    let hash = slot.hash;
                    if let Ok(found) = self.table.find_entry(hash, |other| *other == index) {
                        found.remove();
                    }
                    self.release(index);
                    return;
                }
                _ => {}
            }
        }
    }

    fn release(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index).and_then(Option::take) {
            self.bytes = self.bytes.saturating_sub(slot.weight);
            self.free.push(index);
        }
    }
}

fn is_token<V>(slots: &[Option<Slot<V>>], index: usize, token: &[u8]) -> bool {
    slots.get(index).and_then(Option::as_ref).is_some_and(|slot| *slot.token == *token)
}

fn hash_of<V>(slots: &[Option<Slot<V>>], index: usize) -> u64 {
    slots.get(index).and_then(Option::as_ref).map_or(0, |slot| slot.hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cache(entries: usize, bytes: usize) -> TokenCache<u32> {
        TokenCache::new(Limits { entries, bytes })
    }

    #[test]
    fn a_token_is_found_whole_or_not_at_all() {
        let mut cache = cache(10, 1000);
        cache.insert(b"abc", 1, 0);
        assert_eq!(cache.get(b"abc"), Some(&mut 1));
        assert_eq!(cache.get(b"ab"), None);
        assert_eq!(cache.get(b"abcd"), None);
        cache.insert(b"abc", 2, 0);
        assert_eq!(cache.get(b"abc"), Some(&mut 2));
        assert_eq!(cache.len(), 1);
        cache.remove(b"abc");
        assert_eq!(cache.get(b"abc"), None);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn what_is_used_stays() {
        let mut cache = cache(3, 1000);
        for token in [b"a", b"b", b"c"] {
            cache.insert(token, 0, 0);
        }
        cache.get(b"a");
        cache.get(b"c");
        assert_eq!(cache.insert(b"d", 0, 0), 1);
        assert!(cache.get(b"a").is_some() && cache.get(b"b").is_none() && cache.get(b"d").is_some());
    }

    proptest! {
        #[test]
        fn the_limits_hold(steps in prop::collection::vec((0_u16..50, 0_usize..40, any::<bool>()), 0..300)) {
            let mut cache = cache(8, 200);
            for (token, weight, insert) in steps {
                let token = token.to_string();
                if insert {
                    cache.insert(token.as_bytes(), 7, weight);
                } else {
                    cache.get(token.as_bytes());
                }
                prop_assert!(cache.len() <= 8 && cache.bytes() <= 200);
                prop_assert_eq!(cache.slots.iter().flatten().count(), cache.len());
                prop_assert_eq!(cache.slots.iter().flatten().map(|s| s.weight).sum::<usize>(), cache.bytes());
            }
        }
    }
}
