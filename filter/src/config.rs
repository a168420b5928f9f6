//! The configuration: JSON as `pluginConfig`, `Struct` and `StringValue` deliver it, into a policy that can't be wrong.
//!
//! Unknown keys are refused, and what is wrong is said in one line that begins with the path to it. Numbers may be
//! written `300` or `300.0`, as a protobuf `Struct` knows only doubles.

use crate::credential::Location;
use crate::output::Output;
use bearward_token::challenge::Space;
use bearward_token::introspection::Addressed;
use bearward_token::jwk::KeySet;
use bearward_token::jws::Algorithms;
use bearward_token::path::Pattern;
use bearward_token::policy::Policy;
use bearward_token::verify::Expectation;

mod duration;
mod protobuf;
mod read;
mod tree;

/// The filter's configuration, checked. The default one lets nothing through.
#[derive(Debug, Default)]
pub struct Config {
    /// Who challenges: `realm`, or the first provider's issuer, and what is announced with it.
    pub space: Space,
    /// Where tokens are looked for.
    pub credentials: Vec<Location>,
    /// Whose tokens are taken; no two have one issuer.
    pub providers: Vec<ProviderConfig>,
    /// What each request takes.
    pub policy: Policy,
    /// The property that may name a request's policy, as the host takes it.
    pub route_policy: Option<Vec<u8>>,
    /// Whether CORS preflights are let through.
    pub cors_preflight: bool,
    /// What Envoy's routes hand to the authserver.
    pub oauth: Oauth,
    /// What is said of this resource (RFC 9728), if anything.
    pub resource: Option<Resource>,
    /// How DPoP proofs are checked.
    pub dpop: Dpop,
    /// What an upstream is told.
    pub forward: Forward,
    /// What becomes of requests that go on when their token does not.
    pub open_streams: OpenStreams,
}

/// What is the authserver's to answer.
#[derive(Debug, Default)]
pub struct Oauth {
    /// Its paths.
    pub prefixes: Vec<Pattern>,
    /// The hosts at which they are its; none are all of them.
    pub hosts: Vec<String>,
    /// The key by which the filter vouches for what only the gateway knows.
    pub gateway_secret: Option<Secret>,
    /// Where the filter itself hands these requests; else Envoy's routes do.
    pub dispatch: Option<Dispatch>,
}

/// How requests are handed to the authserver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The Envoy cluster.
    pub cluster: String,
    /// How long a body may take to come, and then an answer, in milliseconds.
    pub timeout_ms: u32,
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes it.
    #[must_use]
    pub fn new(value: &[u8]) -> Self {
        Self(value.into())
    }

    /// The value.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The protected resource's metadata, RFC 9728 §2.
#[derive(Debug)]
pub struct Resource {
    /// Where it is served.
    pub path: Vec<u8>,
    /// The document.
    pub document: String,
}

/// How DPoP proofs are checked, RFC 9449 §4.3.
#[derive(Debug, Default)]
pub struct Dpop {
    /// How old a proof may be, and how far in the future, in seconds.
    pub window: u64,
    /// The scheme, host and port that clients see, where the proxy before this one changes them.
    pub origin: Option<String>,
    /// The key of nonces, where proofs must carry one.
    pub nonce_secret: Option<Secret>,
}

/// One issuer, and how its tokens are checked.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name in the configuration.
    pub name: String,
    /// What its tokens must say.
    pub expectation: Expectation,
    /// Its keys.
    pub keys: KeysConfig,
    /// Where it is asked about tokens that no key is for.
    pub introspection: Option<IntrospectionConfig>,
    /// Its revocation feed, if it has one.
    pub revocations: Option<RevocationsConfig>,
}

/// An issuer's keys.
#[derive(Debug, Clone)]
pub enum KeysConfig {
    /// It has none: all its tokens are introspected.
    None,
    /// These.
    Fixed(KeySet),
    /// They are fetched.
    Remote(JwksConfig),
}

/// Where keys are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksConfig {
    /// The Envoy cluster.
    pub cluster: String,
    /// The path there.
    pub path: String,
    /// How long a set is used before it is fetched again, in milliseconds.
    pub cache_ms: u64,
    /// How long a fetch may take, in milliseconds.
    pub timeout_ms: u32,
    /// The algorithms that its tokens may use; `None` is what its keys say.
    pub algorithms: Option<Algorithms>,
}

/// Where tokens are introspected, RFC 7662.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntrospectionConfig {
    /// The Envoy cluster.
    pub cluster: String,
    /// The path there.
    pub path: String,
    /// What `authorization` says there; empty where the cluster's own TLS says who asks.
    pub authorization: Secret,
    /// How long an answer holds at the most, in milliseconds.
    pub cache_ms: u64,
    /// How long a token that is not active is remembered, in milliseconds.
    pub inactive_ms: u64,
    /// How long a call may take, in milliseconds.
    pub timeout_ms: u32,
    /// What its opaque tokens begin with.
    pub token_prefix: String,
    /// What its answers must say where they must be signed (RFC 9701).
    pub signed: Option<Addressed>,
}

/// Where revocations are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationsConfig {
    /// The Envoy cluster.
    pub cluster: String,
    /// The path there.
    pub path: String,
    /// How long ago the feed may have answered last, in milliseconds.
    pub max_staleness_ms: u64,
    /// What happens to tokens when that is too long ago.
    pub on_stale: OnStale,
    /// The key by which the feed knows its followers.
    pub gateway_secret: Option<Secret>,
}

/// What happens to tokens when the feed is stale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnStale {
    /// They are refused with 503.
    #[default]
    Deny,
    /// They are taken, as far as is known, and counted.
    Allow,
}

/// What becomes of requests that go on when their token does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenStreams {
    /// Whether they are closed when it is revoked.
    pub close_revoked: bool,
    /// Whether they are closed when it expires.
    pub close_expired: bool,
    /// For how long after its beginning a request is left alone, in milliseconds.
    pub grace_ms: u64,
}

impl Default for OpenStreams {
    fn default() -> Self {
        Self { close_revoked: true, close_expired: false, grace_ms: 5_000 }
    }
}

/// What an upstream is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forward {
    /// Whether the credential goes on to the upstream.
    pub keep_credential: bool,
    /// The identity headers: name in lower case, and what each carries.
    pub headers: Vec<(String, Output)>,
    /// What access logs and later filters can read: name, and what it carries.
    pub state: Vec<(String, Output)>,
}

/// What is wrong with a configuration, in one line that begins with where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.escape_debug())]
pub struct ConfigError {
    path: String,
    reason: String,
}

impl Config {
    /// Reads and checks a configuration: JSON, or a protobuf `Struct` as Envoy hands it on. `environment` gives the
    /// variables that secrets may name.
    ///
    /// # Errors
    /// [`ConfigError`], the first thing that is wrong.
    pub fn parse(bytes: &[u8], environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read::config(tree::parse(bytes)?, environment)
    }

    /// Whether an upstream is told who calls by a header of this name, which is not for clients to send.
    #[must_use]
    pub fn is_identity(&self, name: &[u8]) -> bool {
        self.forward.headers.iter().any(|(header, _)| same_header(header.as_bytes(), name))
    }
}

/// Whether two names are one header, also to a server that reads `_` as `-`, or all that is no letter or digit alike, as
/// CGI's variables are named (RFC 3875 §4.1.18).
#[must_use]
pub fn same_header(a: &[u8], b: &[u8]) -> bool {
    let fold = |byte: &u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fold(a) == fold(b))
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
