//! Sealing and authenticating under a secret: AES-256-GCM and HMAC-SHA256 of aws-lc, each purpose with a key of its own
//! (HKDF-SHA256, RFC 5869).

use crate::env::Random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

/// Seals values that come back from outside, so that they can neither be read nor changed there.
pub struct Sealer(LessSafeKey);

/// Authenticates values for one purpose.
pub struct Mac(hmac::Key);

/// The library refused; it does so only for sizes that do not occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cryptography failed")]
pub struct SealError;

impl Sealer {
    /// A sealer for one purpose under a secret of at least 256 bits.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn new(secret: &[u8], purpose: &str) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, derive(secret, purpose)?.as_ref()).map_err(|_| SealError)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The sealed value: a random nonce, the ciphertext, the tag.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn seal(&self, random: &dyn Random, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce_value, Aad::empty(), &mut sealed).map_err(|_| SealError)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    /// What was sealed; `None` for anything that this sealer did not seal.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let length = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }
}

impl Mac {
    /// A MAC for one purpose under a secret of at least 256 bits.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn new(secret: &[u8], purpose: &str) -> Result<Self, SealError> {
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, derive(secret, purpose)?.as_ref())))
    }

    /// The tag over these parts, each kept apart from the next.
    #[must_use]
    pub fn tag(&self, parts: &[&str]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.0, &framed(parts)).as_ref());
        out
    }

    /// Whether this is the tag over these parts, in a time that does not tell.
    #[must_use]
    pub fn verify(&self, parts: &[&str], tag: &[u8]) -> bool {
        hmac::verify(&self.0, &framed(parts), tag).is_ok()
    }
}

fn framed(parts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

fn derive(secret: &[u8], purpose: &str) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"bearward").extract(secret);
    let info = [purpose.as_bytes()];
    let expanded = extracted.expand(&info, hkdf::HKDF_SHA256).map_err(|_| SealError)?;
    let mut key = Zeroizing::new([0; 32]);
    expanded.fill(key.as_mut()).map_err(|_| SealError)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemRandom;

    #[test]
    fn only_what_was_sealed_for_this_purpose_opens() {
        let sealer = Sealer::new(&[7; 32], "a").unwrap();
        let sealed = sealer.seal(&SystemRandom, b"value").unwrap();
        assert_eq!(sealer.open(&sealed).unwrap().as_slice(), b"value");
        assert!(Sealer::new(&[7; 32], "b").unwrap().open(&sealed).is_none());
        assert!(Sealer::new(&[8; 32], "a").unwrap().open(&sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open(&changed).is_none(), "at {at}");
        }
        assert!(sealer.open(&sealed[..5]).is_none());
    }

    #[test]
    fn parts_are_kept_apart() {
        let mac = Mac::new(&[7; 32], "a").unwrap();
        let tag = mac.tag(&["ab", "c"]);
        assert!(mac.verify(&["ab", "c"], &tag));
        assert!(!mac.verify(&["a", "bc"], &tag) && !mac.verify(&["ab", "c"], &tag[..31]));
    }
}
