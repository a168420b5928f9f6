//! A person's grant that no page was shown for: the answer with its tokens.

use super::{GrantError, Request, TokenResponse, claims, details, mint, refresh_token, resource, seconds};
use crate::model::{AuthorizationCode, Digest, Grant, GrantDetails};
use crate::secret;
use bearward_token::scope::ScopeSet;

/// Stores a new grant of this person to the request's client, and issues its first tokens.
pub(super) async fn issue(
    request: &Request<'_>,
    person_id: &str,
    acr: &str,
    scope: ScopeSet,
) -> Result<TokenResponse, GrantError> {
    let (app, now) = (request.app, request.now);
    let random = app.env.random.as_ref();
    let grant = Grant {
        id: secret::random_id(random),
        client_id: request.client.id.clone(),
        person_id: person_id.to_owned(),
        scope: scope.clone(),
        auth_time: now,
        acr: acr.to_owned(),
        details: granted_details(request).await?,
        created_at: now,
        revoked_at: None,
    };
    let mut response = mint::mint(request, Some(&grant), &scope).await?;
    let refresh = refresh_token::first(request, &grant);
    // The grant is kept by a code that nobody has, spent from the start: so it can be withdrawn like any other.
    let unused = secret::generate(random, secret::AUTHORIZATION_CODE);
    let expires_at = now.saturating_add(seconds(app.config.tokens.max_access_lifetime));
    let kept = AuthorizationCode { grant, redirect_uri: None, code_challenge: None, expires_at, used_at: Some(now) };
    app.store.create_grant(&Digest::of(&unused), &kept, refresh.as_ref().map(|(_, stored)| stored)).await?;
    response.refresh_token = refresh.map(|(token, _)| token.to_string());
    Ok(response)
}

/// What the request asks for beside scopes, if the client may have it: the grant holds it from then on.
async fn granted_details(request: &Request<'_>) -> Result<GrantDetails, GrantError> {
    let Request { app, client, grant_type, params, .. } = request;
    Ok(GrantDetails {
        resources: resource::asked(app, client, params)?,
        authorization_details: details::asked(app, client, params).await?,
        claims: claims::of_grant(client, *grant_type, params, claims::proves_itself(client))?,
        ..GrantDetails::default()
    })
}
