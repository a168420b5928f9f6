//! The host's clock, which may be set: forward, after a machine has slept; and back, after it started with a wrong time.

/// How much later than this VM another may have looked at the clock, in milliseconds; and how much later a caller sees an answer
/// than the host gave up.
pub const SLACK_MS: u64 = 1_000;

/// Whether what was said at `from_ms` still holds, for `for_ms` from then on: in the millisecond in which it was said, always.
#[must_use]
pub fn holds(from_ms: u64, for_ms: u64, now_ms: u64) -> bool {
    let for_ms = for_ms.saturating_add(1);
    !is_over(from_ms.saturating_add(for_ms), for_ms, now_ms)
}

/// Whether it is `until_ms`, or the clock was set back since that was put down: nobody waits for longer than `most_ms`. All
/// are Unix time in milliseconds, but for `most_ms`, which are as many milliseconds.
#[must_use]
pub fn is_over(until_ms: u64, most_ms: u64, now_ms: u64) -> bool {
    now_ms >= until_ms || until_ms > now_ms.saturating_add(most_ms).saturating_add(SLACK_MS)
}
