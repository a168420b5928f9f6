//! The members of a configuration: what each must be, and what it is if left out.

use crate::config::tree::{Node, Object, wrong};
use crate::config::{
    Claim, Config, ConfigError, Forward, JwksConfig, OnStale, ProviderConfig, RevocationsConfig, same_header,
};
use bearward_token::challenge::Realm;
use bearward_token::path::Pattern;
use bearward_token::policy::{AccessSpec, PathSpec, Policy, RuleSpec};
use bearward_token::verify::Expectation;

const DAY_MS: u64 = 86_400_000;
const CLOCK_SKEW_MS: u64 = 60_000;
const CACHE_MS: u64 = 300_000;
const TIMEOUT_MS: u64 = 2_000;
const MAX_STALENESS_MS: u64 = 60_000;

pub(super) fn config(node: Node) -> Result<Config, ConfigError> {
    let mut object = node.object()?;
    let providers = providers(object.required("providers")?)?;
    let realm = object.optional("realm").map(Node::text).transpose()?;
    let realm = realm.as_deref().or(providers.first().map(|first| first.expectation.issuer.as_str()));
    let realm = Realm::new(realm.unwrap_or_default()).map_err(|error| wrong("realm", error.to_string()))?;
    let rules = object.required("rules")?.list()?.into_iter().map(rule).collect::<Result<_, _>>()?;
    let policy = Policy::new(rules).map_err(|(index, error)| wrong(format!("rules[{index}]"), error.to_string()))?;
    let oauth = object.optional("oauth").map(oauth).transpose()?.unwrap_or_default();
    let forward = object.optional("forward").map(forward).transpose()?.unwrap_or_default();
    object.finish()?;
    Ok(Config { realm, providers, policy, oauth, forward })
}

fn providers(node: Node) -> Result<Vec<ProviderConfig>, ConfigError> {
    let object = node.object()?;
    let none = object.wrong("at least one is needed");
    let mut providers: Vec<ProviderConfig> = Vec::new();
    for (name, node) in object.members() {
        let provider = provider(name, node)?;
        let same = |other: &&ProviderConfig| other.expectation.issuer == provider.expectation.issuer;
        if let Some(other) = providers.iter().find(same) {
            let path = format!("providers.{}.issuer", provider.name);
            return Err(wrong(path, format!("the same as that of {:?}", other.name)));
        }
        providers.push(provider);
    }
    if providers.is_empty() { Err(none) } else { Ok(providers) }
}

fn provider(name: String, node: Node) -> Result<ProviderConfig, ConfigError> {
    let mut object = node.object()?;
    if let Some(introspection) = object.optional("introspection") {
        return Err(introspection.wrong("is not supported by this version; use jwks"));
    }
    let issuer = object.required("issuer")?.text()?;
    if !(issuer.starts_with("https://") || issuer.starts_with("http://")) {
        return Err(wrong(object.at("issuer"), "must be an http or https URL, exactly as the tokens' iss"));
    }
    let audiences = object.required("audiences")?.texts()?;
    if audiences.is_empty() {
        return Err(wrong(object.at("audiences"), "at least one is needed"));
    }
    let clock_skew_ms = millis(&mut object, "clock_skew", CLOCK_SKEW_MS, 0, 600_000)?;
    let jwks = jwks(object.required("jwks")?)?;
    let revocations = object.optional("revocations").map(revocations).transpose()?;
    object.finish()?;
    let expectation = Expectation { issuer, audiences, clock_skew: clock_skew_ms / 1_000 };
    Ok(ProviderConfig { name, expectation, jwks, revocations })
}

fn jwks(node: Node) -> Result<JwksConfig, ConfigError> {
    let mut object = node.object()?;
    let cluster = object.required("cluster")?.text()?;
    let path = path(object.required("path")?)?;
    let cache_ms = millis(&mut object, "cache_duration", CACHE_MS, 1_000, DAY_MS)?;
    let timeout_ms = millis(&mut object, "timeout", TIMEOUT_MS, 100, 30_000)?;
    object.finish()?;
    Ok(JwksConfig { cluster, path, cache_ms, timeout_ms: u32::try_from(timeout_ms).unwrap_or(u32::MAX) })
}

fn revocations(node: Node) -> Result<RevocationsConfig, ConfigError> {
    let mut object = node.object()?;
    let cluster = object.required("cluster")?.text()?;
    let path = path(object.required("path")?)?;
    let max_staleness_ms = millis(&mut object, "max_staleness", MAX_STALENESS_MS, 3_000, DAY_MS)?;
    let words = [("deny", OnStale::Deny), ("allow", OnStale::Allow)];
    let on_stale = object.optional("on_stale").map(|node| node.one_of(&words)).transpose()?.unwrap_or_default();
    object.finish()?;
    Ok(RevocationsConfig { cluster, path, max_staleness_ms, on_stale })
}

