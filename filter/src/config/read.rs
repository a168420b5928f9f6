//! The members of a configuration: what each must be, and what it is if left out.

use crate::config::tree::{Node, Object, wrong};
use crate::config::{Config, ConfigError, Dispatch, Dpop, Oauth, OpenStreams, Secret, same_header};
use crate::credential::{Location, is_header_name};
use bearward_token::challenge::Realm;
use bearward_token::dpop::ALGORITHMS;
use bearward_token::path::Pattern;
use bearward_token::policy::{Policy, host_pattern};

mod forward;
mod provider;
mod resource;
mod rules;

/// Where secrets that the configuration only names are found.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

const DAY_MS: u64 = 86_400_000;
const DPOP_WINDOW_MS: u64 = 60_000;
const CALL_MS: u64 = 2_000;
const DISPATCH_MS: u64 = 15_000;

/// What is read goes into the configuration at once: whatever is wrong, there is one thing to drop, which keeps the
/// module small.
pub(super) fn config(node: Node, environment: Environment<'_>) -> Result<Config, ConfigError> {
    let mut object = node.object()?;
    let mut config =
        Config { providers: provider::providers(object.required("providers")?, environment)?, ..Config::default() };
    let realm = object.read("realm", |node| node.text().map(Some))?;
    let realm = realm.as_deref().or(config.providers.first().map(|first| first.expectation.issuer.as_str()));
    config.space.realm = Realm::new(realm.unwrap_or_default()).map_err(|error| wrong("realm", error.to_string()))?;
    config.credentials = object.read("credentials", credentials)?;
    if config.credentials.is_empty() {
        config.credentials.push(Location::authorization());
    }
    let names: Vec<_> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
    let policies = object.read("policies", |node| rules::policies(node, &names))?;
    config.forward = object.read("forward", forward::forward)?;
    let rules = rules::rules(object.required("rules")?, &names, &config.forward)?;
    config.policy = Policy::new(rules, policies).map_err(|(at, error)| wrong(at, error.to_string()))?;
    config.route_policy = object.read("route_policy", route_policy)?;
    config.cors_preflight = object.read("cors_preflight", |node| node.one_of(&[("deny", false), ("allow", true)]))?;
    config.oauth = object.read("oauth", |node| oauth(node, environment))?;
    let (dpop, announced) = dpop(object.optional("dpop"), environment)?;
    config.dpop = dpop;
    config.space.dpop = announced.then(|| ALGORITHMS.map(|algorithm| algorithm.name()).join(" "));
    config.open_streams = object.read("open_streams", open_streams)?;
    if let Some(node) = object.optional("resource") {
        let (resource, url) = resource::resource(node, &config.providers, &config.credentials)?;
        config.resource = Some(resource);
        config.space.resource_metadata = Some(url);
    }
    object.finish()?;
    for (name, _) in &config.forward.headers {
        if config.credentials.iter().any(|place| place.header() == Some(name)) {
            return Err(wrong(format!("forward.headers.{name}"), "is where a token is looked for"));
        }
    }
    Ok(config)
}

fn open_streams(node: Node) -> Result<OpenStreams, ConfigError> {
    let default = OpenStreams::default();
    let mut object = node.object()?;
    let mut closes = |name: &str, default: bool| {
        object.optional(name).map_or(Ok(default), |node| node.one_of(&[("close", true), ("keep", false)]))
    };
    let close_revoked = closes("on_revoked", default.close_revoked)?;
    let close_expired = closes("on_expired", default.close_expired)?;
    let grace_ms = millis(&mut object, "grace", default.grace_ms, 0, 60 * 60_000)?;
    object.finish()?;
    Ok(OpenStreams { close_revoked, close_expired, grace_ms })
}

fn millis(object: &mut Object, name: &str, default: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
    object.optional(name).map_or(Ok(default), |node| node.millis(least, most))
}

fn timeout(object: &mut Object, default: u64) -> Result<u32, ConfigError> {
    Ok(u32::try_from(millis(object, "timeout", default, 100, 30_000)?).unwrap_or(u32::MAX))
}

/// A path that can be asked for at a cluster.
fn path(node: Node) -> Result<String, ConfigError> {
    let no_path = node.wrong("must begin with \"/\" and hold no query");
    let path = node.text()?;
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#'));
    if path.starts_with('/') && plain { Ok(path) } else { Err(no_path) }
}

fn credentials(node: Node) -> Result<Vec<Location>, ConfigError> {
    let none = node.wrong("at least one is needed");
    let list = node.each(location)?;
    if list.is_empty() { Err(none) } else { Ok(list) }
}

