//! Resource indicators, RFC 8707: which of the resources a client may use a token is for.

use super::GrantError;
use crate::http::{App, Params};
use crate::model::Client;
use bearward_token::claims::Claims;
use url::Url;

/// The most resources in one request, and the longest, in bytes: they travel in links.
const MAX_RESOURCES: usize = 8;
const MAX_LENGTH: usize = 512;

/// A resource that is not well-formed or not one the client may use: `invalid_target` (RFC 8707 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("resource is not an absolute URI without fragment, or not one that may be used here")]
pub struct InvalidTarget;

/// The resources that an authorization request asks for; none if it asks for none.
///
/// # Errors
/// [`InvalidTarget`]
pub(crate) fn asked(app: &App, client: &Client, params: &Params) -> Result<Vec<String>, InvalidTarget> {
    let mut asked = Vec::new();
    for resource in params.all("resource") {
        if !is_resource(resource) || !may_use(app, client, resource) || asked.len() == MAX_RESOURCES {
            return Err(InvalidTarget);
        }
        if !asked.iter().any(|known| known == resource) {
            asked.push(resource.to_owned());
        }
    }
    Ok(asked)
}

/// The `aud` of a token: what its request asks for of what was granted (RFC 8707 §2.2), all that was granted, or the
/// client's own audience. Resources that the client has lost since are left out.
///
/// # Errors
/// [`InvalidTarget`] for what was not granted, and if nothing is left.
pub(super) fn audience(
    app: &App,
    client: &Client,
    granted: &[String],
    params: &Params,
) -> Result<Vec<String>, GrantError> {
    let asked = asked(app, client, params)?;
    if granted.is_empty() {
        return Ok(if asked.is_empty() { usual(app, client).to_vec() } else { asked });
    }
    if !asked.iter().all(|resource| granted.contains(resource)) {
        return Err(InvalidTarget.into());
    }
    let left: Vec<_> = granted.iter().filter(|resource| may_use(app, client, resource)).cloned().collect();
    match (asked.is_empty(), left.is_empty()) {
        (false, _) => Ok(asked),
        (true, false) => Ok(left),
        (true, true) => Err(InvalidTarget.into()),
    }
}

/// The audience of a token that names no resource.
pub(crate) fn usual<'a>(app: &'a App, client: &'a Client) -> &'a [String] {
    if client.audience.is_empty() { &app.config.tokens.audience } else { &client.audience }
}

/// Whether a token is for this client: issued to it, or its `aud` names the client itself or one of its audiences.
pub(crate) fn is_for(app: &App, client: &Client, token: &Claims<'_>) -> bool {
    let named = |aud: &str| aud == client.id || usual(app, client).iter().any(|known| known == aud);
    token.client_id == client.id || token.aud.iter().any(named)
}

fn may_use(app: &App, client: &Client, resource: &str) -> bool {
    client.options.resources.iter().chain(usual(app, client)).any(|known| known == resource)
}

/// RFC 8707 §2: an absolute URI, which must not include a fragment.
pub(crate) fn is_resource(text: &str) -> bool {
    text.len() <= MAX_LENGTH && !text.contains('#') && Url::parse(text).is_ok()
}
