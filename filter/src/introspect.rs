//! Opaque tokens, asked about at their issuer (RFC 7662): one call per token however many requests wait for it, in whichever
//! VM. Where the configuration says so, only signed answers count (RFC 9701).

use crate::answers::{Answers, Told};
use crate::call::push_encoded;
use crate::config::IntrospectionConfig;
use crate::keys::Keys;
use crate::metrics::{Counter, Metrics};
use crate::proxy::{CallResponse, Host, Level};
use crate::slots::Slots;
use crate::verifier::HostVerifier;
use bearward_token::claim_set::ClaimSet;
use bearward_token::introspection::{AnswerError, MEDIA_TYPE};
use serde_json::Value;

/// The most calls that are on their way at once, in one VM; further tokens wait for their turn.
pub const CALLS_MOST: usize = 64;
/// The most tokens that are asked about or wait for it.
const TOKENS_MOST: usize = 512;
/// How long another VM waits beyond a call's time, in milliseconds.
const LATE_MS: u64 = 100;
/// The largest answer that is read, in bytes.
const ANSWER_MOST: usize = 64 * 1024;

/// An issuer's introspection endpoint, as one VM uses it.
#[derive(Debug)]
pub struct Introspector {
    config: IntrospectionConfig,
    authority: String,
    answers: Answers,
    /// Few enough to be looked through: only tokens whose answer is on its way are here.
    tokens: Vec<(Box<str>, State)>,
    sent: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not asked yet.
    Waiting,
    /// Asked by this call.
    Sent(u32),
    /// Asked in vain. Forgotten as soon as those who wait were told: an error is never kept.
    Failed,
}

/// What comes of asking about a token.
#[derive(Debug)]
pub enum Asked {
    /// The issuer was asked before, by whichever VM; this is what it said, and when (Unix time in milliseconds).
    Said(ClaimSet, u64),
    /// The answer is on its way.
    Coming,
    /// There was none, or nothing that could be read.
    Failed,
    /// Too many are asked about already.
    Full,
}

/// An answer: the token, and what its issuer says of it.
pub type Answer = (Box<str>, ClaimSet);

impl Introspector {
    /// One that has asked nothing. `authority` is the host that the issuer's URL names.
    #[must_use]
    pub fn new(config: IntrospectionConfig, authority: String, issuer: &str) -> Self {
        let client = String::from_utf8_lossy(config.authorization.expose());
        let signed = if config.signed.is_some() { "signed" } else { "" };
        // Another client may be told something else.
        let slots = Slots::new(&["introspection", issuer, &config.cluster, &config.path, &client, signed]);
        let asks_ms = u64::from(config.timeout_ms).saturating_add(LATE_MS);
        Self { answers: Answers::new(slots, asks_ms), config, authority, tokens: Vec::new(), sent: 0 }
    }

    /// How it is configured.
    #[must_use]
    pub fn config(&self) -> &IntrospectionConfig {
        &self.config
    }

    /// Asks about a token, unless that is done already. `keys` is the generation of the issuer's.
    pub fn ask(&mut self, host: &impl Host, metrics: &mut Metrics, token: &str, keys: u32) -> Asked {
        if let Some((_, state)) = self.tokens.iter().find(|(other, _)| **other == *token) {
            return if *state == State::Failed { Asked::Failed } else { Asked::Coming };
        }
        if self.tokens.len() >= TOKENS_MOST {
            return Asked::Full;
        }
        let state = match self.look(host, token, keys) {
            Told::Said(claims, at_ms) => return Asked::Said(claims, at_ms),
            // Whoever waits for it looks here again, and finds it, or asks.
            Told::Coming => return Asked::Coming,
            Told::Nothing => State::Waiting,
            Told::Ask => self.send(host, metrics, token),
        };
        if state == State::Failed {
            return Asked::Failed; // nobody else waits for it
        }
        self.tokens.push((token.into(), state));
        Asked::Coming
    }

