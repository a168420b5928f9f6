//! Issuers, and how their tokens are checked.

use super::{CALL_MS, DAY_MS, Environment, millis, path, timeout};
use crate::config::tree::{Node, Object, wrong};
use crate::config::{
    ConfigError, IntrospectionConfig, JwksConfig, KeysConfig, OnStale, ProviderConfig, RevocationsConfig, Secret,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bearward_token::feed::MARGIN;
use bearward_token::introspection::Addressed;
use bearward_token::jwk::{KeySet, PublicKey};
use bearward_token::jws::{Algorithm, Algorithms};
use bearward_token::verify::Expectation;

const CLOCK_SKEW_MS: u64 = 60_000;
/// For as long as revocations hold beyond the tokens they concern.
const CLOCK_SKEW_MOST_MS: u64 = MARGIN * 1_000;
const CACHE_MS: u64 = 300_000;
const MAX_STALENESS_MS: u64 = 60_000;
const INTROSPECTED_MS: u64 = 60_000;
const INACTIVE_MS: u64 = 10_000;

pub(super) fn providers(node: Node, environment: Environment<'_>) -> Result<Vec<ProviderConfig>, ConfigError> {
    let object = node.object()?;
    let none = object.wrong("at least one is needed");
    let mut providers: Vec<ProviderConfig> = Vec::new();
    for (name, node) in object.members() {
        let provider = provider(name, node, environment)?;
        let same = |other: &&ProviderConfig| other.expectation.issuer == provider.expectation.issuer;
        if let Some(other) = providers.iter().find(same) {
            let path = format!("providers.{}.issuer", provider.name);
            return Err(wrong(path, format!("the same as that of {:?}", other.name)));
        }
        let prefix = |provider: &ProviderConfig| provider.introspection.as_ref().map(|i| i.token_prefix.clone());
        let opaque = prefix(&provider);
        if let Some(other) = providers.iter().find(|other| opaque.is_some() && prefix(other) == opaque) {
            let path = format!("providers.{}.introspection.token_prefix", provider.name);
            return Err(wrong(path, format!("the same as that of {:?}: whose are opaque tokens?", other.name)));
        }
        providers.push(provider);
    }
    if providers.is_empty() { Err(none) } else { Ok(providers) }
}

fn provider(name: String, node: Node, environment: Environment<'_>) -> Result<ProviderConfig, ConfigError> {
    let mut object = node.object()?;
    let issuer = object.required("issuer")?.text()?;
    if !(issuer.starts_with("https://") || issuer.starts_with("http://")) {
        return Err(wrong(object.at("issuer"), "must be an http or https URL, exactly as the tokens' iss"));
    }
    let audiences = object.required("audiences")?.texts()?;
    if audiences.is_empty() {
        return Err(wrong(object.at("audiences"), "at least one is needed"));
    }
    let mut expectation = Expectation::rfc9068(issuer, audiences);
    expectation.clock_skew = millis(&mut object, "clock_skew", CLOCK_SKEW_MS, 0, CLOCK_SKEW_MOST_MS)? / 1_000;
    if let Some(types) = object.optional("types") {
        let none = types.wrong("at least one is needed; \"none\" stands for a token without a type");
        let absent = |name: String| if name == "none" { String::new() } else { name };
        expectation.types = types.texts()?.into_iter().map(absent).collect();
        if expectation.types.is_empty() {
            return Err(none);
        }
    }
    if let Some(required) = object.optional("required_claims") {
        expectation.required_claims = required.texts()?;
        expectation.required_of_answers.clone_from(&expectation.required_claims);
    }
    let algorithms = object.optional("algorithms").map(algorithms).transpose()?;
    let jwks = object.optional("jwks").map(|node| jwks(node, algorithms)).transpose()?;
    let hmac = object.optional("hmac").map(|node| hmac(node, environment)).transpose()?;
    let introspection =
        object.optional("introspection").map(|node| introspection(node, &expectation, environment)).transpose()?;
    let keys = match (jwks, hmac) {
        (Some(keys), None) | (None, Some(keys)) => keys,
        (None, None) if introspection.is_some() => KeysConfig::None,
        // A secret beside public keys is how a token signed with a public key gets in (RFC 8725 §2.1).
        _ => return Err(object.wrong("needs jwks or hmac, or introspection; and never jwks and hmac")),
    };
    if matches!(keys, KeysConfig::None) && introspection.as_ref().is_some_and(|one| one.signed.is_some()) {
        return Err(wrong(object.at("introspection.answers"), "needs jwks, or nobody could tell who signed"));
    }
    let revocations = object.optional("revocations").map(|node| revocations(node, environment)).transpose()?;
    object.finish()?;
    Ok(ProviderConfig { name, expectation, keys, introspection, revocations })
}

fn algorithms(node: Node) -> Result<Algorithms, ConfigError> {
    let public = Algorithm::ALL.into_iter().filter(|(algorithm, _)| !algorithm.is_symmetric());
    let words: Vec<_> = public.map(|(algorithm, name)| (name, algorithm)).collect();
    let none = node.wrong("at least one is needed");
    let algorithms: Algorithms = node.each(|node| node.one_of(&words))?.into_iter().collect();
    if algorithms.is_empty() { Err(none) } else { Ok(algorithms) }
}

fn jwks(node: Node, algorithms: Option<Algorithms>) -> Result<KeysConfig, ConfigError> {
    let mut object = node.object()?;
    if let Some(inline) = object.optional("inline") {
        object.finish()?;
        let set = match inline.value().as_str() {
            Some(text) => KeySet::parse(text.as_bytes(), algorithms),
            None => KeySet::from_json(inline.value(), algorithms),
        };
        return set.map(KeysConfig::Fixed).map_err(|error| inline.wrong(error.to_string()));
    }
    let cluster = object.required("cluster")?.text()?;
    let path = path(object.required("path")?)?;
    let cache_ms = millis(&mut object, "cache_duration", CACHE_MS, 1_000, DAY_MS)?;
    let timeout_ms = timeout(&mut object, CALL_MS)?;
    object.finish()?;
    Ok(KeysConfig::Remote(JwksConfig { cluster, path, cache_ms, timeout_ms, algorithms }))
}

fn hmac(node: Node, environment: Environment<'_>) -> Result<KeysConfig, ConfigError> {
    let mut object = node.object()?;
    let words = [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)];
    let algorithm = object.optional("algorithm").map(|node| node.one_of(&words)).transpose()?;
    let encoding = object.optional("encoding").map(|node| node.one_of(&[("text", false), ("base64url", true)]));
    let encoded = encoding.transpose()?.unwrap_or(false);
    let at = object.at("secret");
    let secret = object.required("secret")?.secret(environment)?;
    object.finish()?;
    let bytes = if encoded { URL_SAFE_NO_PAD.decode(&secret).ok() } else { Some(secret.into_bytes()) };
    let bytes = bytes.ok_or_else(|| wrong(&at, "is not base64url without padding"))?;
    let key = PublicKey::from_secret(&bytes, algorithm.unwrap_or(Algorithm::HS256));
    let short = |_| wrong(&at, "must be at least as long as the hash: 32, 48 or 64 bytes (RFC 7518 section 3.2)");
    key.map(|key| KeysConfig::Fixed(KeySet::of(key))).map_err(short)
}

