//! A request's decision, in steps from cheap to dear: path and rule, exactly one token, cache, header and claims, key,
//! signature, revocation, scopes, and what the upstream is told.
//!
//! Each [`Event`] runs them from the start, on the same headers; what comes out is a value, and carrying it out is
//! [`crate::root`]'s. Nothing here changes the request.

use crate::config::{Claim, Config, OnStale, same_header};
use crate::keys::Refetch;
use crate::metrics::{Counter, Metrics};
use crate::provider::{Freshness, Provider};
use crate::proxy::{Headers, Host};
use crate::verifier::HostVerifier;
use bearward_token::cache::TokenCache;
use bearward_token::claims::Claims;
use bearward_token::jws::{Compact, MAX_TOKEN};
use bearward_token::path::MatchPath;
use bearward_token::policy::{Access, Required, ScopeBits};
use bearward_token::refusal::Refusal;
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
    /// It is answered here; with the scopes that the rule requires, where one is missing.
    Refuse(Refusal, &'a str),
    /// It waits.
    Hold,
}

/// How a request is changed before it goes on.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// Headers to remove, by the names they came with: identities that the client made up.
    pub remove: Vec<&'a [u8]>,
    /// Whether `authorization` is removed too.
    pub strip_authorization: bool,
    /// Headers to add, prepared when the token was verified.
    pub add: Option<Outputs>,
}

/// Headers for the upstream: an index into the configured headers, and the value.
pub type Outputs = Rc<[(usize, Box<[u8]>)]>;

/// What is known of a token that passed, so that it costs little the next time.
#[derive(Debug)]
pub struct Known {
    provider: usize,
    expires_at: u64,
    keys: u32,
    handle: Handle,
    /// The generation of the revocations in which it was found not to be revoked.
    revocations: u64,
    scopes: ScopeBits,
    outputs: Outputs,
}

/// Everything a decision needs.
#[derive(Debug)]
pub struct Gate<'a, H> {
    /// The proxy.
    pub host: &'a H,
    /// The configuration.
    pub config: &'a Config,
    /// The issuers, in the order of the configuration.
    pub providers: &'a mut [Provider],
    /// The tokens that passed.
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

/// The headers of a request that matter.
#[derive(Default)]
struct Seen<'a> {
    method: &'a [u8],
    path: &'a [u8],
    authorization: Option<&'a [u8]>,
    several: bool,
    identities: Vec<&'a [u8]>,
}

impl<H: Host> Gate<'_, H> {
    /// Decides.
    pub fn decide<'b>(&'b mut self, event: Event, headers: &'b Headers) -> Verdict<'b> {
        let config = self.config;
        let seen = Seen::read(headers, config);
        let Ok(path) = MatchPath::parse(seen.path) else { return Verdict::Refuse(Refusal::AmbiguousPath, "") };
        if config.oauth.iter().any(|prefix| prefix.matches(&path)) {
            // The credentials in `authorization` are the client's, for the authserver.
            self.metrics.count(Counter::Open);
            return Verdict::Pass(Changes { remove: seen.identities, ..Changes::default() });
        }
        let strip_authorization = seen.authorization.is_some() && !config.forward.keep_authorization;
        let required = match config.policy.find(seen.method, &path) {
            None => return Verdict::Refuse(Refusal::NoRule, ""),
            Some(Access::Token(required)) => required,
            Some(Access::Anonymous) => {
                self.metrics.count(Counter::Open);
                return Verdict::Pass(Changes { remove: seen.identities, strip_authorization, add: None });
            }
        };
        match bearer(&seen).map_err(Not::Ever).and_then(|token| self.token(event, token, required)) {
            Ok(outputs) => {
                self.metrics.count(Counter::Allowed);
                Verdict::Pass(Changes { remove: seen.identities, strip_authorization, add: Some(outputs) })
            }
            Err(Not::Ever(refusal)) => Verdict::Refuse(refusal, required.text()),
            Err(Not::Yet) => Verdict::Hold,
        }
    }

    fn token(&mut self, event: Event, token: &str, required: &Required) -> Result<Outputs, Not> {
        if let Some(outcome) = self.seen_before(event, token, required) {
            return outcome;
        }
        if event == Event::Arrived {
            self.metrics.count(Counter::CacheMiss);
        }
        let known = self.verify(event, token)?;
        let met = required.met_by(&known.scopes);
        let outputs = Rc::clone(&known.outputs);
        let evicted = self.cache.insert(token.as_bytes(), known, weight(&outputs));
        self.metrics.add(Counter::CacheEvict, u64::try_from(evicted).unwrap_or(u64::MAX));
        if met { Ok(outputs) } else { Err(Refusal::InsufficientScope.into()) }
    }

    /// The answer for a token that passed before; `None` if it has to be verified (again).
    fn seen_before(&mut self, event: Event, token: &str, required: &Required) -> Option<Result<Outputs, Not>> {
        let known = self.cache.get(token.as_bytes())?;
        let provider = self.providers.get_mut(known.provider)?;
        if self.now_ms / 1_000 >= known.expires_at {
            self.cache.remove(token.as_bytes());
            return Some(Err(Refusal::Expired.into()));
        }
        let freshness = provider.refresh(self.host, self.now_ms);
        if known.keys != provider.keys.generation() {
            return None; // the key that signed it may be gone
        }
        self.metrics.count(Counter::CacheHit);
        if let Err(not) = fresh(freshness, provider, event, self.metrics) {
            return Some(Err(not));
        }
        if let Some(follower) = provider.follower() {
            let generation = follower.set().generation();
            if known.revocations != generation {
                if follower.set().is_revoked(&known.handle) {
                    self.cache.remove(token.as_bytes());
                    return Some(Err(Refusal::Revoked.into()));
                }
                known.revocations = generation;
            }
        }
        if !required.met_by(&known.scopes) {
            return Some(Err(Refusal::InsufficientScope.into()));
        }
        Some(Ok(Rc::clone(&known.outputs)))
    }

    fn verify(&mut self, event: Event, token: &str) -> Result<Known, Not> {
        let now_s = self.now_ms / 1_000;
        let compact = Compact::parse(token).map_err(|_| Refusal::MalformedToken)?;
        let unverified = Unverified::parse(&compact)?;
        let found = self.providers.iter().position(|provider| provider.expectation.issuer == unverified.issuer());
        let index = found.ok_or(Refusal::Issuer)?;
        let provider = self.providers.get_mut(index).ok_or(Refusal::Issuer)?;
        let checked = unverified.check(&provider.expectation, now_s)?;
        let freshness = provider.refresh(self.host, self.now_ms);
        let Some(set) = provider.keys.set() else {
            provider.keys.tick(self.host, self.metrics, self.now_ms);
            return Err(wait(event, Refusal::KeysUnavailable));
        };
        let Some(key) = set.find(checked.kid(), checked.algorithm()) else {
            return Err(missing_key(provider, self.host, self.metrics, event, self.now_ms));
        };
        let verified = checked.verify(key, &HostVerifier(self.host))?;
        fresh(freshness, provider, event, self.metrics)?;
        let handle = verified.handle();
        let revocations = match provider.follower() {
            Some(follower) if follower.set().is_revoked(&handle) => return Err(Refusal::Revoked.into()),
            Some(follower) => follower.set().generation(),
            None => 0,
        };
        let claims = verified.claims();
        Ok(Known {
            provider: index,
            expires_at: claims.exp.saturating_add(provider.expectation.clock_skew),
            keys: provider.keys.generation(),
            handle,
            revocations,
            scopes: self.config.policy.bits(&claims.scope),
            outputs: outputs(self.config, &verified)?,
        })
    }
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

