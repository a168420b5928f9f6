//! Keeps the log short: when most of it has expired, what has not is copied to a new log, a little at a time, and the
//! head goes over to it in one step. A VM that had read the old log to its end goes on in the new one where the copy
//! ends; any other reads the new one from its beginning.

use crate::feed::{Log, append, begin_log};
use crate::proxy::{Host, HostResult, Write};
use crate::slots::{Head, LOG_SLOT, Slots, log_entries};

/// A log shorter than this is left as it is.
const LEAST: u32 = 8 * 1024;
/// How many slots are copied, or emptied, in one step.
const AT_ONCE: u32 = 4;

/// A copy on its way, and an old log whose memory is given back.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    copy: Option<Copy>,
    clear: Option<Clear>,
}

#[derive(Debug, Clone, Copy)]
struct Copy {
    from: Log,
    to: Log,
}

#[derive(Debug, Clone, Copy)]
struct Clear {
    epoch: u32,
    index: u32,
    end: u32,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There was nothing to do.
    Idle,
    /// There is more to do.
    More,
    /// The log of this epoch holds from now on.
    Switched(u32),
}

impl Compaction {
    /// Goes on, or begins if the log is worth it. `live` is how many of its entries hold, if known.
    pub(super) fn step(
        &mut self,
        host: &impl Host,
        slots: &Slots,
        live: Option<usize>,
        now_ms: u64,
    ) -> HostResult<Step> {
        if let Some(clear) = self.clear {
            self.clear = empty(host, slots, clear)?;
            return Ok(Step::More);
        }
        let head = slots.head(host)?;
        let Some(copy) = self.copy else {
            let live = live.and_then(|live| u32::try_from(live).ok());
            if head.len < LEAST || live.is_none_or(|live| live > head.len / 2) {
                return Ok(Step::Idle);
            }
            self.copy = Some(Copy { from: Log { epoch: head.epoch, len: 0 }, to: begin_log(host, slots)? });
            return Ok(Step::More);
        };
        if copy.from.epoch != head.epoch {
            self.copy = None; // another log holds by now
            return Ok(Step::More);
        }
        let copy = copied(host, slots, copy, &head, now_ms)?;
        if copy.from.len < head.len {
            self.copy = Some(copy);
            return Ok(Step::More);
        }
        self.copy = None;
        slots.publish(host, &head, |head| {
            *head = Head {
                epoch: copy.to.epoch,
                len: copy.to.len,
                base: copy.to.len,
                previous: copy.from.epoch,
                previous_len: copy.from.len,
                ..*head
            };
        })?;
        self.clear(copy.from.epoch, copy.from.len);
        Ok(Step::Switched(copy.to.epoch))
    }

    /// Gives up a copy.
    pub(super) fn abandon(&mut self) {
        self.copy = None;
    }

    /// Begins to empty the slots of a log that does not hold any more.
    pub(super) fn clear(&mut self, epoch: u32, len: u32) {
        self.clear = (epoch != 0).then_some(Clear { epoch, index: 0, end: len.div_ceil(LOG_SLOT) });
    }
}

/// Copies some slots' worth of what has not expired.
fn copied(host: &impl Host, slots: &Slots, mut copy: Copy, head: &Head, now_ms: u64) -> HostResult<Copy> {
    let now = u32::try_from(now_ms / 1_000).unwrap_or(u32::MAX);
    for _ in 0..AT_ONCE {
        if copy.from.len >= head.len {
            break;
        }
        let (index, skip) = (copy.from.len / LOG_SLOT, copy.from.len % LOG_SLOT);
        let slot = host.shared(&slots.log(copy.from.epoch, index))?.map(|slot| slot.value).unwrap_or_default();
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let wanted = usize::try_from(head.len.saturating_sub(copy.from.len)).unwrap_or(usize::MAX);
        let entries = log_entries(&slot, copy.from.epoch, skip).ok_or(crate::proxy::HostError::INTERNAL)?;
        let read = entries.len().min(wanted);
        if read == 0 {
            return Err(crate::proxy::HostError::INTERNAL);
        }
        let live: Vec<_> = entries.take(wanted).filter(|entry| entry.expires_at > now).collect();
        copy.to = append(host, slots, copy.to, live.into_iter())?;
        copy.from.len = copy.from.len.saturating_add(u32::try_from(read).unwrap_or(u32::MAX));
    }
    Ok(copy)
}

fn empty(host: &impl Host, slots: &Slots, mut clear: Clear) -> HostResult<Option<Clear>> {
    for _ in 0..AT_ONCE {
        if clear.index >= clear.end {
            return Ok(None);
        }
        host.set_shared(&slots.log(clear.epoch, clear.index), &[], Write::Always)?;
        clear.index = clear.index.saturating_add(1);
    }
    Ok(Some(clear))
}