fn introspection(
    node: Node,
    expected: &Expectation,
    environment: Environment<'_>,
) -> Result<IntrospectionConfig, ConfigError> {
    let mut object = node.object()?;
    let cluster = object.required("cluster")?.text()?;
    let path = path(object.required("path")?)?;
    let client_id = object.optional("client_id").map(Node::text).transpose()?;
    let authorization = basic(&mut object, client_id.as_deref(), environment)?;
    let cache_ms = millis(&mut object, "cache_duration", INTROSPECTED_MS, 0, DAY_MS)?;
    let inactive_ms = millis(&mut object, "inactive_duration", INACTIVE_MS, 0, 600_000)?;
    let timeout_ms = timeout(&mut object, CALL_MS)?;
    let token_prefix = object.optional("token_prefix").map(Node::text).transpose()?.unwrap_or_default();
    let signed = object.read("answers", |node| node.one_of(&[("plain", false), ("signed", true)]))?;
    let signed = match (signed, client_id) {
        (false, _) => None,
        (true, Some(audience)) => {
            let (issuer, clock_skew) = (expected.issuer.clone(), expected.clock_skew);
            Some(Addressed { issuer, audience, clock_skew })
        }
        (true, None) => return Err(wrong(object.at("answers"), "needs client_id, whom signed answers are for")),
    };
    object.finish()?;
    Ok(IntrospectionConfig { cluster, path, authorization, cache_ms, inactive_ms, timeout_ms, token_prefix, signed })
}

/// The client's name and secret as `authorization` carries them (RFC 6749 §2.3.1).
fn basic(object: &mut Object, id: Option<&str>, environment: Environment<'_>) -> Result<Secret, ConfigError> {
    let secret = object.optional("client_secret").map(|node| node.secret(environment)).transpose()?;
    match (id, secret) {
        (None, None) => Ok(Secret::new(&[])),
        (Some(id), Some(secret)) => {
            let mut pair = String::new();
            crate::call::push_encoded(&mut pair, id);
            pair.push(':');
            crate::call::push_encoded(&mut pair, &secret);
            Ok(Secret::new(format!("Basic {}", STANDARD.encode(pair)).as_bytes()))
        }
        _ => Err(object.wrong("needs both client_id and client_secret, or neither")),
    }
}

fn revocations(node: Node, environment: Environment<'_>) -> Result<RevocationsConfig, ConfigError> {
    let mut object = node.object()?;
    let cluster = object.required("cluster")?.text()?;
    let path = path(object.required("path")?)?;
    let max_staleness_ms = millis(&mut object, "max_staleness", MAX_STALENESS_MS, 3_000, DAY_MS)?;
    let words = [("deny", OnStale::Deny), ("allow", OnStale::Allow)];
    let on_stale = object.optional("on_stale").map(|node| node.one_of(&words)).transpose()?.unwrap_or_default();
    let gateway_secret = object.optional("gateway_secret").map(|node| super::key(node, environment)).transpose()?;
    object.finish()?;
    Ok(RevocationsConfig { cluster, path, max_staleness_ms, on_stale, gateway_secret })
}
