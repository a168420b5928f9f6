//! Waiting for a condition, never for a while.

use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// Looks every 10 milliseconds until `probe` gives a value; its error says why not yet.
///
/// # Errors
/// [`Error::Timeout`] with the last reason, after `limit`.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> std::result::Result<T, String>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        let last = match probe().await {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        if Instant::now() >= end {
            return Err(Error::Timeout { what: what.to_owned(), limit, last });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
