//! Requests that were let through with a token and are not over yet: WebSockets, gRPC streams, long uploads and answers.
//! Where the configuration says so, they end with their token.
//!
//! Each is looked at when a revocation has come in, and when a token may have expired; a few at a time, so that no worker
//! is blocked.

use crate::admission::Standing;
use crate::clock::is_over;
use crate::config::OpenStreams;
use crate::provider::Provider;
use crate::proxy::Host;
use hashbrown::HashMap;
use std::rc::Rc;

/// After so many that were looked at, the clock is.
const STEP: usize = 64;
/// How long one go may take until then, in nanoseconds.
const TURN_NS: u64 = 300_000;
/// The most that end in one go: each is work for the host.
const MOST: usize = 32;

/// The open streams of one configuration in one VM.
#[derive(Debug, Default)]
pub struct Streams {
    config: OpenStreams,
    open: HashMap<u32, Open>,
    /// Those that are still to be looked at.
    round: Vec<u32>,
    /// The generations of the revocations, by provider, that all were looked at for.
    generations: Vec<u64>,
    /// When one of them may have to end that no revocation tells of; Unix time in milliseconds.
    due_ms: u64,
    /// When that was looked at last.
    looked_ms: u64,
}

#[derive(Debug)]
struct Open {
    standing: Rc<Standing>,
    /// Until when it is left alone; Unix time in milliseconds.
    grace_ms: u64,
    /// Why it ends then: the feed may have forgotten it by that time.
    why: Option<Why>,
}

/// A stream that has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The number that the host knows it by.
    pub context: u32,
    /// Why.
    pub why: Why,
    /// Whether its token was shown with a proof (RFC 9449).
    pub dpop: bool,
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its token was revoked.
    Revoked,
    /// Its token has expired.
    Expired,
}

impl Streams {
    /// None yet.
    #[must_use]
    pub fn new(config: OpenStreams) -> Self {
        Self { config, due_ms: u64::MAX, ..Self::default() }
    }

    /// Takes a request that goes on, by the number that the host knows it by, with what its token stands on.
    pub fn opened(&mut self, context: u32, standing: &Rc<Standing>, providers: &[Provider], now_ms: u64) {
        let revocable = || providers.get(standing.provider).is_some_and(|provider| provider.follower().is_some());
        if self.config.close_expired || self.config.close_revoked && revocable() {
            let grace_ms = now_ms.saturating_add(self.config.grace_ms);
            self.open.insert(context, Open { standing: Rc::clone(standing), grace_ms, why: None });
            self.due_ms = self.due_ms.min(self.config.due_ms(standing));
        }
    }

    /// Forgets a request that is over.
    pub fn gone(&mut self, context: u32) {
        self.open.remove(&context);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Those that have to end; and whether more are to be looked at at once.
    pub fn ended(&mut self, host: &impl Host, providers: &[Provider], now_ms: u64) -> (Vec<Ended>, bool) {
        self.begin_round(providers, now_ms);
        let mut ended = Vec::new();
        let began = host.now_ns();
        let mut looked = 0_usize;
        while ended.len() < MOST
            && (looked == 0 || !looked.is_multiple_of(STEP) || host.now_ns().saturating_sub(began) < TURN_NS)
            && let Some(context) = self.round.pop()
        {
            looked = looked.saturating_add(1);
            let Some(open) = self.open.get_mut(&context) else { continue };
            open.why = open.why.or_else(|| self.config.end(&open.standing, providers, now_ms));
            match open.why {
                None => self.due_ms = self.due_ms.min(self.config.due_ms(&open.standing)),
                Some(why) => {
                    // Also one that is to end now: until it is gone, it is looked at again.
                    self.due_ms = self.due_ms.min(open.grace_ms);
                    if is_over(open.grace_ms, self.config.grace_ms, now_ms) {
                        ended.push(Ended { context, why, dpop: open.standing.dpop });
                    }
                }
            }
        }
        (ended, !self.round.is_empty())
    }

    /// Begins to look at all of them, if that is due.
    fn begin_round(&mut self, providers: &[Provider], now_ms: u64) {
        let was_set_back = now_ms < std::mem::replace(&mut self.looked_ms, now_ms);
        if !self.round.is_empty() {
            return;
        }
        let generation = |provider: &Provider| provider.follower().map_or(0, |follower| follower.set().generation());
        if now_ms >= self.due_ms
            || was_set_back
            || !self.generations.iter().copied().eq(providers.iter().map(generation))
        {
            self.generations = providers.iter().map(generation).collect();
            self.due_ms = u64::MAX;
            self.round = self.open.keys().copied().collect();
        }
    }
}

impl OpenStreams {
    /// When a stream has to end that no revocation tells of; Unix time in milliseconds.
    fn due_ms(&self, standing: &Standing) -> u64 {
        if self.close_expired { standing.expires_at.saturating_mul(1_000) } else { u64::MAX }
    }

    /// Whether a stream has to end with its token, and why.
    fn end(&self, standing: &Standing, providers: &[Provider], now_ms: u64) -> Option<Why> {
        let follower = providers.get(standing.provider).and_then(Provider::follower);
        if self.close_revoked && follower.is_some_and(|follower| follower.set().is_revoked(&standing.handle)) {
            Some(Why::Revoked)
        } else {
            (self.close_expired && now_ms / 1_000 >= standing.expires_at).then_some(Why::Expired)
        }
    }
}
