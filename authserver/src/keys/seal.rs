//! Sealing: AES-256-GCM under keys that HKDF-SHA256 (RFC 5869) derives, one for each purpose.
//!
//! A sealed text is a version byte, a random nonce of 12 bytes, the ciphertext and its tag of 16 bytes.

use super::KeyError;
use crate::config::{Config, MasterKey};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;

/// Seals and authenticates under the master key. Two purposes never share a key.
pub struct Sealer {
    root: Prk,
    /// Opens what `root` does not.
    other: Option<Prk>,
}

impl Sealer {
    /// Everything derives from this key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self { root: root(master), other: None }
    }

    /// As the configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::new(&config.master_key).and(config.other_master_key.as_ref())
    }

    /// Opens and believes what was made under this key, too.
    #[must_use]
    pub fn and(self, other: Option<&MasterKey>) -> Self {
        Self { other: other.map(root), ..self }
    }

    /// Seals a text so that it opens only for the same purpose and the same `aad`, which is not stored.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if the library refuses.
    pub fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        seal(&derive(&self.root, &["seal", purpose])?, aad, plaintext)
    }

    /// Opens what [`Sealer::seal`] sealed.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] if it was sealed under another master key, purpose or `aad`, or was changed.
    pub fn open(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let under = |root| open(&derive(root, &["seal", purpose])?, aad, sealed);
        match (under(&self.root), &self.other) {
            (Err(KeyError::Sealed), Some(other)) => under(other),
            (opened, _) => opened,
        }
    }

    /// Seals anew what the other key sealed; `None` if the first one did.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn reseal(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, KeyError> {
        match open(&derive(&self.root, &["seal", purpose])?, aad, sealed) {
            Ok(_) => Ok(None),
            Err(_) => self.seal(purpose, aad, &self.open(purpose, aad, sealed)?).map(Some),
        }
    }

    /// A keyed checksum (HMAC-SHA256), for what is shown to a browser and must come back unchanged: a CSRF token.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if the library refuses.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> Result<[u8; 32], KeyError> {
        let tag = hmac::sign(&mac_key(&self.root, purpose)?, message);
        tag.as_ref().try_into().map_err(|_| KeyError::Crypto("an HMAC of another length"))
    }

    /// Whether this is the [`Sealer::mac`] of the message, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn verify_mac(&self, purpose: &str, message: &[u8], mac: &[u8]) -> bool {
        let mut roots = [&self.root].into_iter().chain(&self.other);
        roots.any(|root| mac_key(root, purpose).is_ok_and(|key| hmac::verify(&key, message, mac).is_ok()))
    }
}

fn root(master: &MasterKey) -> Prk {
    Salt::new(HKDF_SHA256, b"bearward master key").extract(master.0.as_ref())
}

fn mac_key(root: &Prk, purpose: &str) -> Result<hmac::Key, KeyError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, derive(root, &["mac", purpose])?.as_ref()))
}

/// Seals under a key that only the token itself gives: its digest, which is what is stored, does not.
///
/// # Errors
/// [`KeyError::Crypto`] if the library refuses.
pub fn seal_under_token(token: &str, purpose: &str, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
    seal(&derive(&token_root(token), &[purpose])?, &[], plaintext)
}

/// Opens what [`seal_under_token`] sealed.
///
/// # Errors
/// [`KeyError::Sealed`] if it was sealed under another token or purpose, or was changed.
pub fn open_under_token(token: &str, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    open(&derive(&token_root(token), &[purpose])?, &[], sealed)
}

fn token_root(token: &str) -> Prk {
    Salt::new(HKDF_SHA256, b"bearward token").extract(token.as_bytes())
}

type DerivedKey = Zeroizing<[u8; 32]>;

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

fn derive(root: &Prk, info: &[&str]) -> Result<DerivedKey, KeyError> {
    // A zero byte between the parts, so that no two lists of parts read the same.
    let info = info.join("\0");
    let mut key = Zeroizing::new([0; 32]);
    root.expand(&[info.as_bytes()], KeyLength)
        .and_then(|okm| okm.fill(key.as_mut()))
        .map_err(|_| KeyError::Crypto("HKDF"))?;
    Ok(key)
}

