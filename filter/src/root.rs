//! One configuration in one VM: takes the host's callbacks, keeps what the VM keeps, and carries out what
//! [`crate::request`] decides.

use crate::admission::{Known, Standing};
use crate::clock::is_over;
use crate::config::Config;
use crate::dispatch::{Dispatcher, Outgoing, Tools};
use crate::introspect::Introspector;
use crate::metrics::{Counter, Metrics};
use crate::provider::Provider;
use crate::proxy::{CallResponse, Headers, Host, HostResult, Level};
use crate::reply;
use crate::request::{Changes, Event, Gate, Verdict};
use crate::slots::Instance;
use crate::streams::{Streams, Why};
use bearward_token::cache::{Limits, TokenCache};
use bearward_token::challenge::Details;
use bearward_token::refusal::Refusal;
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;

/// The longest that a request is held, in milliseconds.
pub const HOLD_MS: u64 = 2_000;
/// The most requests that are held at once, in one VM.
pub const HOLD_MOST: usize = 512;
/// Tokens remembered in one VM, and the memory for them: most of the 2 MB that a VM may take.
const CACHE: Limits = Limits { entries: 2_048, bytes: 1024 * 1024 };
/// Ticks, in milliseconds: while nothing goes on, while requests do that a revocation may end, and while something waits.
const TICK_MS: u32 = 500;
const TICK_OPEN_MS: u32 = 50;
const TICK_BUSY_MS: u32 = 10;

/// Whether the host goes on with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It waits, or was answered.
    Pause,
}

/// One configuration in one VM.
#[derive(Debug)]
pub struct Root<H> {
    host: H,
    id: u32,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    config: Rc<Config>,
    providers: Vec<Provider>,
    cache: TokenCache<Known>,
    metrics: Metrics,
    /// Until when each held request may wait; Unix time in milliseconds.
    held: HashMap<u32, u64>,
    /// The requests that were held and then let go on, and with them the rest of their bodies.
    gone_on: HashSet<u32>,
    /// The requests that were let through with a token, until they are over.
    streams: Streams,
    /// Where the filter hands requests to the authserver.
    dispatcher: Option<Dispatcher>,
    debug: bool,
    tick_ms: u32,
}

impl<H: Host> Root<H> {
    /// One without a configuration, by the number that the host knows it by. It lets nothing through.
    #[must_use]
    pub fn new(host: H, id: u32) -> Self {
        Self { host, id, state: None }
    }

    /// Takes a configuration; false if it can't be used, and the reason is logged.
    pub fn configure(&mut self, json: &[u8]) -> bool {
        let config = match Config::parse(json, &|name| self.host.environment(name)) {
            Ok(config) => config,
            Err(error) => {
                self.host.log(Level::Error, &format!("configuration refused: {error}"));
                return false;
            }
        };
        let mut instance = Instance::default();
        if !self.host.random(&mut instance) {
            self.host.log(Level::Error, "the host gives no randomness");
            return false;
        }
        let now_ms = self.host.now_ms();
        let providers = config.providers.iter().map(|config| Provider::new(config.clone(), instance, now_ms));
        self.state = Some(State {
            providers: providers.collect(),
            cache: TokenCache::new(CACHE),
            metrics: Metrics::define(&self.host),
            held: HashMap::new(),
            gone_on: HashSet::new(),
            streams: Streams::new(config.open_streams),
            dispatcher: config.oauth.dispatch.clone().map(Dispatcher::new),
            debug: self.host.logs(Level::Debug),
            tick_ms: TICK_BUSY_MS,
            config: Rc::new(config),
        });
        self.host.log(Level::Debug, concat!("bearward ", env!("CARGO_PKG_VERSION"), ": configured"));
        self.host.set_tick(TICK_BUSY_MS);
        true
    }

    /// Does what is due.
    pub fn tick(&mut self) {
        let Some(state) = &mut self.state else { return };
        let now_ms = self.host.now_ms();
        let mut busy = false;
        for provider in &mut state.providers {
            busy |= provider.tick(&self.host, &mut state.metrics, now_ms);
        }
        state.measure(&self.host, now_ms);
        state.debug = self.host.logs(Level::Debug);
        if let Some((dispatcher, mut tools)) = state.dispatcher(&self.host, now_ms) {
            dispatcher.tick(&mut tools);
        }
        state.look_at_held(&self.host, now_ms);
        busy |= state.end_streams(&self.host, now_ms);
        state.leave(&self.host, self.id);
        state.set_tick(&self.host, busy);
    }

