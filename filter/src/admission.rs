//! Whether a token is good: known from before, or verified now (header and claims, key, signature), or its issuer says so;
//! and not revoked. What the rule requires of it, and what it is bound to, is for [`crate::request`].

use crate::clock::holds;
use crate::config::OnStale;
use crate::introspect::{Answer, Asked};
use crate::keys::Refetch;
use crate::metrics::{Counter, Metrics};
use crate::output::Outputs;
use crate::proofs::Holder;
use crate::provider::{Freshness, Provider};
use crate::proxy::Host;
use crate::request::{Event, Gate};
use crate::verifier::HostVerifier;
use bearward_token::binding::Binding;
use bearward_token::claim_set::ClaimSet;
use bearward_token::jws::{Compact, is_compact};
use bearward_token::policy::Facts;
use bearward_token::refusal::Refusal;
use bearward_token::requirement::Required;
use bearward_token::verify::{Handle, Unverified, Verified};
use std::rc::Rc;

/// What is known of a token, so that it costs little the next time.
#[derive(Debug)]
pub enum Known {
    /// It passed.
    Good {
        /// What else is known.
        token: Rc<Token>,
        /// The generation of the revocations in which it was found not to be revoked.
        revocations: u64,
    },
    /// Its issuer said that it is no good.
    Refused {
        /// Why.
        refusal: Refusal,
        /// How long that need not be asked again.
        holds: Holds,
    },
}

/// What is known of a token that passed.
#[derive(Debug)]
pub struct Token {
    standing: Rc<Standing>,
    /// How long its issuer need not be asked again, if it was asked.
    holds: Option<Holds>,
    keys: u32,
    facts: Facts,
    auth_time: Option<u64>,
    binding: Binding,
    holder: Holder,
    outputs: Outputs,
}

/// By what a token that passed may come to an end. Kept for as long as a request that came with it goes on.
#[derive(Debug)]
pub struct Standing {
    /// The number of its issuer.
    pub provider: usize,
    /// When it expires, with what clocks may be apart; Unix time in seconds.
    pub expires_at: u64,
    /// What a revocation could name it by.
    pub handle: Handle,
    /// Whether it was shown with a proof (RFC 9449), and challenges are to ask for one.
    pub dpop: bool,
}

/// How long what an issuer said holds.
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    /// When it said so; Unix time in milliseconds.
    from_ms: u64,
    /// For how many milliseconds that holds.
    for_ms: u64,
}

impl Holds {
    fn at(self, now_ms: u64) -> bool {
        holds(self.from_ms, self.for_ms, now_ms)
    }
}

/// Why a token is not let through now.
#[derive(Debug)]
pub(crate) enum Not {
    /// It never will be.
    Ever(Refusal),
    /// What it takes to tell is on its way.
    Yet,
}

impl From<Refusal> for Not {
    fn from(refusal: Refusal) -> Self {
        Self::Ever(refusal)
    }
}

impl<H: Host> Gate<'_, '_, H> {
    /// What is known of the token, by a look or by finding out.
    pub(crate) fn known(&mut self, event: Event, text: &str) -> Result<Rc<Token>, Not> {
        if let Some(token) = self.seen_before(event, text) {
            return token;
        }
        if event == Event::Arrived {
            self.metrics.count(Counter::CacheMiss);
        }
        let (token, revocations) = self.verify(event, text)?;
        self.remember(text, Known::Good { token: Rc::clone(&token), revocations });
        Ok(token)
    }

    /// What is known of a token that passed before; `None` if it has to be verified (again).
    fn seen_before(&mut self, event: Event, text: &str) -> Option<Result<Rc<Token>, Not>> {
        let (now_ms, host) = (self.now_ms, self.host);
        let (token, checked) = match self.cache.get(text.as_bytes())? {
            Known::Good { token, revocations } => (Rc::clone(token), revocations),
            Known::Refused { holds, .. } if !holds.at(now_ms) => return None,
            Known::Refused { refusal, .. } => {
                self.metrics.count(Counter::CacheHit);
                return Some(Err((*refusal).into()));
            }
        };
        let provider = self.providers.get_mut(token.standing.provider)?;
        if token.holds.is_some_and(|holds| !holds.at(now_ms)) {
            return None; // its issuer may think otherwise by now
        }
        if now_ms / 1_000 >= token.standing.expires_at {
            self.cache.remove(text.as_bytes());
            return Some(Err(Refusal::Expired.into()));
        }
        let freshness = provider.refresh(host, now_ms);
        if token.keys != provider.keys.generation() {
            return None; // the key that signed it may be gone
        }
        self.metrics.count(Counter::CacheHit);
        if let Err(not) = fresh(freshness, provider, event, self.metrics) {
            return Some(Err(not));
        }
        if let Some(follower) = provider.follower() {
            let generation = follower.set().generation();
            if *checked != generation {
                if follower.set().is_revoked(&token.standing.handle) {
                    self.cache.remove(text.as_bytes());
                    return Some(Err(Refusal::Revoked.into()));
                }
                *checked = generation;
            }
        }
        Some(Ok(token))
    }

