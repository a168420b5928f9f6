//! JWT bearer assertions as a grant, RFC 7523 §2.1: another issuer, or the client by its own keys, says for whom.

use super::{Grant, GrantError, Request, TokenResponse, vouched};
use crate::assertion::{self, AssertionError};
use crate::custom_claims::CustomClaims;
use crate::http::{App, Params};
use crate::jwt::Jwt;
use crate::model::{AssertionKind, Client, GrantType, IssuerSettings, TrustedIssuer};
use crate::storage::StoreError;
use async_trait::async_trait;
use bearward_token::claim_set::{ClaimPath, ClaimSet};
use serde::Deserialize;
use std::sync::Arc;

pub(super) struct JwtBearer;

#[async_trait]
impl Grant for JwtBearer {
    fn grant_type(&self) -> GrantType {
        GrantType::JwtBearer
    }

    fn public_clients(&self) -> bool {
        true
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let jwt = Jwt::parse(request.require("assertion")?).map_err(AssertionError::from)?;
        let issuer = trusted(request, &issuer(&jwt).map_err(AssertionError::from)?).await?;
        let scope = vouched::scope(request, &issuer)?;
        let payload = signed(request, &issuer, &jwt).await?;
        let mut minting = vouched::minting(request, &issuer, &scope).await?;
        minting.claims = carried(request, &issuer, &minting.claims, payload)?;
        let claims = assertion::accept(request.app, &jwt, payload).await?;
        let subject = subject(request, &issuer, &claims.sub).await?;
        minting.subject = Some(&subject);
        // RFC 7521 §4.1: no refresh token; another assertion does the same.
        minting.issue().await
    }
}

/// The client of a request that shows no proof but an assertion of its own (RFC 7521 §4.1: client authentication is
/// optional). The grant then takes that client's own keys, so the assertion is what proves it.
///
/// # Errors
/// [`StoreError`]
pub(crate) async fn client_of_assertion(app: &App, params: &Params) -> Result<Option<Arc<Client>>, StoreError> {
    if params.get("grant_type") != Some(GrantType::JwtBearer.wire_name()) {
        return Ok(None);
    }
    let Some(issuer) = params.get("assertion").and_then(|text| issuer(&Jwt::parse(text).ok()?).ok()) else {
        return Ok(None);
    };
    let client = app.clients.get(app.store.as_ref(), &app.env, &issuer).await?;
    Ok(client.filter(|client| client.disabled_at.is_none() && has_keys(client)))
}

fn has_keys(client: &Client) -> bool {
    !client.options.keys.is_empty() || !client.options.credentials.is_empty()
}

/// The payload of a JWT that this issuer signed, which may be the client itself.
///
/// # Errors
/// [`AssertionError`]
pub(super) async fn signed<'j>(
    request: &Request<'_>,
    issuer: &TrustedIssuer,
    jwt: &'j Jwt<'_>,
) -> Result<&'j [u8], AssertionError> {
    if issuer.issuer == request.client.id {
        return assertion::signed_by_client(request.app, request.client, jwt).await;
    }
    assertion::signed_by(request.app, &issuer.settings.keys, jwt).await
}

fn issuer(jwt: &Jwt<'_>) -> Result<String, crate::jwt::JwtError> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    jwt.unverified::<Issuer>().map(|claims| claims.iss)
}

/// What is believed of whoever made a JWT that this client brings: the client itself by its own keys, or an issuer that
/// is trusted with it.
pub(super) async fn trusted(request: &Request<'_>, issuer: &str) -> Result<TrustedIssuer, GrantError> {
    let client = request.client;
    if issuer != client.id {
        return vouched::issuer(request, issuer, AssertionKind::Jwt).await;
    }
    let subjects = client.options.assertion_subjects.unwrap_or_default();
    let settings = IssuerSettings { subjects, ..IssuerSettings::default() };
    Ok(TrustedIssuer { issuer: client.id.clone(), settings, created_at: client.created_at })
}

/// What of a payload whose signature held goes into the token.
pub(super) fn carried(
    request: &Request<'_>,
    issuer: &TrustedIssuer,
    brought: &CustomClaims,
    payload: &[u8],
) -> Result<CustomClaims, AssertionError> {
    let all = ClaimSet::parse(payload);
    vouched::claims(request, issuer, brought, |source| all.as_ref()?.at(&ClaimPath::new(source)?).cloned())
}

/// The `sub` of the token. RFC 7523 §3: with its own assertion a client speaks for itself, unless it is registered to
/// speak for people.
pub(super) async fn subject(request: &Request<'_>, issuer: &TrustedIssuer, name: &str) -> Result<String, GrantError> {
    let client = request.client;
    match (issuer.issuer == client.id, client.options.assertion_subjects) {
        (true, _) if name == client.id => Ok(client.id.clone()),
        (true, None) => Err(AssertionError::Untrusted.into()),
        _ => vouched::subject(request, issuer, name).await,
    }
}
