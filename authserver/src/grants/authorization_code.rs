//! Redeeming an authorization code, RFC 6749 §4.1.3, with PKCE (RFC 7636) and the defences of RFC 9700 §2.1.1 and §4.8.

use super::{Grant, GrantError, Request, TokenResponse, mint, pkce, refresh_token, revoke_grant};
use crate::model::{AuthorizationCode as Code, Digest, GrantType};
use crate::secret;
use crate::storage::Redeemed;
use async_trait::async_trait;

pub(super) struct AuthorizationCode;

#[async_trait]
impl Grant for AuthorizationCode {
    fn grant_type(&self) -> GrantType {
        GrantType::AuthorizationCode
    }

    fn public_clients(&self) -> bool {
        true
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let presented = request.require("code")?;
        if !secret::well_formed(secret::AUTHORIZATION_CODE, presented) {
            return Err(GrantError::InvalidGrant("not a code of this server"));
        }
        let digest = Digest::of(presented);
        let code = request.app.store.code(&digest).await?.ok_or(GrantError::InvalidGrant("no such code"))?;
        usable(request, &code).await?;
        // RFC 6749 §4.1.3: required, and identical, if it was part of the authorization request.
        if code.redirect_uri.as_deref() != request.params.get("redirect_uri") {
            return Err(GrantError::RedirectUri);
        }
        // RFC 9449 §10.
        let bound = &code.grant.details.dpop_jkt;
        if bound.is_some() && *bound != request.confirmation.jkt {
            return Err(GrantError::InvalidGrant("the code is bound to another DPoP key"));
        }
        pkce::check(code.code_challenge.as_deref(), request.params.get("code_verifier"))?;
        redeem(request, &digest, &code).await
    }
}

/// Spends a code for the tokens of its grant; also a device code that a person agreed to.
pub(super) async fn redeem(request: &Request<'_>, digest: &Digest, code: &Code) -> Result<TokenResponse, GrantError> {
    usable(request, code).await?;
    let (app, now) = (request.app, request.now);
    let scope = code.grant.scope.intersection(&request.client.scopes);
    let mut response = mint::mint(request, Some(&code.grant), &scope).await?;
    let refresh = refresh_token::first(request, &code.grant);
    match app.store.redeem_code(digest, now, refresh.as_ref().map(|(_, stored)| stored)).await? {
        Redeemed::Now => {
            response.refresh_token = refresh.map(|(token, _)| token.to_string());
            Ok(response)
        }
        Redeemed::Before => Err(used_before(request, code).await?),
        Redeemed::Revoked => Err(GrantError::InvalidGrant("the grant of the code was revoked")),
    }
}

async fn usable(request: &Request<'_>, code: &Code) -> Result<(), GrantError> {
    if code.grant.client_id != request.client.id {
        return Err(GrantError::InvalidGrant("the code was issued to another client"));
    }
    if code.used_at.is_some() {
        return Err(used_before(request, code).await?);
    }
    if code.grant.revoked_at.is_some() {
        return Err(GrantError::InvalidGrant("the grant of the code was revoked"));
    }
    if code.expires_at <= request.now {
        return Err(GrantError::InvalidGrant("the code expired"));
    }
    Ok(())
}

/// RFC 6749 §4.1.2: a code used twice was stolen or leaked, so what it gave is revoked.
async fn used_before(request: &Request<'_>, code: &Code) -> Result<GrantError, GrantError> {
    if code.grant.revoked_at.is_none() {
        revoke_grant(request.app, &code.grant.id).await?;
    }
    tracing::warn!(grant = %code.grant.id, client = %request.client.id, "a code was used twice: its grant is revoked");
    Ok(GrantError::InvalidGrant("the code was used before"))
}
