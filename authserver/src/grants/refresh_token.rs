//! Refreshing, RFC 6749 §6, with rotation and reuse detection (RFC 9700 §4.14.2) and a grace window in which a client
//! that lost an answer, or asked twice at once, gets the same answer again.

use super::successor::{self, Successor};
use super::{Grant, GrantError, Request, TokenResponse, mint, revoke_grant, scope, seconds};
use crate::confirmation::Confirmation;
use crate::model::{
    Client, ClientAuthMethod, Digest, Grant as GrantRow, GrantType, NewRefreshToken, RefreshMode,
    RefreshToken as Stored, Spent,
};
use crate::secret;
use crate::storage::Rotated;
use async_trait::async_trait;
use bearward_token::scope::ScopeSet;
use zeroize::Zeroizing;

pub(super) struct RefreshToken;

/// The refresh token that goes with a redeemed code, if the client is registered for refreshing.
pub(super) fn first(request: &Request<'_>, grant: &GrantRow) -> Option<(Zeroizing<String>, NewRefreshToken)> {
    request.client.grant_types.contains(&GrantType::RefreshToken).then(|| new(request, grant))
}

#[async_trait]
impl Grant for RefreshToken {
    fn grant_type(&self) -> GrantType {
        GrantType::RefreshToken
    }

    fn public_clients(&self) -> bool {
        true
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let presented = request.require("refresh_token")?;
        if !secret::well_formed(secret::REFRESH_TOKEN, presented) {
            return Err(GrantError::InvalidGrant("not a refresh token of this server"));
        }
        let digest = Digest::of(presented);
        let found = request.app.store.refresh_token(&digest).await?;
        let stored = found.ok_or(GrantError::InvalidGrant("no such refresh token"))?;
        check(request, &stored).await?;
        let scope = scope::for_refresh(request.client, &stored.grant.scope, request.scope.as_ref())?;
        let mut response = mint::mint(request, Some(&stored.grant), &scope).await?;
        let token = match &stored.spent {
            Some(spent) => repeat(request, &stored, presented, &scope, spent).await?,
            None if preserves(request.client) => keep(request, &stored, presented, &digest).await?,
            None => rotate(request, &stored, presented, &scope, &digest).await?,
        };
        response.refresh_token = Some(token.to_string());
        Ok(response)
    }
}

async fn check(request: &Request<'_>, stored: &Stored) -> Result<(), GrantError> {
    let grant = &stored.grant;
    if grant.client_id != request.client.id {
        return Err(GrantError::InvalidGrant("the refresh token was issued to another client"));
    }
    if grant.revoked_at.is_some() {
        return Err(GrantError::InvalidGrant("the grant was revoked"));
    }
    if !stored.confirmation.is_met_by(&request.confirmation) {
        return Err(GrantError::InvalidGrant("the refresh token is bound to another key"));
    }
    if stored.expires_at <= request.now {
        return Err(GrantError::InvalidGrant("the refresh token expired"));
    }
    let person = request.app.store.person(&grant.person_id).await?;
    if person.is_none_or(|p| p.disabled_at.is_some()) {
        return Err(GrantError::InvalidGrant("the person is gone or disabled"));
    }
    Ok(())
}

async fn rotate(
    request: &Request<'_>,
    stored: &Stored,
    presented: &str,
    scope: &ScopeSet,
    digest: &Digest,
) -> Result<Zeroizing<String>, GrantError> {
    let (token, successor) = new(request, &stored.grant);
    let sealed = successor::seal(presented, &Successor { token: &token, scope })?;
    match request.app.store.rotate_refresh(digest, request.now, &successor, &sealed).await? {
        Rotated::Now => Ok(token),
        Rotated::Before(spent) => repeat(request, stored, presented, scope, &spent).await,
        Rotated::Revoked => Err(GrantError::InvalidGrant("the grant was revoked")),
    }
}

/// A spent token again. Within the grace window, for the same request, the same successor; otherwise two parties
/// hold the token and one of them should not, so the grant ends.
async fn repeat(
    request: &Request<'_>,
    stored: &Stored,
    presented: &str,
    scope: &ScopeSet,
    spent: &Spent,
) -> Result<Zeroizing<String>, GrantError> {
    let grace = seconds(request.app.config.tokens.refresh_grace);
    if request.now < spent.at.saturating_add(grace)
        && let Some(token) = successor::open(presented, &spent.successor, scope)
    {
        return Ok(token);
    }
    revoke_grant(request.app, &stored.grant.id).await?;
    tracing::warn!(
        grant = %stored.grant.id, client = %request.client.id, "a spent refresh token was used again: its grant is revoked"
    );
    Err(GrantError::InvalidGrant("the refresh token was used before"))
}

/// The same token again. A public client's is always rotated: nothing else would show that it was stolen (RFC 9700
/// §4.14.2).
fn preserves(client: &Client) -> bool {
    client.options.refresh_mode == RefreshMode::Preserve && client.auth_method != ClientAuthMethod::None
}

async fn keep(
    request: &Request<'_>,
    stored: &Stored,
    presented: &str,
    digest: &Digest,
) -> Result<Zeroizing<String>, GrantError> {
    // Its idle lifetime begins anew; a minute more is not worth a write.
    let expires_at = expiry(request, &stored.grant);
    if expires_at.saturating_sub(stored.expires_at) >= 60
        && !request.app.store.extend_refresh(digest, expires_at).await?
    {
        return Err(GrantError::InvalidGrant("the grant was revoked"));
    }
    Ok(Zeroizing::new(presented.to_owned()))
}

/// When a refresh token that is issued or used now stops being good, if it is not used again: its idle lifetime, within
/// the time that the grant can be refreshed at all.
fn expiry(request: &Request<'_>, grant: &GrantRow) -> i64 {
    let (tokens, options) = (&request.app.config.tokens, &request.client.options);
    let idle = options.refresh_lifetime.map_or_else(|| seconds(tokens.refresh_lifetime), i64::from);
    let absolute =
        options.refresh_absolute_lifetime.map_or_else(|| seconds(tokens.refresh_absolute_lifetime), i64::from);
    let end = if absolute == 0 { i64::MAX } else { grant.created_at.saturating_add(absolute) };
    request.now.saturating_add(idle).min(end)
}

fn new(request: &Request<'_>, grant: &GrantRow) -> (Zeroizing<String>, NewRefreshToken) {
    let token = secret::generate(request.app.env.random.as_ref(), secret::REFRESH_TOKEN);
    let expires_at = expiry(request, grant);
    let confirmation = binding(request);
    let stored = NewRefreshToken { digest: Digest::of(&token), issued_at: request.now, expires_at, confirmation };
    (token, stored)
}

/// What a refresh token is bound to: of a client that cannot prove itself, the keys it showed (RFC 9449 §5, RFC 8705 §4).
/// The others prove themselves with it, and may change their keys.
fn binding(request: &Request<'_>) -> Confirmation {
    match request.client.auth_method {
        ClientAuthMethod::None => request.confirmation.clone(),
        _ => Confirmation::default(),
    }
}