impl<'a> Seen<'a> {
    fn read(headers: &'a Headers, config: &Config) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers.iter() {
            match name {
                b":path" => seen.path = value,
                b":method" => seen.method = value,
                b"authorization" => {
                    seen.several |= seen.authorization.is_some();
                    seen.authorization = Some(value);
                }
                _ => {
                    let ours = |(header, _): &(String, Claim)| same_header(header.as_bytes(), name);
                    if config.forward.headers.iter().any(ours) && !seen.identities.contains(&name) {
                        seen.identities.push(name);
                    }
                }
            }
        }
        seen
    }
}

/// The one bearer token of a request (RFC 6750 §2.1).
fn bearer<'a>(seen: &Seen<'a>) -> Result<&'a str, Refusal> {
    if seen.several {
        return Err(Refusal::MalformedAuthorization);
    }
    let Some(value) = seen.authorization else { return Err(Refusal::NoToken) };
    let value = value.trim_ascii();
    let (scheme, rest) =
        value.split_at(value.iter().position(|b| matches!(b, b' ' | b'\t' | b',')).unwrap_or(value.len()));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        // Another scheme is no bearer token, unless one hides behind it.
        let hidden = value.windows(7).any(|window| window.eq_ignore_ascii_case(b"bearer "));
        return Err(if hidden { Refusal::MalformedAuthorization } else { Refusal::NoToken });
    }
    // RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
    let token = rest.trim_ascii_start();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b);
    if token.is_empty() || !token.iter().all(plain) {
        return Err(Refusal::MalformedAuthorization);
    }
    if token.len() > MAX_TOKEN {
        return Err(Refusal::MalformedToken);
    }
    str::from_utf8(token).map_err(|_| Refusal::MalformedAuthorization)
}

/// The headers that a token's claims make. A claim that is absent or empty makes none.
fn outputs(config: &Config, verified: &Verified<'_>) -> Result<Outputs, Refusal> {
    let mut outputs = Vec::with_capacity(config.forward.headers.len());
    for (index, (_, claim)) in config.forward.headers.iter().enumerate() {
        let value = text(*claim, verified.claims());
        // What a server might trim, fold or split would be another identity there than here.
        let plain = !value.bytes().any(|b| b < 0x20 || b == 0x7f) && value.trim_matches(' ').len() == value.len();
        if !plain {
            return Err(Refusal::Unforwardable);
        }
        if !value.is_empty() {
            outputs.push((index, value.into_bytes().into()));
        }
    }
    Ok(outputs.into())
}

fn text(claim: Claim, claims: &Claims<'_>) -> String {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    match claim {
        Claim::Iss => claims.iss.to_string(),
        Claim::Sub => claims.sub.to_string(),
        Claim::Aud => claims.aud.iter().collect::<Vec<_>>().join(" "),
        Claim::ClientId => claims.client_id.to_string(),
        Claim::Scope => claims.scope.to_string(),
        Claim::Jti => claims.jti.to_string(),
        Claim::Gid => claims.gid.as_deref().unwrap_or_default().to_owned(),
        Claim::Exp => number(Some(claims.exp)),
        Claim::Iat => number(Some(claims.iat)),
        Claim::AuthTime => number(claims.auth_time),
        Claim::Acr => claims.acr.as_deref().unwrap_or_default().to_owned(),
    }
}

/// About how many bytes a cached token takes besides the token.
fn weight(outputs: &Outputs) -> usize {
    outputs.iter().map(|(_, value)| value.len().saturating_add(32)).fold(256, usize::saturating_add)
}
