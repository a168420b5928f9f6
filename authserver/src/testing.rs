//! Doubles for tests: a clock that stands still until it is told to move.

use crate::env::{Clock, Env, SystemRandom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that a test sets.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// A clock that shows this Unix time, in seconds.
    #[must_use]
    pub fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seconds * 1000)))
    }

    /// Sets the Unix time, in seconds.
    pub fn set(&self, seconds: u64) {
        self.0.store(seconds * 1000, Ordering::SeqCst);
    }

    /// Moves on by this many seconds.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An environment with this clock and real randomness.
#[must_use]
pub fn env(clock: &Arc<TestClock>) -> Env {
    Env { clock: clock.clone(), random: Arc::new(SystemRandom) }
}
