//! JWT bearer assertions as a grant, RFC 7523 §2.1: another issuer, or the client by its own keys, says for whom.

use super::{Grant, GrantError, Request, TokenResponse, mint, scope};
use crate::assertion::{self, AssertionError};
use crate::http::{App, Params};
use crate::jwt::Jwt;
use crate::model::{Client, GrantType, IssuerSettings, Subjects};
use crate::storage::StoreError;
use async_trait::async_trait;
use bearward_token::scope::ScopeSet;
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
        let (app, client) = (request.app, request.client);
        let jwt = Jwt::parse(request.require("assertion")?).map_err(AssertionError::from)?;
        let issuer = issuer(&jwt).map_err(AssertionError::from)?;
        let settings = trust(app, client, &issuer).await?.ok_or(AssertionError::Untrusted)?;
        let scope = narrowed(scope::for_client(client, request.scope.as_ref())?, settings.scopes.as_ref())?;
        let payload = assertion::signed_by(app, &settings.keys, &jwt).await?;
        let claims = assertion::accept(app, &jwt, payload).await?;
        let subject = subject(app, client, &settings, &claims).await?;
        let mut minting = mint::minting(request, None, &scope).await?;
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
    Ok(client.filter(|client| client.disabled_at.is_none() && !client.options.keys.is_empty()))
}

fn issuer(jwt: &Jwt<'_>) -> Result<String, crate::jwt::JwtError> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    jwt.unverified::<Issuer>().map(|claims| claims.iss)
}

/// What is believed of whoever made an assertion that this client brings, if anything: the client itself by its own
/// keys, or an issuer that is trusted with it.
pub(super) async fn trust(app: &App, client: &Client, issuer: &str) -> Result<Option<IssuerSettings>, StoreError> {
    if issuer == client.id {
        let keys = client.options.keys.clone();
        let subjects = client.options.assertion_subjects.unwrap_or_default();
        let own = IssuerSettings { keys, subjects, ..IssuerSettings::default() };
        return Ok((!own.keys.is_empty()).then_some(own));
    }
    let settings = app.store.issuer(issuer).await?.map(|issuer| issuer.settings);
    Ok(settings.filter(|settings| settings.clients.is_empty() || settings.clients.contains(&client.id)))
}

/// At most what the issuer may give.
pub(super) fn narrowed(scope: ScopeSet, most: Option<&ScopeSet>) -> Result<ScopeSet, GrantError> {
    let scope = most.map_or(scope.clone(), |most| scope.intersection(most));
    if scope.is_empty() { Err(scope::ScopeRefused::Nothing.into()) } else { Ok(scope) }
}

/// The `sub` of the token.
pub(super) async fn subject(
    app: &App,
    client: &Client,
    settings: &IssuerSettings,
    claims: &assertion::Claims,
) -> Result<String, AssertionError> {
    let own = claims.iss == client.id;
    // RFC 7523 §3: with its own assertion a client speaks for itself, unless it is registered to speak for people.
    if own && claims.sub == client.id {
        return Ok(client.id.clone());
    }
    if own && client.options.assertion_subjects.is_none() {
        return Err(AssertionError::Untrusted);
    }
    match settings.subjects {
        Subjects::Any => Ok(format!("{}#{}", claims.iss, claims.sub)),
        Subjects::People => {
            let person = app.store.person_by_username(&claims.sub).await?;
            let person = person.filter(|person| person.disabled_at.is_none()).ok_or(AssertionError::Untrusted)?;
            Ok(person.id)
        }
    }
}
