//! The revocation feed on the wire: what `GET /mesh/revocations` answers, byte by byte.
//!
//! All numbers are little-endian. A page is at most [`MAX_PAGE`] bytes.
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 4 | magic `BWR1` |
//! | 4 | 1 | flags: bit 0 [`Page::more`], bit 1 [`Page::reset`]; the others are 0 |
//! | 5 | 1 | 0 |
//! | 6 | 2 | C, the cursor's length in bytes, at most [`MAX_CURSOR`] |
//! | 8 | 8 | the server's clock when it answered, Unix time in milliseconds |
//! | 16 | 4 | N, how many entries follow |
//! | 20 | C | the cursor: printable ASCII, opaque, sent back as `after=` |
//! | 20 + C | 16 N | entries: key (8 bytes), cutoff (4), expires_at (4) |
//!
//! An entry says: every token that has `key` among its [`keys`](Subject::key) and whose `iat` is at most
//! `cutoff` is revoked. A revoked token or grant has the cutoff [`ALWAYS`]. Both times are Unix time in
//! seconds. After `expires_at` no token that the entry concerns can still be valid, so a follower may drop it.
//! The same key may come again; the greater cutoff and the greater expiry hold.

use sha2::{Digest, Sha256};

/// The largest page, in bytes: small enough that no callback in Envoy blocks a worker for long.
pub const MAX_PAGE: usize = 64 * 1024;
/// The longest cursor, in bytes.
pub const MAX_CURSOR: usize = 4096;
/// The cutoff of an entry that concerns a token whenever it was issued.
pub const ALWAYS: u32 = u32::MAX;
/// How long after a token's `exp` the entries that concern it still hold, in seconds: clocks differ. Whoever takes tokens
/// for longer than that takes revoked ones again.
pub const MARGIN: u64 = 300;
/// The media type of a page.
pub const MEDIA_TYPE: &str = "application/vnd.bearward.revocations";

/// The request header in which a follower names itself, so that those at one address can be told apart: at most 64 letters
/// and digits of ASCII, the same for as long as it follows. Nobody checks it; nothing is decided by it.
pub const FOLLOWER_HEADER: &str = "bearward-follower";
/// The request header with what a follower's operator calls it, percent-encoded: at most 256 bytes, decoded. As little checked.
pub const NODE_HEADER: &str = "bearward-node";

const MAGIC: [u8; 4] = *b"BWR1";
const HEADER: usize = 20;
const ENTRY: usize = 16;
const MORE: u8 = 1;
const RESET: u8 = 2;

/// What a revocation can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// One access token, by its `jti`.
    Token(&'a str),
    /// One grant, by the `gid` of the tokens that came from it.
    Grant(&'a str),
    /// A client, by `client_id`: tokens issued to it up to the cutoff.
    Client(&'a str),
    /// A person, by `sub`: tokens issued for them up to the cutoff.
    Person(&'a str),
}

impl Subject<'_> {
    /// The key under which the feed carries this subject: the first eight bytes, little-endian, of
    /// SHA-256 over a tag, a zero byte and the identifier.
    #[must_use]
    pub fn key(self) -> u64 {
        let (tag, id) = match self {
            Self::Token(id) => ("jti", id),
            Self::Grant(id) => ("gid", id),
            Self::Client(id) => ("client_id", id),
            Self::Person(id) => ("sub", id),
        };
        let digest = Sha256::new().chain_update(tag).chain_update([0]).chain_update(id).finalize();
        digest.iter().take(8).rev().fold(0, |key, byte| (key << 8) | u64::from(*byte))
    }
}

/// One revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// [`Subject::key`].
    pub key: u64,
    /// Tokens with `iat` up to this are revoked; Unix time in seconds, or [`ALWAYS`].
    pub cutoff: u32,
    /// When the entry may be forgotten; Unix time in seconds.
    pub expires_at: u32,
}

/// One answer of the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// More is ready: ask again at once, from this page's cursor.
    pub more: bool,
    /// Forget what you hold: this page begins a snapshot.
    pub reset: bool,
    /// The server's clock when it answered; Unix time in milliseconds.
    pub now_ms: u64,
    /// Where to go on from; opaque to a follower.
    pub cursor: String,
    /// The revocations, in no order that matters.
    pub entries: Vec<Entry>,
}

/// How many entries fit in one page beside a cursor of this many bytes.
#[must_use]
pub fn capacity(cursor_len: usize) -> usize {
    MAX_PAGE.saturating_sub(HEADER).saturating_sub(cursor_len) / ENTRY
}

impl Page {
    /// The page as bytes; `None` if its cursor or its entries do not fit.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        if self.cursor.len() > MAX_CURSOR
            || !self.cursor.bytes().all(|b| b.is_ascii_graphic())
            || self.entries.len() > capacity(self.cursor.len())
        {
            return None;
        }
        let mut out = Vec::with_capacity(MAX_PAGE);
        out.extend_from_slice(&MAGIC);
        out.push(if self.more { MORE } else { 0 } | if self.reset { RESET } else { 0 });
        out.push(0);
        out.extend_from_slice(&u16::try_from(self.cursor.len()).ok()?.to_le_bytes());
        out.extend_from_slice(&self.now_ms.to_le_bytes());
        out.extend_from_slice(&u32::try_from(self.entries.len()).ok()?.to_le_bytes());
        out.extend_from_slice(self.cursor.as_bytes());
        for entry in &self.entries {
            out.extend_from_slice(&entry.key.to_le_bytes());
            out.extend_from_slice(&entry.cutoff.to_le_bytes());
            out.extend_from_slice(&entry.expires_at.to_le_bytes());
        }
        Some(out)
    }
}

