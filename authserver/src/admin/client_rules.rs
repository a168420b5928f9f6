//! When a client's registration holds together.

use super::{Result, invalid};
use crate::cli::redirect_uri;
use crate::custom_claims::is_custom;
use crate::model::{Client, ClientAuthMethod, GrantType, Scope};

/// The longest name, in bytes; enough for every script.
pub const MAX_NAME: usize = 200;
/// The most redirect URIs, and the longest, in bytes.
const MAX_REDIRECT_URIS: usize = 100;
const MAX_URI: usize = 2000;
/// The grants in which a person takes part once, so that what they granted can be refreshed without them.
const GIVE_REFRESH_TOKENS: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::Password, GrantType::DeviceCode];

/// Checks a client against the scopes there are.
///
/// # Errors
/// [`AdminError::Invalid`](super::AdminError::Invalid) for the first field that does not fit.
pub fn check(client: &Client, known: &[Scope]) -> Result<()> {
    id(&client.id)?;
    name("name", &client.name)?;
    let has = |grant| client.grant_types.contains(&grant);
    if client.grant_types.is_empty() {
        return invalid("grant_types", "at least one grant: without any it can do nothing");
    }
    if client.auth_method == ClientAuthMethod::None && has(GrantType::ClientCredentials) {
        return invalid(
            "grant_types",
            "a public client cannot use client_credentials: it has no secret (RFC 6749 section 4.4)",
        );
    }
    if has(GrantType::RefreshToken) && !client.grant_types.iter().any(|grant| GIVE_REFRESH_TOKENS.contains(grant)) {
        return invalid(
            "grant_types",
            "refresh_token goes with authorization_code, password or device_code: only those give refresh tokens",
        );
    }
    let redirects = has(GrantType::AuthorizationCode) || has(GrantType::Implicit);
    if redirects == client.redirect_uris.is_empty() {
        return invalid(
            "redirect_uris",
            "authorization_code (or implicit) and redirect URIs go together: give both or neither",
        );
    }
    if client.redirect_uris.len() > MAX_REDIRECT_URIS {
        return invalid("redirect_uris", format!("at most {MAX_REDIRECT_URIS}"));
    }
    for uri in &client.redirect_uris {
        if let Err(problem) = redirect_uri::check(uri) {
            return invalid("redirect_uris", format!("{uri}: {problem}"));
        }
        if uri.len() > MAX_URI {
            return invalid("redirect_uris", format!("a URI of more than {MAX_URI} bytes"));
        }
    }
    let unknown = client.scopes.iter().find(|name| !known.iter().any(|scope| scope.name == *name));
    if let Some(unknown) = unknown {
        return invalid("scope", format!("there is no scope {unknown}; add it first"));
    }
    let outside = client.default_scopes.difference(&client.scopes);
    if !outside.is_empty() {
        return invalid("default_scope", format!("{outside} is not among the scopes it may ask for"));
    }
    let options = &client.options;
    for name in &options.request_claims {
        let fixed =
            options.grant_claims.values().chain([&options.claims]).any(|set| set.names().any(|own| own == name));
        if fixed || !is_custom(name) {
            let problem =
                format!("request_claims: {name} is reserved, or has a value already that requests must not change");
            return invalid("options", problem);
        }
    }
    if let Some(bad) = options.web_origins.iter().find(|text| !is_origin(text)) {
        return invalid("web_origins", format!("{bad} is not an origin such as https://shop.example"));
    }
    if client.audience.iter().any(|audience| audience.is_empty() || audience.contains(char::is_control)) {
        return invalid("audience", "an audience cannot be empty, nor hold control characters");
    }
    Ok(())
}

/// Whether a browser can send this as `Origin` (RFC 6454 §6.2): scheme, host and port, and no slash at the end.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text)
}

/// Checks a `client_id`.
///
/// # Errors
/// [`AdminError::Invalid`](super::AdminError::Invalid).
pub fn id(id: &str) -> Result<()> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(good) {
        return invalid("client_id", "1 to 128 letters, digits and -._~");
    }
    Ok(())
}

/// Checks a text that people see.
pub(super) fn name(field: &'static str, text: &str) -> Result<()> {
    if text.trim().is_empty() || text.len() > MAX_NAME || text.contains(char::is_control) {
        return invalid(field, format!("1 to {MAX_NAME} bytes, without control characters"));
    }
    Ok(())
}