    fn verify(&mut self, event: Event, token: &str) -> Result<(Rc<Token>, u64), Not> {
        // Anything else is opaque, and only its issuer can read it.
        if !is_compact(token) {
            return match self.issuer_of_opaque(token) {
                Some(index) => self.ask(index, event, token),
                None => Err(Refusal::MalformedToken.into()),
            };
        }
        let compact = Compact::parse(token).map_err(|_| Refusal::MalformedToken)?;
        let unverified = Unverified::parse(&compact)?;
        let found = self.providers.iter().position(|provider| provider.expectation.issuer == unverified.issuer());
        let index = found.ok_or(Refusal::Issuer)?;
        let provider = self.providers.get_mut(index).ok_or(Refusal::Issuer)?;
        if provider.keys.are_none() {
            return self.ask(index, event, token);
        }
        let checked = unverified.check(&provider.expectation, self.now_ms / 1_000)?;
        let freshness = provider.refresh(self.host, self.now_ms);
        let Some(set) = provider.keys.set() else { return Err(wait(event, Refusal::KeysUnavailable)) };
        let Some(key) = set.find(checked.kid(), checked.algorithm()) else {
            return Err(missing_key(provider, self.host, self.metrics, event, self.now_ms));
        };
        let verified = checked.verify(key, &HostVerifier(self.host))?;
        fresh(freshness, provider, event, self.metrics)?;
        Ok(self.good(index, &verified, None)?)
    }

    /// Whose an opaque token is: of those whose tokens begin so, the issuer of whose it says most. Nobody else is told of it.
    fn issuer_of_opaque(&self, token: &str) -> Option<usize> {
        let of = |(index, provider): (usize, &Provider)| Some((provider.introspects_opaque(token)?, index));
        let (_, index) = self.providers.iter().enumerate().filter_map(of).max()?;
        self.providers.get(index).is_some_and(|provider| provider.can_have_made(token)).then_some(index)
    }

    /// What is kept of a token that its issuer stands by, and the generation of the revocations that this holds for.
    fn good(&self, index: usize, verified: &Verified, holds: Option<Holds>) -> Result<(Rc<Token>, u64), Refusal> {
        let provider = self.providers.get(index).ok_or(Refusal::Unavailable)?;
        let handle = verified.handle();
        let revocations = match provider.follower() {
            Some(follower) if follower.set().is_revoked(&handle) => return Err(Refusal::Revoked),
            Some(follower) => follower.set().generation(),
            None => 0,
        };
        let expires_at = verified.expires_at().unwrap_or(u64::MAX).saturating_add(provider.expectation.clock_skew);
        let dpop = verified.binding().key.is_some();
        let token = Token {
            standing: Rc::new(Standing { provider: index, expires_at, handle, dpop }),
            holds,
            keys: provider.keys.generation(),
            facts: self.config.policy.facts(&provider.name, verified.claims()),
            auth_time: verified.auth_time(),
            binding: *verified.binding(),
            holder: holder(&provider.expectation.issuer, verified),
            outputs: Outputs::of(&self.config.forward, verified.claims())?,
        };
        Ok((Rc::new(token), revocations))
    }

    /// Asks a token's issuer about it, unless it has said already what it thinks.
    fn ask(&mut self, index: usize, event: Event, token: &str) -> Result<(Rc<Token>, u64), Not> {
        let Some(provider) = self.providers.get_mut(index) else { return Err(Refusal::MalformedToken.into()) };
        let freshness = provider.refresh(self.host, self.now_ms);
        let Some(introspector) = &mut provider.introspector else { return Err(Refusal::MalformedToken.into()) };
        if introspector.config().signed.is_some() && provider.keys.set().is_none() {
            return Err(wait(event, Refusal::KeysUnavailable)); // an answer could not be verified
        }
        if event == Event::TimeUp {
            return Err(Refusal::IntrospectionFailed.into());
        }
        let (claims, at_ms) = match introspector.ask(self.host, self.metrics, token, provider.keys.generation()) {
            Asked::Coming => return Err(Not::Yet),
            Asked::Failed => return Err(Refusal::IntrospectionFailed.into()),
            Asked::Full => return Err(Refusal::Unavailable.into()),
            Asked::Said(claims, at_ms) => (claims, at_ms),
        };
        match self.judge(index, claims, at_ms) {
            Known::Good { token, revocations } => {
                let provider = self.providers.get(index).ok_or(Refusal::Unavailable)?;
                fresh(freshness, provider, event, self.metrics)?;
                Ok((token, revocations))
            }
            known @ Known::Refused { refusal, .. } => {
                self.remember(token, known);
                Err(refusal.into())
            }
        }
    }

