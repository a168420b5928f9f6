//! Secrets that the server makes: tokens, codes, client secrets, session cookies.
//!
//! Each is a prefix, 256 random bits and a checksum, all of `[A-Za-z0-9_]`. So one double-click selects it, secret
//! scanners know it, and junk is refused without a look-up. Only its [`Digest`] is stored.

use crate::env::Random;
use crate::model::Digest;
use aws_lc_rs::digest::{SHA256, digest};
use crc::{CRC_32_ISO_HDLC, Crc};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The prefix of a refresh token (RFC 6749 §1.5).
pub const REFRESH_TOKEN: &str = "bw_rt_";
/// The prefix of an opaque access token (RFC 6749 §1.4).
pub const ACCESS_TOKEN: &str = "bw_at_";
/// The prefix of what follows the URN in the `request_uri` of a pushed authorization request (RFC 9126 §2.2).
pub const PUSHED_REQUEST: &str = "bw_pr_";
/// The prefix of an initial access token (RFC 7591 §3).
pub const INITIAL_ACCESS_TOKEN: &str = "bw_it_";
/// The prefix of a registration access token (RFC 7592 §3).
pub const REGISTRATION_ACCESS_TOKEN: &str = "bw_ra_";
/// The prefix of a client secret (RFC 6749 §2.3.1).
pub const CLIENT_SECRET: &str = "bw_cs_";
/// The prefix of an authorization code (RFC 6749 §4.1.2).
pub const AUTHORIZATION_CODE: &str = "bw_ac_";
/// The prefix of a device code (RFC 8628 §3.2).
pub const DEVICE_CODE: &str = "bw_dc_";
/// The prefix of a session cookie's value.
pub const SESSION: &str = "bw_ss_";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 characters of 62 are a little more than 256 bits.
const RANDOM_LEN: usize = 43;
/// 6 characters of 62 hold 32 bits.
const CHECKSUM_LEN: usize = 6;
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A new secret: the prefix, 43 random characters, 6 of checksum.
#[must_use]
pub fn generate(random: &dyn Random, prefix: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + RANDOM_LEN + CHECKSUM_LEN));
    text.push_str(prefix);
    push_random(random, &mut text, RANDOM_LEN);
    let checksum = checksum(&text);
    text.push_str(&checksum);
    text
}

/// A random name of 128 bits and a little more, for what is not secret: a `jti`, a `gid`, a `sub`.
#[must_use]
pub fn random_id(random: &dyn Random) -> String {
    let mut text = String::with_capacity(22);
    push_random(random, &mut text, 22);
    text
}

/// Whether a text is one that [`generate`] can have made with this prefix. Says nothing about whether it was.
#[must_use]
pub fn well_formed(prefix: &str, text: &str) -> bool {
    text.len() == prefix.len() + RANDOM_LEN + CHECKSUM_LEN
        && text.starts_with(prefix)
        && text.bytes().skip(prefix.len()).all(|b| b.is_ascii_alphanumeric())
        && text.split_at_checked(text.len() - CHECKSUM_LEN).is_some_and(|(body, sum)| checksum(body) == sum)
}

impl Digest {
    /// The digest of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(out)
    }

    /// Whether two digests are the same, in a time that does not tell where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Unbiased: bytes from 248 up, which 62 does not divide evenly, are thrown away.
fn push_random(random: &dyn Random, text: &mut String, count: usize) {
    let end = text.len() + count;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < end {
        random.fill(bytes.as_mut());
        for byte in bytes.iter().filter(|b| **b < 248) {
            if text.len() == end {
                break;
            }
            text.push(symbol(u32::from(*byte)));
        }
    }
}

fn checksum(body: &str) -> String {
    let mut rest = CRC.checksum(body.as_bytes());
    let mut out = ['0'; CHECKSUM_LEN];
    for place in out.iter_mut().rev() {
        *place = symbol(rest);
        rest /= 62;
    }
    out.iter().collect()
}

fn symbol(n: u32) -> char {
    ALPHABET.get((n % 62) as usize).map_or('0', |b| char::from(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemRandom;
    use proptest::prelude::*;

    #[test]
    fn what_is_generated_is_well_formed_and_new() {
        let one = generate(&SystemRandom, REFRESH_TOKEN);
        let two = generate(&SystemRandom, REFRESH_TOKEN);
        assert!(well_formed(REFRESH_TOKEN, &one), "{}", one.as_str());
        assert!(!well_formed(CLIENT_SECRET, &one));
        assert_ne!(one, two);
        assert!(Digest::of(&one).matches(&Digest::of(&one)) && !Digest::of(&one).matches(&Digest::of(&two)));
    }

    #[test]
    fn any_other_character_is_junk() {
        let good = generate(&SystemRandom, SESSION);
        for at in 0..good.len() {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert!(!well_formed(SESSION, &String::from_utf8(bytes).unwrap()), "at {at}");
        }
        assert!(!well_formed(SESSION, "") && !well_formed(SESSION, &format!("{}0", good.as_str())));
    }

    #[test]
    fn every_symbol_is_about_as_likely() {
        let mut seen = [0_u32; 128];
        for _ in 0..2_000 {
            for byte in random_id(&SystemRandom).bytes() {
                seen[usize::from(byte)] += 1;
            }
        }
        // 44,000 draws over 62 symbols: 710 each, standard deviation 26.
        assert!(ALPHABET.iter().all(|b| (500..920).contains(&seen[usize::from(*b)])));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            prop_assert!(!well_formed(REFRESH_TOKEN, &text));
        }
    }
}