fn aead(key: &DerivedKey) -> Result<RandomizedNonceKey, KeyError> {
    RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| KeyError::Crypto("AES-256-GCM"))
}

fn seal(key: &DerivedKey, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut body = Zeroizing::new(plaintext.to_vec());
    let nonce =
        aead(key)?.seal_in_place_append_tag(Aad::from(aad), &mut *body).map_err(|_| KeyError::Crypto("AES-256-GCM"))?;
    let mut sealed = vec![VERSION];
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

fn open(key: &DerivedKey, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (VERSION, rest) = sealed.split_first().map(|(v, rest)| (*v, rest)).ok_or(KeyError::Sealed)? else {
        return Err(KeyError::Sealed);
    };
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::Sealed)?;
    let mut body = Zeroizing::new(body.to_vec());
    let len =
        aead(key)?.open_in_place(Nonce::from(nonce), Aad::from(aad), &mut body).map_err(|_| KeyError::Sealed)?.len();
    body.truncate(len);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&MasterKey(Zeroizing::new([byte; 32])))
    }

    #[test]
    fn only_the_same_key_purpose_and_context_open() {
        let sealed = sealer(1).seal("signing key", b"kid", b"private").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"private"));
        assert_eq!(*sealer(1).open("signing key", b"kid", &sealed).unwrap(), b"private");
        assert!(sealer(2).open("signing key", b"kid", &sealed).is_err());
        assert!(sealer(1).open("other", b"kid", &sealed).is_err());
        assert!(sealer(1).open("signing key", b"dik", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer(1).open("signing key", b"kid", &changed).is_err(), "at {at}");
            assert!(sealer(1).open("signing key", b"kid", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_ne!(sealed, sealer(1).seal("signing key", b"kid", b"private").unwrap(), "the nonce is random");
    }

    #[test]
    fn one_master_key_takes_over_from_another() {
        let (old, new) = (sealer(1), sealer(2).and(Some(&MasterKey(Zeroizing::new([1; 32])))));
        let sealed = old.seal("signing key", b"kid", b"private").unwrap();
        assert_eq!(*new.open("signing key", b"kid", &sealed).unwrap(), b"private");
        assert!(new.verify_mac("csrf", b"session", &old.mac("csrf", b"session").unwrap()));
        assert!(!old.verify_mac("csrf", b"session", &new.mac("csrf", b"session").unwrap()), "nothing under the other");
        let again = new.reseal("signing key", b"kid", &sealed).unwrap().unwrap();
        assert_eq!(*sealer(2).open("signing key", b"kid", &again).unwrap(), b"private");
        assert!(old.open("signing key", b"kid", &again).is_err());
        assert_eq!(new.reseal("signing key", b"kid", &again).unwrap(), None);
        assert!(new.reseal("signing key", b"dik", &sealed).is_err() && sealer(3).reseal("x", b"", &sealed).is_err());
    }

    #[test]
    fn a_successor_opens_for_its_token_only() {
        let sealed = seal_under_token("bw_rt_one", "successor", b"bw_rt_two").unwrap();
        assert_eq!(*open_under_token("bw_rt_one", "successor", &sealed).unwrap(), b"bw_rt_two");
        assert!(open_under_token("bw_rt_two", "successor", &sealed).is_err());
        assert!(open_under_token("bw_rt_one", "other", &sealed).is_err());
    }

    #[test]
    fn a_mac_is_bound_to_purpose_and_message() {
        let mac = sealer(1).mac("csrf", b"session").unwrap();
        assert!(sealer(1).verify_mac("csrf", b"session", &mac));
        assert!(!sealer(1).verify_mac("other", b"session", &mac));
        assert!(!sealer(1).verify_mac("csrf", b"session2", &mac));
        assert!(!sealer(2).verify_mac("csrf", b"session", &mac));
        assert!(
            !sealer(1).verify_mac("csrf", b"session", &mac[..31]) && !sealer(1).verify_mac("csrf", b"session", b"")
        );
    }
}