    /// Takes over what the issuer of that number says of a token.
    pub fn introspected(&mut self, index: usize, (token, claims): Answer) {
        let known = self.judge(index, claims, self.now_ms);
        let good = matches!(known, Known::Good { .. });
        self.metrics.count(if good { Counter::IntrospectActive } else { Counter::IntrospectInactive });
        self.remember(&token, known);
    }

    /// What comes of what an issuer said then of a token.
    fn judge(&mut self, index: usize, claims: ClaimSet, at_ms: u64) -> Known {
        let refused = |refusal, for_ms| Known::Refused { refusal, holds: Holds { from_ms: at_ms, for_ms } };
        let Some(provider) = self.providers.get_mut(index) else { return refused(Refusal::Unavailable, 0) };
        provider.refresh(self.host, self.now_ms);
        let config = provider.introspector.as_ref().map(|introspector| introspector.config());
        let (cache_ms, inactive_ms) = config.map_or((0, 0), |config| (config.cache_ms, config.inactive_ms));
        let verified = Verified::introspected(claims, &provider.expectation, self.now_ms / 1_000);
        match verified
            .and_then(|verified| self.good(index, &verified, Some(Holds { from_ms: at_ms, for_ms: cache_ms })))
        {
            Ok((token, revocations)) => Known::Good { token, revocations },
            Err(refusal) => refused(refusal, inactive_ms),
        }
    }

    fn remember(&mut self, token: &str, known: Known) {
        let weight = match &known {
            Known::Good { token, .. } => token.outputs.weight().saturating_add(320),
            Known::Refused { .. } => 320,
        };
        let evicted = self.cache.insert(token.as_bytes(), known, weight);
        self.metrics.add(Counter::CacheEvict, u64::try_from(evicted).unwrap_or(u64::MAX));
    }
}

/// Who a token is about, if that matters: its subject, else its client, else whoever has the key that it is bound to.
fn holder(issuer: &str, verified: &Verified) -> Holder {
    let Some(key) = &verified.binding().key else { return Holder::default() };
    let text = |name| verified.claims().text(name).ok().flatten().map(str::as_bytes);
    Holder::new(issuer, text("sub").or_else(|| text("client_id")).unwrap_or(key))
}

/// What to do with a token while the feed is not fresh.
fn fresh(freshness: Freshness, provider: &Provider, event: Event, metrics: &mut Metrics) -> Result<(), Not> {
    let on_stale = match freshness {
        Freshness::Fresh => return Ok(()),
        Freshness::Behind if event != Event::TimeUp => return Err(Not::Yet),
        Freshness::Behind => provider.on_stale(),
        Freshness::Stale(on_stale) => on_stale,
    };
    match on_stale {
        OnStale::Deny => Err(Refusal::RevocationsStale.into()),
        OnStale::Allow => {
            metrics.count(Counter::FeedStaleAllowed);
            Ok(())
        }
    }
}

/// A token names a key that is not in the set: once, the set is fetched again, and the request waits for it.
fn missing_key(provider: &mut Provider, host: &impl Host, metrics: &mut Metrics, event: Event, now_ms: u64) -> Not {
    let coming = match event {
        Event::Arrived => provider.keys.unknown(host, metrics, now_ms) == Refetch::OnItsWay,
        Event::Again => provider.keys.is_on_its_way(host, now_ms),
        Event::TimeUp => false,
    };
    if coming { Not::Yet } else { Refusal::UnknownKey.into() }
}

fn wait(event: Event, in_the_end: Refusal) -> Not {
    if event == Event::TimeUp { in_the_end.into() } else { Not::Yet }
}

impl Token {
    /// By what it may come to an end.
    #[must_use]
    pub fn standing(&self) -> &Rc<Standing> {
        &self.standing
    }

    /// What the upstream and the access log are told of it.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// What it is bound to.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Who shows the proofs that come with it.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// Whether it is what a rule requires. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`Refusal`] that says what is missing.
    pub fn meets(&self, required: &Required, now: u64) -> Result<(), Refusal> {
        required.check(&self.facts, self.auth_time, now)
    }
}