    /// Takes the answer to a call.
    pub fn called(&mut self, call: u32, response: &CallResponse) {
        let Some(state) = &mut self.state else { return };
        let now_ms = self.host.now_ms();
        if let Some((dispatcher, mut tools)) = state.dispatcher(&self.host, now_ms)
            && dispatcher.called(&mut tools, call, response)
        {
            state.leave(&self.host, self.id);
            return;
        }
        for index in 0..state.providers.len() {
            let Some(provider) = state.providers.get_mut(index) else { continue };
            if let Some(answer) = provider.called(&self.host, &mut state.metrics, call, response, now_ms) {
                if let Some(answer) = answer {
                    state.gate(&self.host, now_ms).introspected(index, answer);
                }
                break;
            }
        }
        state.look_at_held(&self.host, now_ms);
        state.leave(&self.host, self.id);
        for provider in &mut state.providers {
            provider.introspector.iter_mut().for_each(Introspector::settle);
        }
    }

    /// Takes a request's headers. `context` is the number that the host knows it by; `ends` says that it has no body.
    pub fn request(&mut self, context: u32, ends: bool) -> Flow {
        let Some(state) = &mut self.state else {
            let _ = self.host.reply(503, &[(b"cache-control", b"no-store")], &[], "bearward_not_configured", -1);
            return Flow::Pause;
        };
        let now_ms = self.host.now_ms();
        let mut done = state.step(&self.host, Event::Arrived, now_ms);
        if matches!(done, Done::Waits) && state.held.len() >= HOLD_MOST {
            done = state.refuse(&self.host, Refusal::Unavailable, Details::default(), None);
        }
        match done {
            Done::Passed(standing) => {
                state.opened(context, standing, now_ms);
                Flow::Continue
            }
            Done::Answered => Flow::Pause,
            Done::Dispatch(outgoing) => {
                if let Some((dispatcher, mut tools)) = state.dispatcher(&self.host, now_ms) {
                    dispatcher.take(&mut tools, context, outgoing, ends);
                }
                Flow::Pause
            }
            Done::Waits => {
                state.metrics.count(Counter::Held);
                state.held.insert(context, now_ms.saturating_add(HOLD_MS));
                state.set_tick(&self.host, true);
                Flow::Pause
            }
        }
    }

    /// Takes what has come of a request's body: so many bytes, all in all; or its trailers, which end it. `ends` says
    /// that there is no more.
    ///
    /// Envoy takes it for a yes to the headers if a body goes on, where it lets bodies come while headers wait
    /// (`allow_on_headers_stop_iteration`); so no body goes on before its headers. To be asked of requests that did not go
    /// on when they came.
    pub fn body(&mut self, context: u32, size: usize, ends: bool) -> Flow {
        let Some(state) = &mut self.state else { return Flow::Pause };
        let now_ms = self.host.now_ms();
        if let Some((dispatcher, mut tools)) = state.dispatcher(&self.host, now_ms)
            && dispatcher.body(&mut tools, context, size, ends)
        {
            return Flow::Pause;
        }
        if state.gone_on.contains(&context) { Flow::Continue } else { Flow::Pause }
    }

    /// Takes identities out of the trailers of the request in context: some servers read them as if they were headers.
    pub fn trailers(&self) {
        let Some(state) = &self.state else { return };
        let Ok(trailers) = self.host.request_trailers() else { return };
        for (name, _) in trailers.iter().filter(|(name, _)| state.config.is_identity(name)) {
            let _ = self.host.remove_request_trailer(name);
        }
    }

    /// Forgets a request that is gone.
    pub fn forget(&mut self, context: u32) {
        if let Some(state) = &mut self.state {
            state.held.remove(&context);
            state.gone_on.remove(&context);
            state.streams.gone(context);
            state.dispatcher.iter_mut().for_each(|dispatcher| dispatcher.forget(context));
        }
    }

