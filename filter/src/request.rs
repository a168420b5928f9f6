//! A request's decision, in steps from cheap to dear: path and rule, exactly one token, what is known of it (cache, header
//! and claims, key, signature, revocation: [`crate::admission`]), what the rule requires, what the token is bound to, and
//! what the upstream is told.
//!
//! A [`Stage`] is how far it has come. Each [`Event`] starts at the first one, on the same headers; what comes out is a
//! [`Verdict`], and carrying it out is [`crate::root`]'s. Nothing here changes the request.

use crate::admission::{Known, Not, Token};
use crate::config::Config;
use crate::credential::{self, Found, Scheme};
use crate::dpop::Shown;
use crate::gateway;
use crate::metrics::{Counter, Metrics};
use crate::provider::Provider;
use crate::proxy::{Headers, Host};
use crate::seen::{Matched, Seen};
use bearward_token::cache::TokenCache;
use bearward_token::challenge::Details;
use bearward_token::path::MatchPath;
use bearward_token::policy::{Access, Target as _, is_among};
use bearward_token::refusal::Refusal;
use bearward_token::requirement::Required;
use std::ops::ControlFlow::{self, Break, Continue};
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
    /// It is answered here, with a document if it asks for that.
    Serve(&'a str, Asks),
    /// It waits.
    Hold,
}

/// What a request wants of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Its text.
    ToRead,
    /// Whether a script may read it.
    WhetherItMay,
    /// What nobody can have.
    ForAnythingElse,
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

