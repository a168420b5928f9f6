//! A piece of the revocation set: neighbouring entries, each a `u64` that is kept in seven bytes.

use super::name;

/// Entries that have their uppermost byte in common, in order.
#[derive(Debug)]
pub(super) struct Leaf {
    top: u8,
    rows: Vec<[u8; 7]>,
}

/// By how many entries a leaf's memory grows: half of this is free in it on average.
const GROWTH: usize = 16;

impl Leaf {
    /// One that holds this entry.
    pub(super) fn of(entry: u64) -> Self {
        let (top, row) = cut(entry);
        Self { top, rows: vec![row] }
    }

    /// How many entries it holds.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether an entry of this key can be in it.
    pub(super) fn takes(&self, key: u64) -> bool {
        self.top == cut(key).0
    }

    /// The entry at a position.
    pub(super) fn get(&self, position: usize) -> Option<u64> {
        self.rows.get(position).map(|row| whole(self.top, row))
    }

    /// The entry with the greatest key.
    pub(super) fn last(&self) -> Option<u64> {
        self.rows.last().map(|row| whole(self.top, row))
    }

    /// Where the entry of this key is, or would be.
    pub(super) fn position(&self, key: u64) -> usize {
        self.rows.partition_point(|row| name(whole(self.top, row)) < name(key))
    }

    /// Writes over the entry at a position, which has the same key.
    pub(super) fn set(&mut self, position: usize, entry: u64) {
        if let Some(row) = self.rows.get_mut(position) {
            *row = cut(entry).1;
        }
    }

    /// Puts an entry that it [takes](Self::takes) at its [position](Self::position).
    pub(super) fn insert(&mut self, position: usize, entry: u64) {
        if self.rows.len() == self.rows.capacity() {
            self.rows.reserve_exact(GROWTH);
        }
        self.rows.insert(position, cut(entry).1);
    }

    /// Gives away what is behind a position. Both are exactly as large as they have to be then.
    pub(super) fn split_off(&mut self, position: usize) -> Self {
        let upper: Box<[_]> = self.rows.split_off(position).into();
        self.rows.shrink_to_fit();
        Self { top: self.top, rows: upper.into() }
    }

    /// Keeps the entries for which this is true; how many it dropped.
    pub(super) fn retain(&mut self, keep: impl Fn(u64) -> bool) -> usize {
        let (top, before) = (self.top, self.rows.len());
        self.rows.retain(|row| keep(whole(top, row)));
        if self.rows.len() < before {
            self.rows.shrink_to_fit();
        }
        before.saturating_sub(self.rows.len())
    }

    /// Whether it and the leaf after it are no more than so many entries, which one leaf can hold.
    pub(super) fn joins(&self, next: &Self, most: usize) -> bool {
        self.top == next.top && self.rows.len().saturating_add(next.rows.len()) <= most
    }

    /// Takes the entries of the leaf after it, which [joins](Self::joins) it or is empty.
    pub(super) fn append(&mut self, mut next: Self) {
        self.rows.reserve_exact(next.rows.len());
        self.rows.append(&mut next.rows);
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|row| whole(self.top, row))
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.rows.capacity() * 7
    }
}

fn cut(entry: u64) -> (u8, [u8; 7]) {
    let [row @ .., top] = entry.to_le_bytes();
    (top, row)
}

fn whole(top: u8, row: &[u8; 7]) -> u64 {
    let [b0, b1, b2, b3, b4, b5, b6] = *row;
    u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, top])
}
