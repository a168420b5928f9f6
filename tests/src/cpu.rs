//! How much processor time a process has used: unlike requests per second, a figure that other work on the machine
//! does not change much.

use crate::error::{Error, Result};
use std::time::Duration;

/// User and system time of a process so far.
///
/// # Errors
/// [`Error::Io`] where there is no `/proc`, [`Error::Missing`] if it is not as expected.
pub fn time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).map_err(Error::io(path.as_str()))?;
    // The second field is a name in parentheses that may hold anything; utime and stime are the 14th and the 15th.
    let ticks = stat.rsplit_once(") ").and_then(|(_, rest)| {
        let mut fields = rest.split(' ').skip(11).map(str::parse::<u64>);
        Some(fields.next()?.ok()?.saturating_add(fields.next()?.ok()?))
    });
    let ticks = ticks.ok_or_else(|| Error::Missing(format!("{path} is not as proc(5) says")))?;
    // USER_HZ is 100 on every Linux there is.
    Ok(Duration::from_millis(ticks.saturating_mul(10)))
}

/// Resident memory of a process, in KiB.
///
/// # Errors
/// As for [`time`].
pub fn resident_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).map_err(Error::io(path.as_str()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.ok_or_else(|| Error::Missing(format!("{path} is not as proc(5) says")))
}
