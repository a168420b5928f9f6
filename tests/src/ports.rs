//! Free ports.

use crate::error::{Error, Result};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which outgoing connections take theirs (32768 on Linux), so that none is taken in between.
const FIRST: u16 = 24_000;
const COUNT: u16 = 8_000;

/// A loopback port that nobody listens on, and that this process has not given out before.
///
/// # Errors
/// [`Error::Missing`] if all are taken.
pub fn free() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two test processes at once should not walk through the same numbers.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST.saturating_add(start.wrapping_mul(61).wrapping_add(step) % COUNT);
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::Missing(format!("no port between {FIRST} and {} is free", FIRST.saturating_add(COUNT))))
}

/// Whether nobody listens on this loopback port.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
