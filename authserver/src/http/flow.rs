//! From an authorization request to its answer: sign in, agree, get a code or a token.

use super::answer;
use super::cookies::SignedIn;
use super::params::Params;
use super::pending::{CONTINUE, Opened, Pending, ResponseType};
use super::{App, Route, device, redirect_uri};
use crate::confirmation::Confirmation;
use crate::custom_claims::CustomClaims;
use crate::grants::mint::{Exchanged, Minting};
use crate::grants::{GrantError, resource, seconds};
use crate::model::{AuthorizationCode, Client, ClientAuthMethod, Digest, Grant, GrantDetails};
use crate::pages::Trouble;
use crate::secret;
use axum::response::Response;
use bearward_token::scope::ScopeSet;
use std::sync::Arc;

/// The ways of signing in that sessions can have, the weakest first: what `acr_values` may ask for (RFC 9470 §4).
pub(super) const ACR_VALUES: &[&str] = &["pwd", "mfa"];

/// What comes next for a request.
pub(super) enum Step<'a> {
    /// The person has to sign in.
    Login,
    /// The person has to be asked.
    Ask(&'a SignedIn),
    /// The person agreed before.
    Grant(&'a SignedIn),
    /// The person signed in for this request, but not in a way that it asks for.
    Unmet,
}

/// Decides what comes next.
pub(super) async fn step<'a>(
    app: &App,
    signed_in: Option<&'a SignedIn>,
    pending: &Pending,
) -> Result<Step<'a>, Trouble> {
    let client = client(app, pending).await?;
    let Some(signed_in) = signed_in.filter(|s| !pending.sign_in && is_recent(s, pending)) else {
        return Ok(Step::Login);
    };
    if !meets(&signed_in.session.acr, &pending.acr_values) {
        return Ok(if pending.signed_in { Step::Unmet } else { Step::Login });
    }
    // Details are of one transaction, not of a kind of access.
    if asks_anew(&client, pending) || !pending.authorization_details.is_empty() {
        return Ok(Step::Ask(signed_in));
    }
    if client.options.first_party {
        return Ok(Step::Grant(signed_in));
    }
    let agreed = agreed(app, signed_in, &client, pending).await?;
    Ok(if pending.scope.is_subset(&agreed) { Step::Grant(signed_in) } else { Step::Ask(signed_in) })
}

/// What of a request the person need not be asked any more: they agreed to it before.
pub(super) async fn agreed(
    app: &App,
    signed_in: &SignedIn,
    client: &Client,
    pending: &Pending,
) -> Result<ScopeSet, Trouble> {
    if asks_anew(client, pending) {
        return Ok(ScopeSet::default());
    }
    let agreed = app.store.consent(&signed_in.person.id, &client.id).await?;
    Ok(pending.scope.intersection(&agreed))
}

/// Whether what was agreed to before counts for nothing: `prompt=consent`; and RFC 8252 §8.6, it counts only where the answer
/// cannot reach another program.
fn asks_anew(client: &Client, pending: &Pending) -> bool {
    let certain = client.auth_method != ClientAuthMethod::None || redirect_uri::assures_identity(&pending.redirect_uri);
    pending.ask || !certain
}

/// Counted back from when the request came, so that reading the pages takes no time off, and no link that was kept
/// makes an old sign-in young.
fn is_recent(signed_in: &SignedIn, pending: &Pending) -> bool {
    pending.max_age.is_none_or(|max| pending.asked_at.saturating_sub(signed_in.session.auth_time) <= max)
}

/// Whether a way of signing in is one of those asked for, or stronger than one of them.
fn meets(acr: &str, asked: &[String]) -> bool {
    let strength = |value: &str| ACR_VALUES.iter().position(|known| *known == value);
    let stronger = |value: &String| strength(acr).is_some_and(|own| strength(value).is_some_and(|least| own >= least));
    asked.is_empty() || asked.iter().any(|value| value == acr || stronger(value))
}

/// The client of a request, if it may still be answered there.
pub(super) async fn client(app: &App, pending: &Pending) -> Result<Arc<Client>, Trouble> {
    let client = app.clients.get(app.store.as_ref(), &app.env, &pending.client_id).await?;
    let client = client.filter(|c| c.disabled_at.is_none()).ok_or(Trouble::ClientUnknown)?;
    let reachable = pending.device.is_some() || redirect_uri::is_registered(&client, &pending.redirect_uri);
    if reachable { Ok(client) } else { Err(Trouble::RedirectUri) }
}

/// The request that a page was asked to go on with.
pub(super) fn opened(app: &App, params: &Params) -> Result<Opened, Trouble> {
    let sealed = params.get(CONTINUE).ok_or(Trouble::NothingPending)?;
    Opened::open(app, sealed).ok_or(Trouble::NothingPending)
}

/// Off to the sign-in page.
pub(super) fn to_login(app: &App, pending: &Pending) -> Result<Response, Trouble> {
    to_page(app, Route::Login, pending)
}

/// Off to the consent page, which asks only if it has to.
pub(super) fn to_consent(app: &App, pending: &Pending) -> Result<Response, Trouble> {
    to_page(app, Route::Consent, pending)
}

/// Back to the client: the person could not sign in as it asks (RFC 9470 §5).
pub(super) fn unmet(app: &App, pending: &Pending) -> Response {
    let description = "the person did not sign in in a way that acr_values names";
    answer::error_to_client(app, pending, "unmet_authentication_requirements", description)
}

