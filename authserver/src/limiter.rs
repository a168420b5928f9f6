//! Attempts are counted in memory and turned away past a limit: guesses at passwords and user codes.
//!
//! Each replica counts for itself, so with N replicas an attacker gets at most N times the limit. Nothing is written
//! for it: that would make every guess a cost.

use crate::model::Digest;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The most names remembered for each limit; about 6 MiB.
const CAPACITY: usize = 65_536;

/// Counts attempts by name in windows of time.
pub struct Limiter {
    limit: u32,
    window: i64,
    counts: Mutex<HashMap<Digest, Count>>,
}

struct Count {
    attempts: u32,
    since: i64,
}

/// There were too many attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// In how many seconds the next is taken.
    pub retry_after: i64,
}

impl Limiter {
    /// At most `limit` attempts in each window of so many seconds, which begins with the first.
    #[must_use]
    pub fn new(limit: u32, window: i64) -> Self {
        Self { limit, window, counts: Mutex::default() }
    }

    /// Counts an attempt, before it is known whether it succeeds: so that many at once count as many. `now` is Unix
    /// time in seconds.
    ///
    /// # Errors
    /// [`TooMany`]; that attempt is not to be carried out.
    pub fn attempt(&self, name: &str, now: i64) -> Result<(), TooMany> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |count: &Count| now.saturating_sub(count.since) >= self.window || now < count.since;
        if counts.len() >= CAPACITY {
            counts.retain(|_, count| !over(count));
            // Names that were tried once are the first to be forgotten: made-up ones are such.
            if counts.len() >= CAPACITY {
                counts.retain(|_, count| count.attempts > 1);
            }
            if counts.len() >= CAPACITY {
                counts.clear();
            }
        }
        let count = counts.entry(Digest::of(name)).or_insert(Count { attempts: 0, since: now });
        if over(count) {
            *count = Count { attempts: 0, since: now };
        }
        if count.attempts >= self.limit {
            return Err(TooMany { retry_after: count.since.saturating_add(self.window).saturating_sub(now) });
        }
        count.attempts += 1;
        Ok(())
    }

    /// Forgets a name: it proved to be no guess.
    pub fn forget(&self, name: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(&Digest::of(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_so_many_attempts() {
        let limiter = Limiter::new(2, 60);
        assert!(limiter.attempt("a", 100).is_ok() && limiter.attempt("a", 110).is_ok());
        assert_eq!(limiter.attempt("a", 120), Err(TooMany { retry_after: 40 }));
        assert!(limiter.attempt("b", 120).is_ok(), "another name");
        assert!(limiter.attempt("a", 160).is_ok(), "another window");
        limiter.forget("b");
        assert!(limiter.attempt("b", 121).is_ok() && limiter.attempt("b", 121).is_ok());
    }

    #[test]
    fn made_up_names_do_not_push_out_those_that_are_guessed_at() {
        let limiter = Limiter::new(2, 60);
        assert!(limiter.attempt("a", 100).is_ok() && limiter.attempt("a", 100).is_ok());
        for i in 0..CAPACITY * 2 {
            assert!(limiter.attempt(&i.to_string(), 100).is_ok());
        }
        assert!(limiter.attempt("a", 101).is_err());
        assert!(limiter.counts.lock().unwrap().len() <= CAPACITY);
    }
}
