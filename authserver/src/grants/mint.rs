//! Access tokens: the claims of RFC 9068 §2.2, signed.

use super::{GrantError, Request, TokenResponse, seconds};
use crate::model::Grant;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::claims::{Audience, Claims};
use bearward_token::scope::ScopeSet;
use std::borrow::Cow;

/// Signs an access token for the request's client: for the person of a grant, or for the client itself.
pub(super) fn mint(
    request: &Request<'_>,
    grant: Option<&Grant>,
    scope: &ScopeSet,
) -> Result<TokenResponse, GrantError> {
    let Request { app, client, now, .. } = request;
    let lifetime = seconds(app.config.tokens.access_lifetime);
    let scope = scope.to_string();
    let mut id = [0; 16];
    app.env.random.fill(&mut id);
    let audience = if client.audience.is_empty() { &app.config.tokens.audience } else { &client.audience };
    let claims = Claims {
        iss: Cow::Borrowed(app.urls.issuer()),
        sub: Cow::Borrowed(grant.map_or(&client.id, |g| &g.person_id)),
        aud: match audience.as_slice() {
            [one] => Audience::One(Cow::Borrowed(one)),
            many => Audience::Many(many.iter().map(|a| Cow::Borrowed(a.as_str())).collect()),
        },
        client_id: Cow::Borrowed(&client.id),
        scope: Cow::Borrowed(&scope),
        iat: unsigned(*now),
        exp: unsigned(now.saturating_add(lifetime)),
        jti: Cow::Owned(URL_SAFE_NO_PAD.encode(id)),
        gid: grant.map(|g| Cow::Borrowed(g.id.as_str())),
        auth_time: grant.map(|g| unsigned(g.auth_time)),
        acr: grant.map(|g| Cow::Borrowed(g.acr.as_str())),
    };
    let access_token = app.keys.sign(&claims)?;
    Ok(TokenResponse { access_token, token_type: "Bearer", expires_in: unsigned(lifetime), refresh_token: None, scope })
}

fn unsigned(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0)
}
