//! The configuration: JSON as `pluginConfig`, `Struct` and `StringValue` deliver it, into a policy that can't be wrong.
//!
//! Unknown keys are refused, and what is wrong is said in one line that begins with the path to it. Numbers may be
//! written `300` or `300.0`, as a protobuf `Struct` knows only doubles.

use crate::config::duration::Span;
use bearward_token::challenge::Realm;
use bearward_token::path::Pattern;
use bearward_token::policy::{AccessSpec, PathSpec, Policy, RuleSpec};
use bearward_token::verify::Expectation;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

mod duration;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
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

fn wrong(path: impl fmt::Display, reason: impl fmt::Display) -> ConfigError {
    ConfigError { path: path.to_string(), reason: reason.to_string() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    realm: Option<String>,
    providers: BTreeMap<String, RawProvider>,
    rules: Vec<RawRule>,
    #[serde(default)]
    oauth: Option<RawOauth>,
    #[serde(default)]
    forward: RawForward,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    issuer: String,
    audiences: Vec<String>,
    #[serde(default)]
    clock_skew: Option<Span>,
    #[serde(default)]
    jwks: Option<RawJwks>,
    #[serde(default)]
    introspection: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    revocations: Option<RawRevocations>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJwks {
    cluster: String,
    path: String,
    #[serde(default)]
    cache_duration: Option<Span>,
    #[serde(default)]
    timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRevocations {
    cluster: String,
    path: String,
    #[serde(default)]
    max_staleness: Option<Span>,
    #[serde(default)]
    on_stale: OnStale,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    #[serde(rename = "match")]
    matches: RawMatch,
    #[serde(default)]
    allow: Option<RawAllow>,
    #[serde(default)]
    require: Option<RawRequire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMatch {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    methods: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawAllow {
    Anonymous,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequire {
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOauth {
    cluster: String,
    prefixes: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawForward {
    #[serde(default)]
    authorization: RawAuthorization,
    #[serde(default)]
    headers: BTreeMap<String, Claim>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum RawAuthorization {
    #[default]
    Strip,
    Keep,
}

const SKEW: Span = Span::from_millis(60_000);
const CACHE: Span = Span::from_millis(300_000);
const TIMEOUT: Span = Span::from_millis(2_000);
const STALENESS: Span = Span::from_millis(60_000);

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`ConfigError`], the first thing that is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let mut json = serde_json::Deserializer::from_slice(json);
        let raw: Raw = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            wrong(if path == "." { "configuration" } else { &path }, error.inner())
        })?;
        json.end().map_err(|error| wrong("configuration", error))?;
        raw.check()
    }
}

impl Raw {
    fn check(self) -> Result<Config, ConfigError> {
        let providers: Vec<_> =
            self.providers.into_iter().map(|(name, raw)| raw.check(name)).collect::<Result<_, _>>()?;
        let Some(first) = providers.first() else {
            return Err(wrong("providers", "at least one is needed"));
        };
        for (index, provider) in providers.iter().enumerate() {
            let same = |other: &&ProviderConfig| other.expectation.issuer == provider.expectation.issuer;
            if let Some(other) = providers.iter().take(index).find(same) {
                let path = format!("providers.{}.issuer", provider.name);
                return Err(wrong(path, format!("the same as that of {:?}", other.name)));
            }
        }
        let realm = Realm::new(self.realm.as_deref().unwrap_or(&first.expectation.issuer));
        let realm = realm.map_err(|error| wrong("realm", error))?;
        let specs: Vec<_> =
            self.rules.into_iter().enumerate().map(|(index, raw)| raw.check(index)).collect::<Result<_, _>>()?;
        let policy = Policy::new(specs).map_err(|(index, error)| wrong(format!("rules[{index}]"), error))?;
        let oauth = match self.oauth {
            None => Vec::new(),
            Some(raw) => raw.check()?,
        };
        Ok(Config { realm, providers, policy, oauth, forward: self.forward.check()? })
    }
}

impl RawProvider {
    fn check(self, name: String) -> Result<ProviderConfig, ConfigError> {
        let at = |member: &str| format!("providers.{name}.{member}");
        if self.introspection.is_some() {
            return Err(wrong(at("introspection"), "not supported by this version; use jwks"));
        }
        let Some(jwks) = self.jwks else {
            return Err(wrong(at("jwks"), "is needed to check this provider's tokens"));
        };
        if !(self.issuer.starts_with("https://") || self.issuer.starts_with("http://")) {
            return Err(wrong(at("issuer"), "must be an http or https URL, exactly as the tokens' iss"));
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(wrong(at("audiences"), "at least one is needed, and none may be empty"));
        }
        let skew = self.clock_skew.unwrap_or(SKEW);
        if skew.millis() > 600_000 {
            return Err(wrong(at("clock_skew"), "at most 10m"));
        }
        let jwks_at = |member: &str| at(&format!("jwks.{member}"));
        place(&jwks.cluster, &jwks.path, &jwks_at)?;
        let jwks = JwksConfig {
            cluster: jwks.cluster,
            path: jwks.path,
            cache_ms: within(jwks.cache_duration, CACHE, 1_000, 86_400_000, || jwks_at("cache_duration"))?,
            timeout_ms: millis32(within(jwks.timeout, TIMEOUT, 100, 30_000, || jwks_at("timeout"))?),
        };
        let revocations = self.revocations.map(|raw| raw.check(&|member| at(&format!("revocations.{member}"))));
        let revocations = revocations.transpose()?;
        let expectation =
            Expectation { issuer: self.issuer, audiences: self.audiences, clock_skew: skew.millis() / 1_000 };
        Ok(ProviderConfig { name, expectation, jwks, revocations })
    }
}

impl RawRevocations {
    fn check(self, at: &dyn Fn(&str) -> String) -> Result<RevocationsConfig, ConfigError> {
        place(&self.cluster, &self.path, at)?;
        let longest = 86_400_000;
        let max_staleness_ms = within(self.max_staleness, STALENESS, 3_000, longest, || at("max_staleness"))?;
        Ok(RevocationsConfig { cluster: self.cluster, path: self.path, max_staleness_ms, on_stale: self.on_stale })
    }
}

/// A cluster and a path that can be asked.
fn place(cluster: &str, path: &str, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
    if cluster.is_empty() {
        return Err(wrong(at("cluster"), "the name of an Envoy cluster is needed"));
    }
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#'));
    if !path.starts_with('/') || !plain {
        return Err(wrong(at("path"), "must begin with \"/\" and hold no query"));
    }
    Ok(())
}

fn within(
    value: Option<Span>,
    default: Span,
    least: u64,
    most: u64,
    path: impl Fn() -> String,
) -> Result<u64, ConfigError> {
    let millis = value.unwrap_or(default).millis();
    if (least..=most).contains(&millis) {
        return Ok(millis);
    }
    let (least, most) = (Span::from_millis(least), Span::from_millis(most));
    Err(wrong(path(), format!("must be from {least} to {most}")))
}

fn millis32(millis: u64) -> u32 {
    u32::try_from(millis).unwrap_or(u32::MAX)
}

impl RawRule {
    fn check(self, index: usize) -> Result<RuleSpec, ConfigError> {
        let at = |member: &str| format!("rules[{index}].{member}");
        let path = match (self.matches.path, self.matches.prefix) {
            (Some(path), None) => PathSpec::Path(path),
            (None, Some(prefix)) => PathSpec::Prefix(prefix),
            _ => return Err(wrong(at("match"), "needs either path or prefix")),
        };
        let access = match (self.allow, self.require) {
            (Some(RawAllow::Anonymous), None) => AccessSpec::Anonymous,
            (None, Some(require)) => AccessSpec::Scopes(require.scopes),
            _ => return Err(wrong(format!("rules[{index}]"), "needs either allow or require")),
        };
        if self.matches.methods.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong(at("match.methods"), "no method would match; leave it out for all"));
        }
        Ok(RuleSpec { path, methods: self.matches.methods.unwrap_or_default(), access })
    }
}

impl RawOauth {
    fn check(self) -> Result<Vec<Pattern>, ConfigError> {
        if self.cluster.is_empty() {
            return Err(wrong("oauth.cluster", "the name of an Envoy cluster is needed"));
        }
        let prefix = |(index, text): (usize, &String)| {
            Pattern::prefix(text).map_err(|error| wrong(format!("oauth.prefixes[{index}]"), error))
        };
        self.prefixes.iter().enumerate().map(prefix).collect()
    }
}

impl RawForward {
    fn check(self) -> Result<Forward, ConfigError> {
        let mut headers: Vec<(String, Claim)> = Vec::with_capacity(self.headers.len());
        for (name, claim) in self.headers {
            let path = format!("forward.headers.{name}");
            let lower = name.to_ascii_lowercase();
            if !is_identity_header(&lower) {
                return Err(wrong(path, "not a header that can carry an identity"));
            }
            if headers.iter().any(|(other, _)| same_header(other.as_bytes(), lower.as_bytes())) {
                return Err(wrong(path, "the same header twice"));
            }
            headers.push((lower, claim));
        }
        if headers.len() > 32 {
            return Err(wrong("forward.headers", "at most 32"));
        }
        Ok(Forward { keep_authorization: self.authorization == RawAuthorization::Keep, headers })
    }
}

/// Whether two names are one header, also to a server that reads `_` as `-`.
#[must_use]
pub fn same_header(a: &[u8], b: &[u8]) -> bool {
    let fold = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fold(a) == fold(b))
}

/// A field name (RFC 9110 §5.1) that the proxy itself does not need.
fn is_identity_header(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let reserved = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    !name.is_empty() && name.len() <= 128 && name.bytes().all(token) && !reserved.contains(&name)
}

#[cfg(test)]
mod tests;
