//! The configuration: JSON as `pluginConfig`, `Struct` and `StringValue` deliver it, into a policy that can't be wrong.
//!
//! Unknown keys are refused, and what is wrong is said in one line that begins with the path to it. Numbers may be
//! written `300` or `300.0`, as a protobuf `Struct` knows only doubles.

use bearward_token::challenge::Realm;
use bearward_token::path::Pattern;
use bearward_token::policy::Policy;
use bearward_token::verify::Expectation;

mod duration;
mod protobuf;
mod read;
mod tree;

/// The filter's configuration, checked.
#[derive(Debug)]
pub struct Config {
    /// The protection space that challenges name: `realm`, or the first provider's issuer.
    pub realm: Realm,
    /// Whose tokens are taken; no two have one issuer.
    pub providers: Vec<ProviderConfig>,
    /// What each request takes.
    pub policy: Policy,
    /// What Envoy's routes hand to the authserver.
    pub oauth: Vec<Pattern>,
    /// What an upstream is told.
    pub forward: Forward,
}

/// One issuer, and where its keys and revocations are had.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name in the configuration.
    pub name: String,
    /// What its tokens must say.
    pub expectation: Expectation,
    /// Its keys.
    pub jwks: JwksConfig,
    /// Its revocation feed, if it has one.
    pub revocations: Option<RevocationsConfig>,
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

/// What an upstream is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forward {
    /// Whether `authorization` goes on to the upstream.
    pub keep_authorization: bool,
    /// The identity headers: name in lower case, and the claim whose value it carries.
    pub headers: Vec<(String, Claim)>,
}

/// A claim that a header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// `iss`
    Iss,
    /// `sub`
    Sub,
    /// `aud`, space-delimited if there are several
    Aud,
    /// `client_id`
    ClientId,
    /// `scope`
    Scope,
    /// `jti`
    Jti,
    /// `gid`, the grant
    Gid,
    /// `exp`, Unix time in seconds
    Exp,
    /// `iat`, Unix time in seconds
    Iat,
    /// `auth_time`, Unix time in seconds
    AuthTime,
    /// `acr`
    Acr,
}

/// What is wrong with a configuration, in one line that begins with where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ConfigError {
    path: String,
    reason: String,
}

impl Config {
    /// Reads and checks a configuration: JSON, or a protobuf `Struct` as Envoy hands it on.
    ///
    /// # Errors
    /// [`ConfigError`], the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        read::config(tree::parse(bytes)?)
    }
}

/// Whether two names are one header, also to a server that reads `_` as `-`.
#[must_use]
pub fn same_header(a: &[u8], b: &[u8]) -> bool {
    let fold = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fold(a) == fold(b))
}

#[cfg(test)]
mod tests;