    /// Takes the answer to a call: `None` if it was not one of these; in it, what is known now. `keys` are the issuer's.
    pub fn called(
        &mut self,
        host: &impl Host,
        metrics: &mut Metrics,
        call: u32,
        response: &CallResponse,
        keys: &Keys,
    ) -> Option<Option<Answer>> {
        let at = self.tokens.iter().position(|(_, state)| *state == State::Sent(call))?;
        let (token, _) = self.tokens.swap_remove(at);
        self.sent = self.sent.saturating_sub(1);
        let answer = match self.read(host, metrics, response, keys) {
            Ok(claims) => {
                self.answers.tell(host, &token, host.now_ms(), keys.generation(), &claims);
                Some((token, claims))
            }
            Err(reason) => {
                self.failed(host, metrics, &reason);
                self.answers.ask_no_more(host, &token);
                self.tokens.push((token, State::Failed));
                None
            }
        };
        self.send_waiting(host, metrics, keys.generation());
        Some(answer)
    }

    /// Forgets what failed, once those who waited have been told.
    pub fn settle(&mut self) {
        self.tokens.retain(|(_, state)| *state != State::Failed);
    }

    /// Lets another VM ask: this one's configuration has been replaced.
    pub fn step_down(&self, host: &impl Host) {
        for (token, _) in self.tokens.iter().filter(|(_, state)| matches!(state, State::Sent(_))) {
            self.answers.ask_no_more(host, token);
        }
    }

    fn look(&self, host: &impl Host, token: &str, keys: u32) -> Told {
        let now_ms = host.now_ms();
        let holds = |active| if active { self.config.cache_ms } else { self.config.inactive_ms };
        self.answers.look(host, token, now_ms, keys, self.sent < CALLS_MOST, holds)
    }

    fn send_waiting(&mut self, host: &impl Host, metrics: &mut Metrics, keys: u32) {
        let mut waiting = std::mem::take(&mut self.tokens);
        waiting.retain_mut(|(token, state)| {
            if *state == State::Waiting && self.sent < CALLS_MOST {
                match self.look(host, token, keys) {
                    Told::Ask => *state = self.send(host, metrics, token),
                    // Another VM has; whoever waits for it finds it there.
                    _ => return false,
                }
            }
            true
        });
        self.tokens = waiting;
    }

    fn send(&mut self, host: &impl Host, metrics: &mut Metrics, token: &str) -> State {
        let mut body = String::from("token_type_hint=access_token&token=");
        push_encoded(&mut body, token);
        let authorization = String::from_utf8_lossy(self.config.authorization.expose());
        let mut headers = vec![
            (":method", "POST"),
            (":path", self.config.path.as_str()),
            (":authority", self.authority.as_str()),
            ("accept", if self.config.signed.is_some() { MEDIA_TYPE } else { "application/json" }),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        if !authorization.is_empty() {
            headers.push(("authorization", &authorization));
        }
        match host.call(&self.config.cluster, &headers, body.as_bytes(), self.config.timeout_ms) {
            Ok(call) => {
                self.sent = self.sent.saturating_add(1);
                State::Sent(call)
            }
            Err(error) => {
                self.failed(host, metrics, &error.to_string());
                self.answers.ask_no_more(host, token);
                State::Failed
            }
        }
    }

    /// What an answer says. What the server says beyond that is repeated nowhere.
    fn read(
        &self,
        host: &impl Host,
        metrics: &mut Metrics,
        response: &CallResponse,
        keys: &Keys,
    ) -> Result<ClaimSet, String> {
        if response.status != 200 {
            return Err(format!("status {}", response.status));
        }
        let claims = match (&self.config.signed, keys.set()) {
            (Some(signed), Some(set)) => {
                let now_ms = host.now_ms();
                let claims = signed.verify(&response.body, ANSWER_MOST, set, &HostVerifier(host), now_ms / 1_000);
                if claims == Err(AnswerError::Key) {
                    keys.unknown(host, metrics, now_ms); // for the next time
                }
                claims.map_err(|error| error.to_string())?
            }
            (Some(_), None) => return Err(AnswerError::Key.to_string()),
            (None, _) => {
                let small = Some(&response.body).filter(|body| body.len() <= ANSWER_MOST);
                small.and_then(|body| ClaimSet::parse(body)).ok_or("not an introspection answer")?
            }
        };
        // RFC 7662 §2.2.
        if claims.get("active").and_then(Value::as_bool).is_none() {
            return Err("\"active\" is not a boolean".to_owned());
        }
        Ok(claims)
    }

    fn failed(&self, host: &impl Host, metrics: &mut Metrics, reason: &str) {
        metrics.count(Counter::IntrospectFail);
        let cluster = &self.config.cluster;
        host.log(Level::Warn, &format!("no introspection by cluster {cluster:?}: {reason}"));
    }
}
