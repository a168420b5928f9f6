//! An access token that somebody presents to this server: whether it is ours, and still good. What a JWT says itself, an
//! opaque token has in the database; from there on they are the same.

use super::App;
use crate::confirmation::Confirmation;
use crate::custom_claims::is_custom;
use crate::model::Digest;
use crate::secret;
use crate::storage::StoreError;
use bearward_token::claims::Claims;
use bearward_token::feed::Subject;
use serde_json::{Map, Value};

/// The payload (JSON) of an access token that this server issued; nothing is said yet about its time.
pub(crate) async fn payload(app: &App, token: &str) -> Result<Option<Vec<u8>>, StoreError> {
    if secret::well_formed(secret::ACCESS_TOKEN, token) {
        return app.store.access_token(&Digest::of(token), app.env.clock.now()).await;
    }
    // A look at the shape first: anything else is not worth a signature check.
    Ok((token.bytes().filter(|b| *b == b'.').count() == 2).then(|| app.keys.verify(token)).flatten())
}

/// The claims in a payload, if they are of this issuer and have not expired.
pub(crate) fn current<'a>(app: &App, payload: &'a [u8]) -> Option<Claims<'a>> {
    let claims: Claims<'_> = serde_json::from_slice(payload).ok()?;
    (claims.iss == app.urls.issuer() && remaining(app, &claims) > 0).then_some(claims)
}

/// How many seconds a token is still good for.
pub(super) fn remaining(app: &App, claims: &Claims<'_>) -> i64 {
    i64::try_from(claims.exp).unwrap_or(i64::MAX).saturating_sub(app.env.clock.now())
}

/// All that a payload says.
pub(crate) fn everything(payload: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(payload).unwrap_or_default()
}

/// The operator's own claims among them.
pub(super) fn custom(everything: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    everything.iter().filter(|(name, _)| is_custom(name))
}

/// `token_type` of a token that says this (RFC 9449 §5).
pub(super) fn token_type(everything: &Map<String, Value>) -> &'static str {
    let cnf = everything.get("cnf").cloned().unwrap_or_default();
    serde_json::from_value::<Confirmation>(cnf).unwrap_or_default().token_type()
}

/// Whether the token, its grant, its client, its person, a token that it was exchanged from or the client of one was
/// revoked.
pub(crate) async fn is_revoked(app: &App, claims: &Claims<'_>) -> Result<bool, StoreError> {
    let mut keys = vec![
        Subject::Token(&claims.jti).key(),
        Subject::Client(&claims.client_id).key(),
        Subject::Person(&claims.sub).key(),
    ];
    keys.extend(claims.exchanged_from.iter().map(|jti| Subject::Token(jti).key()));
    keys.extend(claims.exchanged_by.iter().map(|client| Subject::Client(client).key()));
    keys.extend(claims.gid.as_deref().map(|id| Subject::Grant(id).key()));
    let entries = app.store.revocations(&keys, app.env.clock.now()).await?;
    Ok(entries.iter().any(|entry| keys.contains(&entry.key) && claims.iat <= u64::from(entry.cutoff)))
}
