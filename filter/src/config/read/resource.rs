//! What is said of the protected resource, RFC 9728.

use crate::config::tree::{Node, wrong};
use crate::config::{ConfigError, ProviderConfig, Resource};
use crate::credential::Location;
use bearward_token::dpop::ALGORITHMS;
use serde_json::json;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document with its path, and its URL, which challenges name.
pub(super) fn resource(
    node: Node,
    providers: &[ProviderConfig],
    credentials: &[Location],
) -> Result<(Resource, String), ConfigError> {
    let mut object = node.object()?;
    let at = object.at("identifier");
    let identifier = object.required("identifier")?.text()?;
    let servers = object.optional("authorization_servers").map(Node::texts).transpose()?;
    let issuers = || providers.iter().map(|provider| provider.expectation.issuer.clone()).collect();
    let servers: Vec<String> = servers.unwrap_or_else(issuers);
    let scopes = object.optional("scopes").map(Node::texts).transpose()?.unwrap_or_default();
    let name = object.optional("name").map(Node::text).transpose()?;
    let documentation = object.optional("documentation").map(Node::text).transpose()?;
    object.finish()?;

    let (origin, path) = split(&identifier)
        .ok_or_else(|| wrong(at, "must be an http or https URL without a query, printable, without quotes"))?;
    // RFC 9728 §3.1: the well-known path goes between host and path.
    let path = format!("{WELL_KNOWN}{}", path.trim_end_matches('/'));
    let methods: Vec<_> = [("header", true), ("query", false)]
        .into_iter()
        .filter(|(_, header)| {
            credentials.iter().any(|place| matches!(place, Location::Query(_)) != *header && !place.is_cookie())
        })
        .map(|(name, _)| name)
        .collect();
    let mut document = json!({
        "resource": identifier,
        "authorization_servers": servers,
        "bearer_methods_supported": methods,
        "dpop_signing_alg_values_supported": ALGORITHMS.map(|algorithm| algorithm.name()),
        "tls_client_certificate_bound_access_tokens": true,
    });
    let more = [
        ("scopes_supported", (!scopes.is_empty()).then(|| json!(scopes))),
        ("resource_name", name.map(Into::into)),
        ("resource_documentation", documentation.map(Into::into)),
    ];
    if let Some(members) = document.as_object_mut() {
        members.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let url = format!("{origin}{path}");
    Ok((Resource { path: path.into_bytes(), document: document.to_string() }, url))
}

/// Origin and path of a URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\?#".contains(&b));
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).filter(|_| plain)?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    let end = url.len().checked_sub(rest.len())?.checked_add(host.len())?;
    url.split_at_checked(end)
}
