//! The host's clock, which may be set: forward, after a machine has slept; and back, after it started with a wrong time.

/// How much later than this VM another may have looked at the clock, in milliseconds; and how much later a caller sees an answer
/// than the host gave up.
pub const SLACK_MS: u64 = 1_000;

/// Whether it is `until_ms`, or the clock was set back since that was put down: nobody waits for longer than `most_ms`. All
/// are Unix time in milliseconds, but for `most_ms`, which are as many milliseconds.
#[must_use]
pub fn is_over(until_ms: u64, most_ms: u64, now_ms: u64) -> bool {
    now_ms >= until_ms || until_ms > now_ms.saturating_add(most_ms).saturating_add(SLACK_MS)
}