    /// Lets another VM lead: this one's configuration has been replaced.
    pub fn step_down(&mut self) {
        let Some(state) = &mut self.state else { return };
        state.metrics.flush(&self.host);
        for provider in &mut state.providers {
            provider.step_down(&self.host, &state.metrics);
        }
    }
}

/// What became of a request.
#[derive(Debug)]
enum Done {
    /// With a token that stands on this, or without one.
    Passed(Option<Rc<Standing>>),
    Answered,
    Waits,
    Dispatch(Outgoing),
}

impl State {
    /// Everything a decision needs.
    fn gate<'a, H: Host>(&'a mut self, host: &'a H, now_ms: u64) -> Gate<'a, 'a, H> {
        let Self { config, providers, cache, metrics, .. } = self;
        Gate { host, config, providers, cache, metrics, now_ms }
    }

    /// Decides on the request in context and carries it out.
    fn step(&mut self, host: &impl Host, event: Event, now_ms: u64) -> Done {
        let Ok(headers) = host.request_headers() else {
            return self.refuse(host, Refusal::Unavailable, Details::default(), None);
        };
        let config = Rc::clone(&self.config);
        let Self { providers, cache, metrics, .. } = self;
        let mut gate = Gate { host, config: &config, providers, cache, metrics, now_ms };
        let (refusal, details) = match gate.decide(event, &headers) {
            Verdict::Hold => return Done::Waits,
            Verdict::Pass(changes) => match apply(host, &config, &changes) {
                Ok(()) => return Done::Passed(changes.token.map(|token| Rc::clone(token.standing()))),
                // A header that could not be removed or set: the upstream would be told something untrue.
                Err(_) => (Refusal::Unavailable, Box::default()),
            },
            Verdict::Dispatch(changes) => return Done::Dispatch(Outgoing::new(&headers, &changes)),
            Verdict::Serve(document, asks) => {
                self.metrics.count(Counter::Open);
                if reply::serve(host, document, asks).is_err() {
                    host.log(Level::Error, "a document could not be sent");
                    return Done::Waits;
                }
                return Done::Answered;
            }
            Verdict::Refuse(refusal, details) => (refusal, details),
        };
        self.refuse(host, refusal, *details, Some(&headers))
    }

    /// Answers the request in context with a refusal. One that can't be answered waits for it: nothing is let through.
    fn refuse(&mut self, host: &impl Host, refusal: Refusal, details: Details<'_>, headers: Option<&Headers>) -> Done {
        let content_type = headers.and_then(|headers| headers.iter().find(|(name, _)| *name == b"content-type"));
        let details = Details { grpc: content_type.is_some_and(|(_, value)| reply::is_grpc(value)), ..details };
        let status = match reply::refuse(host, &self.config.space, refusal, &details) {
            Ok(status) => status,
            Err(error) => {
                host.log(Level::Error, &format!("a refusal could not be sent: {error}"));
                return Done::Waits;
            }
        };
        self.metrics.refused(refusal);
        if self.debug {
            let id = host.property(b"request\0id").ok().flatten();
            host.log(Level::Debug, &reply::denial(refusal.answer().label, status, headers, id.as_deref()));
        }
        Done::Answered
    }

    /// Keeps in view a request that was let through.
    fn opened(&mut self, context: u32, standing: Option<Rc<Standing>>, now_ms: u64) {
        if let Some(standing) = standing {
            self.streams.opened(context, &standing, &self.providers, now_ms);
        }
    }

    /// Ends the requests whose tokens are no good any more; whether more are to be looked at at once.
    ///
    /// They are answered as if they came now: Envoy resets those whose answer has begun.
    fn end_streams(&mut self, host: &impl Host, now_ms: u64) -> bool {
        let (ended, more) = self.streams.ended(host, &self.providers, now_ms);
        for stream in ended {
            if host.enter(stream.context).is_err() {
                self.streams.gone(stream.context);
                continue;
            }
            let (refusal, counter) = match stream.why {
                Why::Revoked => (Refusal::Revoked, Counter::ClosedRevoked),
                Why::Expired => (Refusal::Expired, Counter::ClosedExpired),
            };
            // The headers are not to be had any more, but what was made of them is.
            let property = |path: &[u8]| host.property(path).ok().flatten().unwrap_or_default();
            let grpc = reply::is_grpc(&property(b"request\0headers\0content-type"));
            let details = Details { grpc, dpop: stream.dpop, ..Details::default() };
            if let Err(error) = reply::refuse(host, &self.config.space, refusal, &details) {
                host.log(Level::Error, &format!("an open stream could not be closed: {error}"));
                continue;
            }
            self.streams.gone(stream.context);
            self.metrics.count(counter);
            if self.debug {
                let id = property(b"request\0id");
                let label = refusal.answer().label;
                host.log(Level::Debug, &format!("closed reason={label} request_id={}", id.escape_ascii()));
            }
        }
        more
    }

    /// Looks again at the requests that wait.
    fn look_at_held(&mut self, host: &impl Host, now_ms: u64) {
        if self.held.is_empty() {
            return;
        }
        let waiting: Vec<_> = self.held.iter().map(|(context, until)| (*context, *until)).collect();
        for (context, until) in waiting {
            let event = if is_over(until, HOLD_MS, now_ms) { Event::TimeUp } else { Event::Again };
            let entered = host.enter(context).is_ok();
            let done = if entered { self.step(host, event, now_ms) } else { Done::Answered };
            if !matches!(done, Done::Waits) {
                self.held.remove(&context);
            }
            if let Done::Passed(standing) = done {
                self.opened(context, standing, now_ms);
                self.gone_on.insert(context);
                if host.resume().is_err() {
                    host.log(Level::Error, "a held request could not go on");
                }
            }
        }
    }

    /// Goes back from the requests that were looked at to the configuration, whose callback this is.
    fn leave(&self, host: &impl Host, root: u32) {
        if host.enter(root).is_err() {
            host.log(Level::Error, "the host does not know this configuration any more");
        }
    }

    /// Where the filter hands requests to the authserver, with what that takes.
    fn dispatcher<'a, H>(&'a mut self, host: &'a H, now_ms: u64) -> Option<(&'a mut Dispatcher, Tools<'a, H>)> {
        Some((self.dispatcher.as_mut()?, Tools { host, metrics: &mut self.metrics, now_ms }))
    }

    fn measure(&mut self, host: &impl Host, now_ms: u64) {
        self.metrics.flush(host);
        self.providers.iter().for_each(|provider| provider.measure(host, &self.metrics));
        if let Some(age) = self.providers.iter().filter_map(|provider| provider.feed_age(now_ms)).max() {
            self.metrics.show_age(host, age, now_ms);
        }
    }

    fn set_tick(&mut self, host: &impl Host, busy: bool) {
        let wanted = match () {
            () if busy || !self.held.is_empty() => TICK_BUSY_MS,
            () if !self.streams.is_empty() => TICK_OPEN_MS,
            () => TICK_MS,
        };
        if wanted != self.tick_ms {
            self.tick_ms = wanted;
            host.set_tick(wanted);
        }
    }
}

/// Changes the request in context. What must go goes first.
fn apply(host: &impl Host, config: &Config, changes: &Changes<'_>) -> HostResult<()> {
    for name in &changes.remove {
        host.remove_request_header(name)?;
    }
    if let Some(path) = &changes.path {
        host.replace_request_header(b":path", path)?;
    }
    if let Some(cookie) = &changes.cookie {
        host.remove_request_header(b"cookie")?;
        if !cookie.is_empty() {
            host.add_request_header(b"cookie", cookie)?;
        }
    }
    for (name, value) in &changes.add {
        host.add_request_header(name.as_bytes(), value)?;
    }
    let Some(outputs) = changes.token.as_ref().map(|token| token.outputs()) else { return Ok(()) };
    for (index, value) in &outputs.headers {
        if let Some((name, _)) = config.forward.headers.get(*index) {
            host.add_request_header(name.as_bytes(), value)?;
        }
    }
    for (index, value) in &outputs.state {
        if let Some((name, _)) = config.forward.state.get(*index) {
            // For the access log: a line without it is no reason to refuse.
            let _ = host.set_property(name.as_bytes(), value);
        }
    }
    Ok(())
}