/// How far a request has come: each step takes what the one before found, and gives what the next one needs. So none is
/// left out, and none comes too early.
enum Stage<'b> {
    /// Its headers were read.
    Read,
    /// Its path can be read in one way only.
    Placed(MatchPath<'b>),
    /// It is for the upstream, and this is what it demands.
    Ruled(&'b Access),
    /// It carries one token, which must meet this.
    Carrying(Found<'b>, &'b Required),
    /// The token is good and was not revoked.
    Known(Found<'b>, &'b Required, Rc<Token>),
    /// It meets what the rule requires.
    Entitled(Found<'b>, &'b Required, Rc<Token>),
    /// What it is bound to was shown.
    Admitted(Scheme, Rc<Token>),
}

impl<'c, H: Host> Gate<'_, 'c, H> {
    /// Decides.
    pub fn decide<'b>(&mut self, event: Event, headers: &'b Headers) -> Verdict<'b>
    where
        'c: 'b,
    {
        let seen = Seen::read(headers, self.config);
        let mut stage = Stage::Read;
        loop {
            match self.step(stage, event, headers, &seen) {
                Continue(next) => stage = next,
                Break(verdict) => return verdict,
            }
        }
    }

    fn step<'b>(
        &mut self,
        stage: Stage<'b>,
        event: Event,
        headers: &'b Headers,
        seen: &Seen<'b>,
    ) -> ControlFlow<Verdict<'b>, Stage<'b>>
    where
        'c: 'b,
    {
        match stage {
            Stage::Read if seen.drops_identity => Break(refuse(Refusal::MadeUpIdentity)),
            Stage::Read if self.config.policy.is_ambiguous(seen.method) => Break(refuse(Refusal::AmbiguousPath)),
            Stage::Read => match MatchPath::parse(seen.path) {
                // RFC 9113 §8.3.1: no user in the authority. What is before it could be taken for the host.
                Ok(path) if !seen.authority.contains(&b'@') => Continue(Stage::Placed(path)),
                _ => Break(refuse(Refusal::AmbiguousPath)),
            },
            Stage::Placed(path) => {
                if let Some(verdict) = self.elsewhere(headers, seen, &path) {
                    return Break(verdict);
                }
                match self.access(headers, seen, &path) {
                    Ok(access) => Continue(Stage::Ruled(access)),
                    Err(refusal) => Break(refuse(refusal)),
                }
            }
            Stage::Ruled(Access::Anonymous) => Break(self.open(headers, seen)),
            Stage::Ruled(access @ (Access::Optional(required) | Access::Token(required))) => {
                match credential::find(headers, seen, &self.config.credentials) {
                    Ok(found) => Continue(Stage::Carrying(found, required)),
                    Err(Refusal::NoToken) if matches!(access, Access::Optional(_)) => Break(self.open(headers, seen)),
                    Err(refusal) => Break(self.challenge(refusal, required, Scheme::Bearer)),
                }
            }
            Stage::Carrying(found, required) => match self.known(event, &found.token) {
                Ok(token) => Continue(Stage::Known(found, required, token)),
                Err(Not::Yet) => Break(Verdict::Hold),
                Err(Not::Ever(refusal)) => Break(self.challenge(refusal, required, found.scheme)),
            },
            Stage::Known(found, required, token) => match token.meets(required, self.now_ms / 1_000) {
                Ok(()) => Continue(Stage::Entitled(found, required, token)),
                Err(refusal) => Break(self.challenge(refusal, required, found.scheme)),
            },
            Stage::Entitled(found, required, token) => {
                let now = self.now_ms / 1_000;
                let holder = token.holder();
                let shown = Shown { headers, seen, token: &found.token, scheme: found.scheme, holder, now };
                match shown.check(self.host, &self.config.dpop, token.binding()) {
                    Ok(()) => Continue(Stage::Admitted(found.scheme, token)),
                    Err(refusal) => Break(self.challenge(refusal, required, found.scheme)),
                }
            }
            Stage::Admitted(scheme, token) => {
                self.metrics.count(Counter::Allowed);
                let mut changes = self.stripped(headers, seen);
                if scheme == Scheme::Dpop && !self.config.forward.keep_credential {
                    changes.remove.push(b"dpop");
                }
                changes.token = Some(token);
                Break(Verdict::Pass(changes))
            }
        }
    }

    /// What is not the upstream's to answer: the protected resource's metadata, and the authserver's paths.
    fn elsewhere<'b>(&mut self, headers: &'b Headers, seen: &Seen<'b>, path: &MatchPath<'_>) -> Option<Verdict<'b>>
    where
        'c: 'b,
    {
        let config = self.config;
        let about_resource = |resource: &&'c crate::config::Resource| path.as_bytes() == resource.path;
        if let Some(resource) = config.resource.as_ref().filter(about_resource) {
            let asks = match seen.method {
                b"GET" | b"HEAD" => Asks::ToRead,
                b"OPTIONS" => Asks::WhetherItMay,
                _ => Asks::ForAnythingElse,
            };
            return Some(Verdict::Serve(&resource.document, asks));
        }
        // As Envoy's routes read it: another spelling of such a path would be let through to what is behind another route.
        let oauth = &config.oauth;
        if !oauth.prefixes.iter().any(|prefix| prefix.matches_written(seen.path))
            || !is_among(&oauth.hosts, seen.authority)
        {
            return None;
        }
        // The credentials in `authorization` are the client's, for the authserver.
        self.metrics.count(Counter::Open);
        let mut changes = Changes { remove: seen.identities.clone(), ..Changes::default() };
        let secret = config.oauth.gateway_secret.as_ref();
        gateway::vouch(self.host, secret, headers, seen, self.now_ms / 1_000, &mut changes);
        Some(if config.oauth.dispatch.is_some() { Verdict::Dispatch(changes) } else { Verdict::Pass(changes) })
    }

    /// What the request demands: by the policy that its route names, by the first rule that matches, or as a preflight.
    fn access(&self, headers: &Headers, seen: &Seen<'_>, path: &MatchPath<'_>) -> Result<&'c Access, Refusal> {
        let config = self.config;
        let target = Matched(headers, seen);
        // What a preflight asks about must exist; whether it may be done is decided when it is.
        let asked = preflight(headers, seen).filter(|_| config.cors_preflight);
        if let Some(property) = &config.route_policy {
            if !seen.identities.is_empty() {
                // Envoy chooses the route again once these are gone, and then perhaps one that names another policy.
                return Err(Refusal::MadeUpIdentity);
            }
            let name = self.host.property(property).map_err(|_| Refusal::Unavailable)?;
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                let named = str::from_utf8(&name).ok().and_then(|name| config.policy.named(name));
                let named = named.ok_or(Refusal::UnknownPolicy)?;
                return Ok(if asked.is_some() { &Access::Anonymous } else { named });
            }
        }
        let access = config.policy.find_for(asked.unwrap_or(seen.method), &target, path).ok_or(Refusal::NoRule)?;
        Ok(if asked.is_some() { &Access::Anonymous } else { access })
    }

    /// A refusal, with what the rule wants to be told.
    fn challenge<'b>(&self, refusal: Refusal, required: &'b Required, scheme: Scheme) -> Verdict<'b> {
        let secret = self.config.dpop.nonce_secret.as_ref().filter(|_| refusal == Refusal::Nonce);
        let nonce = secret.map(|secret| crate::dpop::nonce(secret.expose(), self.now_ms / 1_000));
        let details = Details {
            scope: required.scope(),
            acr_values: required.acr_values(),
            max_age: required.max_age(),
            dpop: scheme == Scheme::Dpop,
            nonce,
            grpc: false,
        };
        Verdict::Refuse(refusal, Box::new(details))
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
}

/// The method that a CORS preflight asks about, if this is one.
fn preflight<'a>(headers: &'a Headers, seen: &Seen<'_>) -> Option<&'a [u8]> {
    if seen.method != b"OPTIONS" || !Matched(headers, seen).has_header("origin", None) {
        return None;
    }
    headers.iter().find(|(name, _)| *name == b"access-control-request-method").map(|(_, method)| method)
}

fn refuse<'a>(refusal: Refusal) -> Verdict<'a> {
    Verdict::Refuse(refusal, Box::default())
}
