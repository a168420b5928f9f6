//! Opaque tokens as Bearward makes them: a prefix, 43 random characters, and 6 of checksum, all of `[0-9A-Za-z]`.
//! So junk that begins like one is refused without asking anyone.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// What every secret of Bearward's begins with.
pub const FAMILY: &str = "bw_";
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Whether a text can be a secret that was made with this prefix. Says nothing about whether it was.
#[must_use]
pub fn well_formed(prefix: &str, text: &str) -> bool {
    let body = text.strip_prefix(prefix).filter(|rest| rest.len() == RANDOM.saturating_add(CHECKSUM));
    let split = text.len().saturating_sub(CHECKSUM);
    body.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()))
        && text.split_at_checked(split).is_some_and(|(body, sum)| checksum(body) == sum.as_bytes())
}

/// CRC-32 (ISO-HDLC) in base 62, most significant digit first.
fn checksum(body: &str) -> [u8; CHECKSUM] {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = CRC.checksum(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = usize::try_from(rest % 62).ok().and_then(|at| ALPHABET.get(at)).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_tells_junk() {
        let body = format!("bw_at_{}", "x".repeat(RANDOM));
        let good = format!("{body}{}", String::from_utf8(checksum(&body).to_vec()).unwrap());
        assert!(well_formed("bw_at_", &good));
        assert!(!well_formed("bw_rt_", &good));
        assert!(!well_formed("bw_at_", &good[..good.len() - 1]));
        for at in 6..good.len() {
            let mut other = good.clone().into_bytes();
            other[at] = if other[at] == b'y' { b'z' } else { b'y' };
            assert!(!well_formed("bw_at_", &String::from_utf8(other).unwrap()), "{at}");
        }
        // python3: zlib.crc32(b"bw_at_" + b"x" * 43), in base 62
        assert!(good.ends_with("4DrVZs"), "{good}");
        assert!(!well_formed("bw_at_", "") && !well_formed("bw_at_", &"é".repeat(30)));
    }
}