/// A page read in place: nothing is copied, entries are decoded as they are walked.
#[derive(Debug, Clone, Copy)]
pub struct PageRef<'a> {
    /// See [`Page::more`].
    pub more: bool,
    /// See [`Page::reset`].
    pub reset: bool,
    /// See [`Page::now_ms`].
    pub now_ms: u64,
    /// See [`Page::cursor`].
    pub cursor: &'a str,
    entries: &'a [u8],
}

/// Why bytes are not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The magic is another: not a feed, or a version this build does not know.
    #[error("not a revocation page of a known version")]
    Magic,
    /// The lengths in the header and the bytes do not agree.
    #[error("the page's length does not match its header")]
    Length,
    /// A reserved bit or byte is set, or the cursor is not printable ASCII.
    #[error("the page's header is malformed")]
    Header,
}

impl<'a> PageRef<'a> {
    /// Reads a page.
    ///
    /// # Errors
    /// [`PageError`] for anything that [`Page::encode`] would not have written.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PageError> {
        if bytes.len() > MAX_PAGE {
            return Err(PageError::Length);
        }
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(PageError::Length)?;
        let [m0, m1, m2, m3, flags, reserved, c0, c1, now @ .., n0, n1, n2, n3] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(PageError::Magic);
        }
        if flags & !(MORE | RESET) != 0 || reserved != 0 {
            return Err(PageError::Header);
        }
        let cursor_len = usize::from(u16::from_le_bytes([c0, c1]));
        let count = usize::try_from(u32::from_le_bytes([n0, n1, n2, n3])).map_err(|_| PageError::Length)?;
        let (cursor, entries) = rest.split_at_checked(cursor_len).ok_or(PageError::Length)?;
        if Some(entries.len()) != count.checked_mul(ENTRY) {
            return Err(PageError::Length);
        }
        if cursor_len > MAX_CURSOR || !cursor.iter().all(u8::is_ascii_graphic) {
            return Err(PageError::Header);
        }
        Ok(Self {
            more: flags & MORE != 0,
            reset: flags & RESET != 0,
            now_ms: u64::from_le_bytes(now),
            cursor: str::from_utf8(cursor).map_err(|_| PageError::Header)?,
            entries,
        })
    }

    /// How many entries the page holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() / ENTRY
    }

    /// Whether the page holds no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry> + use<'a> {
        let (chunks, _) = self.entries.as_chunks::<ENTRY>();
        chunks.iter().map(|&[k0, k1, k2, k3, k4, k5, k6, k7, c0, c1, c2, c3, e0, e1, e2, e3]| Entry {
            key: u64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]),
            cutoff: u32::from_le_bytes([c0, c1, c2, c3]),
            expires_at: u32::from_le_bytes([e0, e1, e2, e3]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_the_documented_digest() {
        // printf 'jti\0abc' | sha256sum, first eight bytes read little-endian
        let digest = Sha256::digest(b"jti\0abc");
        let expected = u64::from_le_bytes(digest[..8].try_into().unwrap());
        assert_eq!(Subject::Token("abc").key(), expected);
        assert_ne!(Subject::Token("abc").key(), Subject::Grant("abc").key());
    }

    #[test]
    fn a_full_page_stays_within_the_limit() {
        let entry = Entry { key: 7, cutoff: ALWAYS, expires_at: 9 };
        let mut page = Page { cursor: "c".repeat(100), entries: vec![entry; capacity(100)], ..Page::default() };
        assert!(page.encode().unwrap().len() <= MAX_PAGE);
        page.entries.push(entry);
        assert_eq!(page.encode(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            more: bool, reset: bool, now_ms: u64, cursor in "[!-~]{0,200}",
            entries in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u32>()), 0..50),
        ) {
            let entries = entries.into_iter().map(|(key, cutoff, expires_at)| Entry { key, cutoff, expires_at }).collect();
            let page = Page { more, reset, now_ms, cursor, entries };
            let bytes = page.encode().unwrap();
            let read = PageRef::parse(&bytes).unwrap();
            prop_assert_eq!((read.more, read.reset, read.now_ms, read.cursor), (more, reset, now_ms, page.cursor.as_str()));
            prop_assert_eq!(read.entries().collect::<Vec<_>>(), page.entries);
            // One byte more or less is another page, and is refused.
            prop_assert!(PageRef::parse(&bytes[..bytes.len() - 1]).is_err());
            let mut longer = bytes; longer.push(0);
            prop_assert!(PageRef::parse(&longer).is_err());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = PageRef::parse(&bytes);
            let mut with_magic = MAGIC.to_vec();
            with_magic.extend(bytes);
            let _ = PageRef::parse(&with_magic);
        }
    }
}
