//! A request's decision, in steps from cheap to dear: path and rule, exactly one token, cache, header and claims, key,
//! signature, revocation, what the rule requires, what the token is bound to, and what the upstream is told.
//!
//! Each [`Event`] runs them from the start, on the same headers; what comes out is a value, and carrying it out is
//! [`crate::root`]'s. Nothing here changes the request.

use crate::config::{Config, OnStale, same_header};
use crate::credential::{self, Found};
use crate::dpop::Shown;
use crate::gateway;
use crate::introspect::{Answer, Asked};
use crate::keys::Refetch;
use crate::metrics::{Counter, Metrics};
use crate::output::Outputs;
use crate::provider::{Freshness, Provider};
use crate::proxy::{Headers, Host};
use crate::verifier::HostVerifier;
use bearward_token::binding::Binding;
use bearward_token::cache::TokenCache;
use bearward_token::challenge::Details;
use bearward_token::jws::Compact;
use bearward_token::path::MatchPath;
use bearward_token::policy::{Access, Facts, Target};
use bearward_token::refusal::Refusal;
use bearward_token::requirement::Required;
use bearward_token::verify::{Handle, Unverified, Verified};
use std::rc::Rc;

/// What makes a request be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It came.
    Arrived,
    /// It was held, and what it waits for may be there now.
    Again,
    /// It was held for as long as it may be.
    TimeUp,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// It goes on, changed.
    Pass(Changes<'a>),
    /// It goes to the authserver, changed, and its answer back.
    Dispatch(Changes<'a>),
    /// It is answered here, with a refusal and what that says besides.
    Refuse(Refusal, Box<Details<'a>>),
    /// It is answered here, with a document.
    Serve(&'a str),
    /// It waits.
    Hold,
}

/// How a request is changed before it goes on.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// Headers to remove, by the names they came with.
    pub remove: Vec<&'a [u8]>,
    /// The path without the token that was in its query.
    pub path: Option<Vec<u8>>,
    /// The cookies without the token that was among them; none left is empty.
    pub cookie: Option<Vec<u8>>,
    /// Headers to add.
    pub add: Vec<(&'static str, Vec<u8>)>,
    /// What was prepared when the token was verified.
    pub token: Option<Rc<Token>>,
}

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
        /// Until when that need not be asked again; Unix time in milliseconds.
        until_ms: u64,
    },
}

/// What is known of a token that passed.
#[derive(Debug)]
pub struct Token {
    provider: usize,
    expires_at: u64,
    /// When its issuer is asked again; Unix time in milliseconds.
    ask_at_ms: u64,
    keys: u32,
    handle: Handle,
    facts: Facts,
    auth_time: Option<u64>,
    binding: Binding,
    outputs: Outputs,
}

/// Everything a decision needs.
#[derive(Debug)]
pub struct Gate<'a, 'c, H> {
    /// The proxy.
    pub host: &'a H,
    /// The configuration.
    pub config: &'c Config,
    /// The issuers, in the order of the configuration.
    pub providers: &'a mut [Provider],
    /// The tokens that are known.
    pub cache: &'a mut TokenCache<Known>,
    /// What is counted.
    pub metrics: &'a mut Metrics,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// Why a token is not let through now.
enum Not {
    Ever(Refusal),
    Yet,
}

impl From<Refusal> for Not {
    fn from(refusal: Refusal) -> Self {
        Self::Ever(refusal)
    }
}

/// What every decision looks at.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    /// `:method`.
    pub method: &'a [u8],
    /// `:path`, with its query.
    pub path: &'a [u8],
    /// `:authority`.
    pub authority: &'a [u8],
    /// `authorization`.
    pub authorization: Option<&'a [u8]>,
    /// Whether there are several.
    pub several: bool,
    identities: Vec<&'a [u8]>,
}

/// A request as the policy sees it.
struct Matched<'a>(&'a Headers, &'a Seen<'a>);

