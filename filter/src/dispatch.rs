//! OAuth requests that the filter itself hands to the authserver, by an HTTP call, where Envoy's routes can't be edited:
//! what goes there, what comes back, and what the client is told where nothing does.

use crate::clock::is_over;
use crate::config::Dispatch;
use crate::metrics::{Counter, Metrics};
use crate::proxy::{CallResponse, Headers, Host, Level};
use crate::request::Changes;

/// The largest body that is handed on, in bytes; the authserver takes no larger form.
pub const BODY_MOST: usize = 64 * 1024;
/// The largest answer that is handed back, in bytes.
pub const ANSWER_MOST: usize = 1024 * 1024;
/// The most requests that are on their way at once, in one VM.
pub const REQUESTS_MOST: usize = 256;

/// What handing on takes.
#[derive(Debug)]
pub struct Tools<'a, H> {
    /// The proxy.
    pub host: &'a H,
    /// What is counted.
    pub metrics: &'a mut Metrics,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The requests that are on their way to the authserver, in one VM.
#[derive(Debug)]
pub struct Dispatcher {
    config: Dispatch,
    /// Few enough to be looked through.
    requests: Vec<Request>,
}

#[derive(Debug)]
struct Request {
    /// The number that the host knows it by.
    context: u32,
    /// Whether a person at a browser waits for the answer.
    html: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Its body is still coming.
    Body {
        outgoing: Outgoing,
        /// Until when it may; Unix time in milliseconds.
        until_ms: u64,
        /// How much of it came, in bytes.
        size: usize,
    },
    /// It waits for the answer to this call.
    Sent(u32),
}

/// A request's headers as the authserver gets them.
#[derive(Debug)]
pub struct Outgoing {
    headers: Vec<(String, String)>,
    html: bool,
    /// What `content-length` says, in bytes.
    length: usize,
}

/// Why the authserver's answer is not what the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Its body is over [`BODY_MOST`].
    BodyTooLarge,
    /// Its body did not come.
    BodyLate,
    /// The call broke off, or its answer is over [`ANSWER_MOST`].
    NoAnswer,
    /// Nobody could be called, or too many are on their way.
    Unreachable,
    /// There was no answer in time.
    TimedOut,
}

impl Outgoing {
    /// What the authserver gets of a request: all but what concerns one connection only (RFC 9110 §7.6.1; Envoy has
    /// taken away what `connection` names), what would direct Envoy's own client, and what `changes` removes. A value
    /// that is not UTF-8 can't be handed on; nothing at the authserver reads one.
    #[must_use]
    pub fn new(headers: &Headers, changes: &Changes<'_>) -> Self {
        let mut outgoing = Self { headers: Vec::new(), html: false, length: 0 };
        for (name, value) in headers.iter() {
            let (Ok(text), Ok(value)) = (str::from_utf8(name), str::from_utf8(value)) else { continue };
            match text {
                "accept" => outgoing.html |= value.contains("text/html"),
                "content-length" => outgoing.length = value.parse().unwrap_or(usize::MAX),
                _ => {}
            }
            let pseudo = text.starts_with(':') && ![":method", ":path", ":authority"].contains(&text);
            if !pseudo && !is_hop(text) && !changes.remove.contains(&name) {
                outgoing.headers.push((text.to_owned(), value.to_owned()));
            }
        }
        for (name, value) in &changes.add {
            if let Ok(value) = str::from_utf8(value) {
                outgoing.headers.push(((*name).to_owned(), value.to_owned()));
            }
        }
        outgoing
    }

    fn send(&self, host: &impl Host, config: &Dispatch, body: &[u8]) -> Result<u32, Failure> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        host.call(&config.cluster, &headers, body, config.timeout_ms).map_err(|error| {
            host.log(Level::Warn, &format!("cluster {:?} cannot be called: {error}", config.cluster));
            Failure::Unreachable
        })
    }
}

/// What a header is about: this connection, or Envoy; not what is asked or answered.
fn is_hop(name: &str) -> bool {
    const HOP: [&str; 10] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    HOP.contains(&name) || name.starts_with("x-envoy-")
}

impl Dispatcher {
    /// One that has handed on nothing.
    #[must_use]
    pub fn new(config: Dispatch) -> Self {
        Self { config, requests: Vec::new() }
    }

    /// Takes the request in context; it is sent at once, or when its body has come. `ends` says that it has none.
    pub fn take(&mut self, tools: &mut Tools<'_, impl Host>, context: u32, outgoing: Outgoing, ends: bool) {
        let html = outgoing.html;
        let stage = if outgoing.length > BODY_MOST {
            Err(Failure::BodyTooLarge)
        } else if self.requests.len() >= REQUESTS_MOST {
            Err(Failure::Unreachable)
        } else if ends {
            outgoing.send(tools.host, &self.config, &[]).map(Stage::Sent)
        } else {
            let until_ms = tools.now_ms.saturating_add(self.config.timeout_ms.into());
            Ok(Stage::Body { outgoing, until_ms, size: 0 })
        };
        match stage {
            Ok(stage) => self.requests.push(Request { context, html, stage }),
            Err(failure) => failure.reply(tools, html),
        }
    }