/// A path that can be asked for at a cluster.
fn path(node: Node) -> Result<String, ConfigError> {
    let no_path = node.wrong("must begin with \"/\" and hold no query");
    let path = node.text()?;
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#'));
    if path.starts_with('/') && plain { Ok(path) } else { Err(no_path) }
}

fn millis(object: &mut Object, name: &str, default: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
    object.optional(name).map_or(Ok(default), |node| node.millis(least, most))
}

fn rule(node: Node) -> Result<RuleSpec, ConfigError> {
    let mut object = node.object()?;
    let mut matches = object.required("match")?.object()?;
    let path = matches.optional("path").map(Node::text).transpose()?;
    let prefix = matches.optional("prefix").map(Node::text).transpose()?;
    let path = match (path, prefix) {
        (Some(path), None) => PathSpec::Path(path),
        (None, Some(prefix)) => PathSpec::Prefix(prefix),
        _ => return Err(matches.wrong("needs either path or prefix")),
    };
    let methods = matches.optional("methods").map(Node::texts).transpose()?;
    if methods.as_ref().is_some_and(Vec::is_empty) {
        return Err(wrong(matches.at("methods"), "matches nothing; leave it out for all methods"));
    }
    matches.finish()?;
    let allow = object.optional("allow").map(|node| node.one_of(&[("anonymous", ())]));
    let require = object.optional("require").map(require);
    let access = match (allow.transpose()?, require.transpose()?) {
        (Some(()), None) => AccessSpec::Anonymous,
        (None, Some(scopes)) => AccessSpec::Scopes(scopes),
        _ => return Err(object.wrong("needs either allow or require")),
    };
    object.finish()?;
    Ok(RuleSpec { path, methods: methods.unwrap_or_default(), access })
}

fn require(node: Node) -> Result<Vec<String>, ConfigError> {
    let mut object = node.object()?;
    let scopes = object.optional("scopes").map(Node::texts).transpose()?.unwrap_or_default();
    object.finish()?;
    Ok(scopes)
}

/// The cluster is Envoy's routes' to use; here it says that there is one.
fn oauth(node: Node) -> Result<Vec<Pattern>, ConfigError> {
    let mut object = node.object()?;
    object.required("cluster")?.text()?;
    let at = object.at("prefixes");
    let prefixes = object.required("prefixes")?.texts()?;
    object.finish()?;
    let prefix = |(index, text): (usize, String)| {
        Pattern::prefix(&text).map_err(|error| wrong(format!("{at}[{index}]"), error.to_string()))
    };
    prefixes.into_iter().enumerate().map(prefix).collect()
}

fn forward(node: Node) -> Result<Forward, ConfigError> {
    let mut object = node.object()?;
    let keep = object.optional("authorization").map(|node| node.one_of(&[("strip", false), ("keep", true)]));
    let keep_authorization = keep.transpose()?.unwrap_or(false);
    let headers = object.optional("headers").map(headers).transpose()?.unwrap_or_default();
    object.finish()?;
    Ok(Forward { keep_authorization, headers })
}

fn headers(node: Node) -> Result<Vec<(String, Claim)>, ConfigError> {
    let object = node.object()?;
    let too_many = object.wrong("at most 32");
    let mut headers: Vec<(String, Claim)> = Vec::new();
    for (name, node) in object.members() {
        let lower = name.to_ascii_lowercase();
        if !is_identity_header(&lower) {
            return Err(node.wrong("not a header that can carry an identity"));
        }
        if headers.iter().any(|(other, _)| same_header(other.as_bytes(), lower.as_bytes())) {
            return Err(node.wrong("the same header twice"));
        }
        headers.push((lower, node.one_of(&CLAIMS)?));
    }
    if headers.len() > 32 { Err(too_many) } else { Ok(headers) }
}

const CLAIMS: [(&str, Claim); 11] = [
    ("iss", Claim::Iss),
    ("sub", Claim::Sub),
    ("aud", Claim::Aud),
    ("client_id", Claim::ClientId),
    ("scope", Claim::Scope),
    ("jti", Claim::Jti),
    ("gid", Claim::Gid),
    ("exp", Claim::Exp),
    ("iat", Claim::Iat),
    ("auth_time", Claim::AuthTime),
    ("acr", Claim::Acr),
];

/// A field name (RFC 9110 §5.1) that neither the proxy nor this filter needs for anything else.
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