impl Target for Matched<'_> {
    fn method(&self) -> &[u8] {
        self.1.method
    }

    fn host(&self) -> &[u8] {
        self.1.authority
    }

    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        let mut values = self.0.iter().filter(|(other, _)| *other == name.as_bytes()).map(|(_, value)| value);
        match (value, values.next()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(wanted), Some(value)) => value == wanted.as_bytes() && values.next().is_none(),
        }
    }
}

impl<'c, H: Host> Gate<'_, 'c, H> {
    /// Decides.
    pub fn decide<'b>(&mut self, event: Event, headers: &'b Headers) -> Verdict<'b>
    where
        'c: 'b,
    {
        let config = self.config;
        let seen = Seen::read(headers, config);
        let Ok(path) = MatchPath::parse(seen.path) else { return refuse(Refusal::AmbiguousPath) };
        let about_resource = |resource: &&'c crate::config::Resource| path.as_bytes() == resource.path;
        if let Some(resource) = config.resource.as_ref().filter(about_resource) {
            return Verdict::Serve(&resource.document);
        }
        if config.oauth.prefixes.iter().any(|prefix| prefix.matches(&path)) {
            // The credentials in `authorization` are the client's, for the authserver.
            self.metrics.count(Counter::Open);
            let mut changes = Changes { remove: seen.identities.clone(), ..Changes::default() };
            let secret = config.oauth.gateway_secret.as_ref();
            gateway::vouch(self.host, secret, headers, &seen, self.now_ms / 1_000, &mut changes);
            return if config.oauth.dispatch.is_some() { Verdict::Dispatch(changes) } else { Verdict::Pass(changes) };
        }
        let access = match self.access(headers, &seen, &path) {
            Ok(access) => access,
            Err(refusal) => return refuse(refusal),
        };
        let found = match access {
            Access::Anonymous => return self.open(headers, &seen),
            _ => credential::find(headers, &seen, &config.credentials),
        };
        let required = match (access, &found) {
            (Access::Optional(_), Err(Refusal::NoToken)) => return self.open(headers, &seen),
            (Access::Optional(required) | Access::Token(required), _) => required,
            (Access::Anonymous, _) => return self.open(headers, &seen),
        };
        let dpop = found.as_ref().is_ok_and(|found| found.scheme == credential::Scheme::Dpop);
        match found.map_err(Not::Ever).and_then(|found| self.admit(event, headers, &seen, &found, required)) {
            Ok(token) => {
                self.metrics.count(Counter::Allowed);
                let mut changes = self.stripped(headers, &seen);
                if dpop && !config.forward.keep_credential {
                    changes.remove.push(b"dpop");
                }
                changes.token = Some(token);
                Verdict::Pass(changes)
            }
            Err(Not::Ever(refusal)) => {
                let secret = config.dpop.nonce_secret.as_ref().filter(|_| refusal == Refusal::Nonce);
                let nonce = secret.map(|secret| crate::dpop::nonce(secret.expose(), self.now_ms / 1_000));
                Verdict::Refuse(
                    refusal,
                    Box::new(Details {
                        scope: required.scope(),
                        acr_values: required.acr_values(),
                        max_age: required.max_age(),
                        dpop,
                        nonce,
                        grpc: false,
                    }),
                )
            }
            Err(Not::Yet) => Verdict::Hold,
        }
    }

    /// What the request demands: by the policy that its route names, by the first rule that matches, or as a preflight.
    fn access(&self, headers: &Headers, seen: &Seen<'_>, path: &MatchPath<'_>) -> Result<&'c Access, Refusal> {
        let config = self.config;
        if let Some(property) = &config.route_policy {
            let name = self.host.property(property).map_err(|_| Refusal::Unavailable)?;
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                let named = str::from_utf8(&name).ok().and_then(|name| config.policy.named(name));
                return named.ok_or(Refusal::UnknownPolicy);
            }
        }
        let target = Matched(headers, seen);
        if config.cors_preflight && seen.method == b"OPTIONS" && target.has_header("origin", None) {
            // What it asks about must exist; whether it may be done is decided when it is.
            let asked = headers.iter().find(|(name, _)| *name == b"access-control-request-method");
            if let Some((_, method)) = asked {
                let exists = config.policy.find_for(method, &target, path).is_some();
                return if exists { Ok(&Access::Anonymous) } else { Err(Refusal::NoRule) };
            }
        }
        config.policy.find(&target, path).ok_or(Refusal::NoRule)
    }

    fn open<'b>(&mut self, headers: &'b Headers, seen: &Seen<'b>) -> Verdict<'b>
    where
        'c: 'b,
    {
        self.metrics.count(Counter::Open);
        Verdict::Pass(self.stripped(headers, seen))
    }

    /// What every request loses: identities that the client made up, and credentials that are not the upstream's.
    fn stripped<'b>(&self, headers: &'b Headers, seen: &Seen<'b>) -> Changes<'b>
    where
        'c: 'b,
    {
        let mut changes = Changes { remove: seen.identities.clone(), ..Changes::default() };
        if !self.config.forward.keep_credential {
            credential::strip(headers, seen, &self.config.credentials, &mut changes);
        }
        changes
    }

    /// Whether the token lets the request through.
    fn admit(
        &mut self,
        event: Event,
        headers: &Headers,
        seen: &Seen<'_>,
        found: &Found<'_>,
        required: &Required,
    ) -> Result<Rc<Token>, Not> {
        let token = match self.seen_before(event, &found.token) {
            Some(token) => token?,
            None => {
                if event == Event::Arrived {
                    self.metrics.count(Counter::CacheMiss);
                }
                let (token, revocations) = self.verify(event, &found.token)?;
                self.remember(&found.token, Known::Good { token: Rc::clone(&token), revocations });
                token
            }
        };
        let now = self.now_ms / 1_000;
        required.check(&token.facts, token.auth_time, now)?;
        let shown = Shown { headers, seen, token: &found.token, scheme: found.scheme, now };
        shown.check(self.host, &self.config.dpop, &token.binding)?;
        Ok(token)
    }

    /// What is known of a token that passed before; `None` if it has to be verified (again).
    fn seen_before(&mut self, event: Event, text: &str) -> Option<Result<Rc<Token>, Not>> {
        let (now_ms, host) = (self.now_ms, self.host);
        let (token, checked) = match self.cache.get(text.as_bytes())? {
            Known::Good { token, revocations } => (Rc::clone(token), revocations),
            Known::Refused { until_ms, .. } if now_ms > *until_ms => return None,
            Known::Refused { refusal, .. } => {
                self.metrics.count(Counter::CacheHit);
                return Some(Err((*refusal).into()));
            }
        };
        let provider = self.providers.get_mut(token.provider)?;
        if now_ms > token.ask_at_ms {
            return None; // its issuer may think otherwise by now
        }
        if now_ms / 1_000 >= token.expires_at {
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
                if follower.set().is_revoked(&token.handle) {
                    self.cache.remove(text.as_bytes());
                    return Some(Err(Refusal::Revoked.into()));
                }
                *checked = generation;
            }
        }
        Some(Ok(token))
    }

    fn verify(&mut self, event: Event, token: &str) -> Result<(Rc<Token>, u64), Not> {
        // RFC 7515 §7.1: three parts. Anything else is opaque, and only its issuer can read it.
        if token.bytes().filter(|b| *b == b'.').count() != 2 {
            return match self.providers.iter().position(|provider| provider.introspects_opaque(token)) {
                Some(index) => Err(self.ask(index, event, token)),
                None => Err(Refusal::MalformedToken.into()),
            };
        }
        let compact = Compact::parse(token).map_err(|_| Refusal::MalformedToken)?;
        let unverified = Unverified::parse(&compact)?;
        let found = self.providers.iter().position(|provider| provider.expectation.issuer == unverified.issuer());
        let index = found.ok_or(Refusal::Issuer)?;
        let provider = self.providers.get_mut(index).ok_or(Refusal::Issuer)?;
        if provider.keys.are_none() {
            return Err(self.ask(index, event, token));
        }
        let checked = unverified.check(&provider.expectation, self.now_ms / 1_000)?;
        let freshness = provider.refresh(self.host, self.now_ms);
        let Some(set) = provider.keys.set() else { return Err(wait(event, Refusal::KeysUnavailable)) };
        let Some(key) = set.find(checked.kid(), checked.algorithm()) else {
            return Err(missing_key(provider, self.host, self.metrics, event, self.now_ms));
        };
        let verified = checked.verify(key, &HostVerifier(self.host))?;
        fresh(freshness, provider, event, self.metrics)?;
        Ok(self.good(index, &verified, u64::MAX)?)
    }

    /// What is kept of a token that its issuer stands by, and the generation of the revocations that this holds for.
    fn good(&self, index: usize, verified: &Verified, ask_at_ms: u64) -> Result<(Rc<Token>, u64), Refusal> {
        let provider = self.providers.get(index).ok_or(Refusal::Unavailable)?;
        let handle = verified.handle();
        let revocations = match provider.follower() {
            Some(follower) if follower.set().is_revoked(&handle) => return Err(Refusal::Revoked),
            Some(follower) => follower.set().generation(),
            None => 0,
        };
        let expires_at = verified.expires_at().unwrap_or(u64::MAX).saturating_add(provider.expectation.clock_skew);
        let token = Token {
            provider: index,
            expires_at,
            ask_at_ms,
            keys: provider.keys.generation(),
            handle,
            facts: self.config.policy.facts(&provider.name, verified.claims()),
            auth_time: verified.auth_time(),
            binding: *verified.binding(),
            outputs: Outputs::of(&self.config.forward, verified.claims())?,
        };
        Ok((Rc::new(token), revocations))
    }

    /// Asks a token's issuer about it.
    fn ask(&mut self, index: usize, event: Event, token: &str) -> Not {
        let Some(provider) = self.providers.get_mut(index) else { return Refusal::MalformedToken.into() };
        provider.refresh(self.host, self.now_ms);
        let Some(introspector) = &mut provider.introspector else { return Refusal::MalformedToken.into() };
        if introspector.config().signed.is_some() && provider.keys.set().is_none() {
            return wait(event, Refusal::KeysUnavailable); // an answer could not be verified
        }
        if event == Event::TimeUp {
            return Refusal::IntrospectionFailed.into();
        }
        match introspector.ask(self.host, self.metrics, token) {
            Asked::Coming => Not::Yet,
            Asked::Failed => Refusal::IntrospectionFailed.into(),
            Asked::Full => Refusal::Unavailable.into(),
        }
    }

    /// Takes over what the issuer of that number says of a token.
    pub fn introspected(&mut self, index: usize, (token, claims): Answer) {
        let now_ms = self.now_ms;
        let Some(provider) = self.providers.get_mut(index) else { return };
        let Some(introspector) = &provider.introspector else { return };
        let (cache_ms, inactive_ms) = (introspector.config().cache_ms, introspector.config().inactive_ms);
        provider.refresh(self.host, now_ms);
        let verified = Verified::introspected(claims, &provider.expectation, now_ms / 1_000);
        let known = verified.and_then(|verified| self.good(index, &verified, now_ms.saturating_add(cache_ms)));
        self.metrics.count(if known.is_ok() { Counter::IntrospectActive } else { Counter::IntrospectInactive });
        let known = match known {
            Ok((token, revocations)) => Known::Good { token, revocations },
            Err(refusal) => Known::Refused { refusal, until_ms: now_ms.saturating_add(inactive_ms) },
        };
        self.remember(&token, known);
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

fn refuse<'a>(refusal: Refusal) -> Verdict<'a> {
    Verdict::Refuse(refusal, Box::default())
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
    /// What the upstream and the access log are told of it.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }
}

impl<'a> Seen<'a> {
    fn read(headers: &'a Headers, config: &Config) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers.iter() {
            match name {
                b":path" => seen.path = value,
                b":method" => seen.method = value,
                b":authority" => seen.authority = value,
                b"authorization" => {
                    seen.several |= seen.authorization.is_some();
                    seen.authorization = Some(value);
                }
                _ => {
                    let ours = |(header, _): &(String, _)| same_header(header.as_bytes(), name);
                    if config.forward.headers.iter().any(ours) && !seen.identities.contains(&name) {
                        seen.identities.push(name);
                    }
                }
            }
        }
        seen
    }
}