    /// Takes what has come of the body of the request in context: so many bytes, all in all. `ends` says that there is
    /// no more. False if it is not one of these requests.
    pub fn body(&mut self, tools: &mut Tools<'_, impl Host>, context: u32, size: usize, ends: bool) -> bool {
        let Some(at) = self.requests.iter().position(|request| request.context == context) else { return false };
        let Some(Request { html, stage, .. }) = self.requests.get_mut(at) else { return false };
        let Stage::Body { outgoing, size: came, .. } = stage else { return true };
        *came = size.max(*came);
        let sent = if *came > BODY_MOST {
            Err(Failure::BodyTooLarge)
        } else if !ends {
            return true;
        } else {
            let body = if *came == 0 { Ok(Vec::new()) } else { tools.host.request_body(*came) };
            body.map_err(|_| Failure::NoAnswer).and_then(|body| outgoing.send(tools.host, &self.config, &body))
        };
        match sent {
            Ok(call) => *stage = Stage::Sent(call),
            Err(failure) => {
                failure.reply(tools, *html);
                self.requests.swap_remove(at);
            }
        }
        true
    }

    /// Takes the answer to a call and hands it back; false if the call was not one of these.
    pub fn called(&mut self, tools: &mut Tools<'_, impl Host>, call: u32, response: &CallResponse) -> bool {
        let sent = |request: &Request| matches!(request.stage, Stage::Sent(mine) if mine == call);
        let Some(at) = self.requests.iter().position(sent) else { return false };
        let request = self.requests.swap_remove(at);
        // Before another context is entered: the answer belongs to this one.
        let headers = tools.host.answer_headers();
        if tools.host.enter(request.context).is_ok() {
            match headers.map_err(|_| Failure::NoAnswer).and_then(|headers| hand_back(tools.host, response, &headers)) {
                Ok(()) => {}
                Err(failure) => failure.reply(tools, request.html),
            }
        }
        true
    }

    /// Gives up on bodies that do not come.
    pub fn tick(&mut self, tools: &mut Tools<'_, impl Host>) {
        let now_ms = tools.now_ms;
        let most_ms = u64::from(self.config.timeout_ms);
        let late = |request: &Request| matches!(request.stage, Stage::Body { until_ms, .. } if is_over(until_ms, most_ms, now_ms));
        while let Some(at) = self.requests.iter().position(late) {
            let request = self.requests.swap_remove(at);
            if matches!(request.stage, Stage::Body { size: 0, .. }) {
                let why = "a body never began: is allow_on_headers_stop_iteration set for this plugin?";
                tools.host.log(Level::Warn, why);
            }
            if tools.host.enter(request.context).is_ok() {
                Failure::BodyLate.reply(tools, request.html);
            }
        }
    }

    /// Forgets a request that is gone.
    pub fn forget(&mut self, context: u32) {
        self.requests.retain(|request| request.context != context);
    }

    /// Whether none is on its way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty()
    }
}

/// Answers the request in context with what the authserver answered.
fn hand_back(host: &impl Host, response: &CallResponse, headers: &Headers) -> Result<(), Failure> {
    if response.status < 200 || response.body.len() > ANSWER_MOST {
        return Err(Failure::NoAnswer);
    }
    // Where nobody answered Envoy does, and only what an upstream answered says how long that took.
    if !headers.iter().any(|(name, _)| name == b"x-envoy-upstream-service-time") {
        match response.status {
            503 => return Err(Failure::Unreachable),
            504 => return Err(Failure::TimedOut),
            _ => {}
        }
    }
    // The date is Envoy's to say, which would say it twice.
    let theirs = |name: &[u8]| !str::from_utf8(name).is_ok_and(|name| is_hop(name) || name == "date");
    let pairs: Vec<_> = headers.iter().filter(|(name, _)| !name.starts_with(b":") && theirs(name)).collect();
    reply(host, response.status, &pairs, &response.body);
    Ok(())
}

impl Failure {
    /// Tells the client: a page for people, and what clients of an OAuth endpoint expect for the others (RFC 6749 §5.2).
    fn reply(self, tools: &mut Tools<'_, impl Host>, html: bool) {
        tools.metrics.count(Counter::DispatchFail);
        let (status, error, description) = match self {
            Self::BodyTooLarge => (413, "invalid_request", "The request's body is larger than 64 KiB."),
            Self::BodyLate => (408, "invalid_request", "The request's body did not come in time."),
            Self::NoAnswer => (502, "server_error", "The authorization server's answer cannot be passed on."),
            Self::Unreachable => (503, "temporarily_unavailable", "The authorization server cannot be reached."),
            Self::TimedOut => (504, "temporarily_unavailable", "The authorization server did not answer in time."),
        };
        let (kind, body): (&[u8], String) = if html {
            let page = [PAGE, description, "</h1><p>Please try again in a moment.</p>\n"].concat();
            (b"text/html; charset=utf-8", page)
        } else {
            let json = ["{\"error\":\"", error, "\",\"error_description\":\"", description, "\"}\n"].concat();
            (b"application/json", json)
        };
        let mut pairs = vec![(b"content-type".as_slice(), kind), (b"cache-control", b"no-store")];
        if status > 500 {
            pairs.push((b"retry-after", b"5"));
        }
        reply(tools.host, status, &pairs, body.as_bytes());
    }
}

/// A page as far as what went wrong.
const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
    content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><title>Not now</title><h1>";

fn reply(host: &impl Host, status: u16, headers: &[(&[u8], &[u8])], body: &[u8]) {
    if host.reply(status, headers, body, "bearward_dispatch", -1).is_err() {
        host.log(Level::Error, "an answer could not be handed back");
    }
}
