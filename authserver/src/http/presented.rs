//! A token that somebody presents to this server: whether it is ours, and still good.

use super::App;
use crate::storage::StoreError;
use bearward_token::claims::Claims;
use bearward_token::feed::Subject;

/// The payload of an access token that this server signed; nothing is said yet about its time.
pub(super) fn payload(app: &App, token: &str) -> Option<Vec<u8>> {
    // A look at the shape first: anything else is not worth a signature check.
    (token.bytes().filter(|b| *b == b'.').count() == 2).then(|| app.keys.verify(token)).flatten()
}

/// The claims in a payload, if they are of this issuer and have not expired.
pub(super) fn current<'a>(app: &App, payload: &'a [u8]) -> Option<Claims<'a>> {
    let claims: Claims<'_> = serde_json::from_slice(payload).ok()?;
    (claims.iss == app.urls.issuer() && remaining(app, &claims) > 0).then_some(claims)
}

/// How many seconds a token is still good for.
pub(super) fn remaining(app: &App, claims: &Claims<'_>) -> i64 {
    i64::try_from(claims.exp).unwrap_or(i64::MAX).saturating_sub(app.env.clock.now())
}

/// Whether the token, its grant, its client or its person was revoked.
pub(super) async fn is_revoked(app: &App, claims: &Claims<'_>) -> Result<bool, StoreError> {
    let mut keys = vec![
        Subject::Token(&claims.jti).key(),
        Subject::Client(&claims.client_id).key(),
        Subject::Person(&claims.sub).key(),
    ];
    keys.extend(claims.gid.as_deref().map(|id| Subject::Grant(id).key()));
    let entries = app.store.revocations(&keys, app.env.clock.now()).await?;
    Ok(entries.iter().any(|entry| keys.contains(&entry.key) && claims.iat <= u64::from(entry.cutoff)))
}