/// Records what the person granted and sends the code or the token to the client.
pub(super) async fn grant(app: &App, signed_in: &SignedIn, pending: &Pending) -> Result<Response, Trouble> {
    // Pages wait for people, and the registration may have changed meanwhile.
    let client = client(app, pending).await?;
    let refused = |error, why| Ok(answer::error_to_client(app, pending, error, why));
    if pending.device.is_none() && !client.grant_types.contains(&pending.response_type.grant_type()) {
        return refused("unauthorized_client", "the client is not registered for this response_type any more");
    }
    let scope = pending.scope.intersection(&client.scopes);
    if pending.device.is_none() && scope.is_empty() && !pending.scope.is_empty() {
        return refused("invalid_scope", "the client may not have any of these scopes any more");
    }
    let pending = &Pending { scope, ..pending.clone() };
    let grant = Grant {
        id: secret::random_id(app.env.random.as_ref()),
        client_id: pending.client_id.clone(),
        person_id: signed_in.person.id.clone(),
        scope: pending.scope.clone(),
        auth_time: signed_in.session.auth_time,
        acr: signed_in.session.acr.clone(),
        details: GrantDetails {
            resources: pending.resources.clone(),
            authorization_details: pending.authorization_details.clone(),
            claims: pending.claims.clone(),
            dpop_jkt: pending.dpop_jkt.clone(),
        },
        created_at: app.env.clock.now(),
        revoked_at: None,
    };
    if let Some(user_code) = &pending.device {
        return device::approve(app, grant, user_code).await;
    }
    match pending.response_type {
        ResponseType::Code => code(app, grant, pending).await,
        ResponseType::Token => token(app, grant, pending).await,
    }
}

/// Tells whoever asked that the person did not agree.
pub(super) async fn deny(app: &App, pending: &Pending) -> Result<Response, Trouble> {
    match &pending.device {
        Some(user_code) => device::deny(app, user_code).await,
        None => Ok(answer::error_to_client(app, pending, "access_denied", "the person did not agree")),
    }
}

async fn code(app: &App, grant: Grant, pending: &Pending) -> Result<Response, Trouble> {
    let code = secret::generate(app.env.random.as_ref(), secret::AUTHORIZATION_CODE);
    app.store.authorize(&Digest::of(&code), &authorization(app, grant, pending, None)).await?;
    Ok(answer::to_client(app, pending, &[("code", code.as_str())]))
}

/// RFC 6749 §4.2.2: no refresh token; `scope` always, because the person or the client's registration may have cut it.
async fn token(app: &App, grant: Grant, pending: &Pending) -> Result<Response, Trouble> {
    let client = client(app, pending).await?;
    // Its grant is kept by a code that nobody ever gets, spent from the start: so it can be withdrawn like any other.
    let unused = secret::generate(app.env.random.as_ref(), secret::AUTHORIZATION_CODE);
    let authorization = authorization(app, grant, pending, Some(app.env.clock.now()));
    app.store.authorize(&Digest::of(&unused), &authorization).await?;
    let resources = &pending.resources;
    let minting = Minting {
        app,
        client: &client,
        now: authorization.grant.created_at,
        grant: Some(&authorization.grant),
        subject: None,
        scope: &pending.scope,
        audience: if resources.is_empty() { resource::usual(app, &client).to_vec() } else { resources.clone() },
        authorization_details: pending.authorization_details.clone(),
        claims: CustomClaims::default(),
        act: None,
        exchanged: Exchanged::default(),
        confirmation: Confirmation::default(),
        not_after: None,
    };
    let issued = match minting.issue().await {
        Ok(issued) => issued,
        // A browser that is sent here cannot show a key.
        Err(GrantError::Unbound(_)) => {
            let description = "the client's tokens are bound to a key, so they come from the token endpoint only";
            return Ok(answer::error_to_client(app, pending, "unauthorized_client", description));
        }
        Err(GrantError::Store(error)) => return Err(error.into()),
        Err(GrantError::Keys(error)) => return Err(error.into()),
        Err(_) => return Err(Trouble::Broken),
    };
    let expires_in = issued.expires_in.to_string();
    let mut params = vec![
        ("access_token", issued.access_token.as_str()),
        ("token_type", issued.token_type),
        ("expires_in", &expires_in),
        ("scope", &issued.scope),
    ];
    let details = issued.authorization_details.as_ref().and_then(|details| serde_json::to_string(details).ok());
    params.extend(details.as_ref().map(|details| ("authorization_details", details.as_str())));
    metrics::counter!("bearward_tokens_issued_total", "grant_type" => "implicit").increment(1);
    Ok(answer::to_client(app, pending, &params))
}

fn authorization(app: &App, grant: Grant, pending: &Pending, used_at: Option<i64>) -> AuthorizationCode {
    AuthorizationCode {
        expires_at: grant.created_at.saturating_add(seconds(app.config.tokens.code_lifetime)),
        grant,
        redirect_uri: pending.redirect_uri_named.then(|| pending.redirect_uri.clone()),
        code_challenge: pending.code_challenge.clone(),
        used_at,
    }
}

fn to_page(app: &App, route: Route, pending: &Pending) -> Result<Response, Trouble> {
    let sealed = pending.seal(app)?;
    Ok(answer::see_other(&format!("{}?{CONTINUE}={sealed}", app.urls.path(route))))
}
