//! People's passwords: Argon2id, with a bounded number of hashes at once.
//!
//! Only what people choose is hashed this way; generated secrets have 256 bits and need one SHA-256.

use crate::env::Random;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane; about 50 ms.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many may wait for each hash that runs: beyond it an answer would come after the person has left.
const WAITING_PER_HASH: usize = 64;
/// What is verified for a username that does not exist, so that the time taken does not tell. No password opens it.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$YmVhcndhcmQtZHVtbXktcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and verifies passwords.
pub struct Passwords {
    hashes: Arc<Semaphore>,
    waiting: AtomicUsize,
    limit: usize,
    random: Arc<dyn Random>,
}

/// What verifying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password, or there is no such person.
    Wrong,
    /// It is.
    Right,
    /// It is, and the stored hash is of an older scheme: hash it again (see `Store::rehash_password`).
    RightButOld,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting already; 503, try again shortly.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hash could not be made: the password is longer than Argon2 takes, or memory ran out.
    #[error("the password could not be hashed")]
    Failed,
}

impl Passwords {
    /// At most `max` hashes at once (at least one).
    #[must_use]
    pub fn new(max: usize, random: Arc<dyn Random>) -> Self {
        let max = max.max(1);
        Self {
            hashes: Arc::new(Semaphore::new(max)),
            waiting: AtomicUsize::new(0),
            limit: max * WAITING_PER_HASH,
            random,
        }
    }

    /// The PHC string to store for a password.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        self.bounded(move || {
            let hash = scheme().and_then(|s| s.hash_password_with_salt(password.as_bytes(), &salt).ok());
            hash.map(|h| h.to_string()).ok_or(PasswordError::Failed)
        })
        .await
    }

    /// Whether this is the password behind the stored PHC string; `None` for a person who does not exist takes as long.
    ///
    /// # Errors
    /// [`PasswordError::Busy`]. A stored string that cannot be read is [`Verdict::Wrong`].
    pub async fn verify(&self, stored: Option<String>, password: Zeroizing<String>) -> Result<Verdict, PasswordError> {
        self.bounded(move || {
            let (text, known) = stored.as_deref().map_or((DUMMY, false), |s| (s, true));
            let Ok(hash) = PasswordHash::new(text) else { return Ok(Verdict::Wrong) };
            // The parameters are those of the stored string, so hashes of an older scheme still verify.
            let right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            Ok(match right && known {
                false => Verdict::Wrong,
                true if is_current(&hash) => Verdict::Right,
                true => Verdict::RightButOld,
            })
        })
        .await
    }

    /// Runs on a thread that may block. The permit goes with the work, so a caller who leaves does not free its place early.
    async fn bounded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _waiting = Waiting::enter(&self.waiting, self.limit)?;
        let permit = self.hashes.clone().acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|_| PasswordError::Failed)?
    }
}

/// Whether a stored text is one that a password can be checked against: a PHC string of Argon2, of any parameters.
#[must_use]
pub fn is_understood(stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| {
        Algorithm::try_from(hash.algorithm.as_str()).is_ok() && hash.hash.is_some() && Params::try_from(&hash).is_ok()
    })
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize, limit: usize) -> Result<Self, PasswordError> {
        let guard = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= limit { Err(PasswordError::Busy) } else { Ok(guard) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn scheme() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn is_current(hash: &PasswordHash) -> bool {
    hash.algorithm == Algorithm::Argon2id.ident()
        && Params::try_from(hash).is_ok_and(|p| p.m_cost() >= MEMORY_KIB && p.t_cost() >= PASSES && p.p_cost() == LANES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemRandom;

    fn text(s: &str) -> Zeroizing<String> {
        Zeroizing::new(s.to_owned())
    }

    #[tokio::test]
    async fn the_password_and_only_it_verifies() {
        let passwords = Passwords::new(1, Arc::new(SystemRandom));
        let hash = passwords.hash(text("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(passwords.verify(Some(hash.clone()), text("correct horse")).await, Ok(Verdict::Right));
        assert_eq!(passwords.verify(Some(hash), text("correct hors")).await, Ok(Verdict::Wrong));
        assert_eq!(passwords.verify(Some("not a hash".into()), text("x")).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn a_person_who_does_not_exist_has_no_password() {
        let passwords = Passwords::new(1, Arc::new(SystemRandom));
        assert_eq!(passwords.verify(None, text("")).await, Ok(Verdict::Wrong));
        assert!(PasswordHash::new(DUMMY).is_ok_and(|h| is_current(&h)), "the dummy must cost what a real one costs");
    }

    #[tokio::test]
    async fn an_older_scheme_verifies_and_says_so() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let old = weak.hash_password_with_salt(b"pw", b"0123456789abcdef").unwrap().to_string();
        let passwords = Passwords::new(1, Arc::new(SystemRandom));
        assert!(is_understood(&old) && is_understood(DUMMY));
        for other in
            ["", "pw", "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", "$argon2id$v=19$m=64,t=1,p=1"]
        {
            assert!(!is_understood(other), "{other}");
        }
        assert_eq!(passwords.verify(Some(old), text("pw")).await, Ok(Verdict::RightButOld));
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Arc::new(Passwords::new(1, Arc::new(SystemRandom)));
        let held = passwords.hashes.clone().acquire_owned().await.unwrap();
        let waiting: Vec<_> = (0..WAITING_PER_HASH)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify(Some("junk".into()), text("x")).await })
            })
            .collect();
        while passwords.waiting.load(Ordering::SeqCst) < WAITING_PER_HASH {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.verify(None, text("x")).await, Err(PasswordError::Busy));
        drop(held);
        for one in waiting {
            assert_eq!(one.await.unwrap(), Ok(Verdict::Wrong));
        }
    }
}