fn location(node: Node) -> Result<Location, ConfigError> {
    let mut object = node.object()?;
    let header = object.optional("header").map(Node::text).transpose()?;
    let prefix = object.optional("prefix").map(Node::text).transpose()?;
    let query = object.optional("query").map(Node::text).transpose()?;
    let cookie = object.optional("cookie").map(Node::text).transpose()?;
    let token = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    let location = match (header, query, cookie) {
        (Some(name), None, None) if prefix.is_none() && same_header(name.as_bytes(), b"authorization") => {
            Ok(Location::authorization())
        }
        (Some(name), None, None) if is_header_name(&name) && !same_header(name.as_bytes(), b"cookie") => {
            Ok(Location::Header { name: name.to_ascii_lowercase(), prefix: prefix.unwrap_or_default() })
        }
        (None, Some(name), None) if prefix.is_none() && token(&name) => Ok(Location::Query(name)),
        (None, None, Some(name)) if prefix.is_none() && token(&name) => Ok(Location::Cookie(name)),
        _ => Err(object.wrong("needs one of header (with a prefix, or without), query, cookie, and a plain name")),
    };
    object.finish()?;
    location
}

/// The property of the route's metadata, its parts separated by zero bytes.
fn route_policy(node: Node) -> Result<Option<Vec<u8>>, ConfigError> {
    let mut object = node.object()?;
    let namespace = object.optional("namespace").map(Node::text).transpose()?.unwrap_or_else(|| "bearward".to_owned());
    let key = object.optional("key").map(Node::text).transpose()?.unwrap_or_else(|| "policy".to_owned());
    object.finish()?;
    Ok(Some(["xds", "route_metadata", "filter_metadata", &namespace, &key].join("\0").into_bytes()))
}

/// The cluster is Envoy's routes' to use, unless the filter hands requests there itself.
fn oauth(node: Node, environment: Environment<'_>) -> Result<Oauth, ConfigError> {
    let mut object = node.object()?;
    let cluster = object.required("cluster")?.text()?;
    let at = object.at("prefixes");
    let prefixes = object.required("prefixes")?.texts()?;
    let hosts = rules::some(&mut object, "hosts")?.into_iter().map(host_pattern).collect::<Result<_, _>>();
    let hosts = hosts.map_err(|error| wrong(object.at("hosts"), error.to_string()))?;
    let gateway_secret = object.optional("gateway_secret").map(|node| key(node, environment)).transpose()?;
    let dispatch = object.optional("dispatch").map(|node| dispatch(node, cluster)).transpose()?;
    object.finish()?;
    let mut patterns = Vec::with_capacity(prefixes.len());
    for (index, text) in prefixes.iter().enumerate() {
        let at = format!("{at}[{index}]");
        if text == "/" {
            return Err(wrong(at, "would be all paths, and no token would be looked at"));
        }
        if text.contains('%') {
            return Err(wrong(at, "is compared as it is written, as routes are, so without \"%\""));
        }
        patterns.push(Pattern::prefix(text).map_err(|error| wrong(at, error.to_string()))?);
    }
    Ok(Oauth { prefixes: patterns, hosts, gateway_secret, dispatch })
}

fn dispatch(node: Node, cluster: String) -> Result<Dispatch, ConfigError> {
    let mut object = node.object()?;
    let timeout_ms = timeout(&mut object, DISPATCH_MS)?;
    object.finish()?;
    Ok(Dispatch { cluster, timeout_ms })
}

/// A secret that is the key of an HMAC.
fn key(node: Node, environment: Environment<'_>) -> Result<Secret, ConfigError> {
    let short = node.wrong("must be at least 32 bytes");
    let secret = node.secret(environment)?;
    if secret.len() < 32 { Err(short) } else { Ok(Secret::new(secret.as_bytes())) }
}

/// How proofs are checked, and whether clients are told that they may send them.
fn dpop(node: Option<Node>, environment: Environment<'_>) -> Result<(Dpop, bool), ConfigError> {
    let announced = node.is_some();
    let mut object = node.map(Node::object).transpose()?.unwrap_or_default();
    let window_ms = millis(&mut object, "window", DPOP_WINDOW_MS, 5_000, 600_000)?;
    let at = object.at("origin");
    let origin = object.optional("origin").map(Node::text).transpose()?;
    let is_origin =
        |text: &String| text.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
    if origin.as_ref().is_some_and(|origin| !is_origin(origin)) {
        return Err(wrong(at, "must be a scheme, a host and perhaps a port: \"https://api.example\""));
    }
    let nonce_secret = object.optional("nonce_secret").map(|node| key(node, environment)).transpose()?;
    object.finish()?;
    Ok((Dpop { window: window_ms / 1_000, origin, nonce_secret }, announced))
}
