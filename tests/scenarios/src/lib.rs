//! What the filter answers, as one table: each row a request with a token, and what the client or the upstream then sees.
//!
//! The filter's own tests run it in a fake Envoy, where time stands still; the end-to-end tests in real ones. Both bring
//! an issuer's keys ([`Sign`]) and serve them, an empty revocation feed and [`config`].

mod refused;
mod rules;
mod token;
pub mod vectors;

pub use rules::config;
pub use token::{ES256, Key, RS256, Sign, Token};

/// A request, and what comes of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is about; no two have the same.
    pub name: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path with its query.
    pub path: &'static [u8],
    /// The headers, in order. `TOKEN` in a value stands for the token.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The token.
    pub token: Token,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream sees these headers, of those that [`concerns`] an identity or a credential; in order of their names.
    Passed(Vec<(&'static str, &'static str)>),
    /// The filter answers.
    Refused(Refused),
    /// Somebody answers with this status: a real Envoy may do so before the filter is asked.
    Status(u16),
}

/// A refusal as clients see it, RFC 6750 §3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The `error`, in the challenge and in the body; none is empty.
    pub error: &'static str,
    /// The `error_description`, in both.
    pub description: &'static str,
    /// What the challenge says after them; `None` if there is no challenge.
    pub challenge: Option<&'static str>,
}

impl Refused {
    /// All challenges in the answer. `realm` is the issuer.
    #[must_use]
    pub fn challenges(&self, realm: &str) -> Vec<String> {
        let more = self.challenge.into_iter();
        let said = if self.error.is_empty() {
            String::new()
        } else {
            format!(", error=\"{}\", error_description=\"{}\"", self.error, self.description)
        };
        more.map(|more| format!("Bearer realm=\"{realm}\"{said}{more}")).collect()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        if self.error.is_empty() {
            return String::new();
        }
        format!("{{\"error\":\"{}\",\"error_description\":\"{}\"}}\n", self.error, self.description)
    }
}

/// Whether a header that reaches the upstream is one that a row tells of.
#[must_use]
pub fn concerns(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '.'], "-");
    name.starts_with("x-auth-") || ["authorization", "cookie", "dpop", "x-other"].contains(&name.as_str())
}

/// All rows.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let mut rows = rules::rows();
    rows.extend(refused::rows());
    rows
}

impl Scenario {
    /// A `GET` of `/orders/1` with a good bearer token.
    fn new(name: &'static str, outcome: Outcome) -> Self {
        let headers = vec![("authorization", b"Bearer TOKEN".to_vec())];
        Self { name, method: "GET", path: b"/orders/1", headers, token: Token::default(), outcome }
    }

    fn path(self, path: &'static str) -> Self {
        Self { path: path.as_bytes(), ..self }
    }

    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn token(self, token: Token) -> Self {
        Self { token, ..self }
    }

    /// Instead of the usual one.
    fn authorization(mut self, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(name, _)| *name != "authorization");
        self.with("authorization", value)
    }

    /// Without a credential.
    fn anonymous(mut self) -> Self {
        self.headers.clear();
        self
    }

    /// Besides the others.
    fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    /// The headers with the token in its place.
    #[must_use]
    pub fn headers(&self, token: &str) -> Vec<(&'static str, Vec<u8>)> {
        let fill = |value: &[u8]| {
            let mut filled = Vec::new();
            let mut rest = value;
            while let Some(at) = rest.windows(5).position(|window| window == b"TOKEN") {
                let (before, after) = rest.split_at(at);
                filled.extend_from_slice(before);
                filled.extend_from_slice(token.as_bytes());
                rest = after.get(5..).unwrap_or_default();
            }
            filled.extend_from_slice(rest);
            filled
        };
        self.headers.iter().map(|(name, value)| (*name, fill(value))).collect()
    }
}
