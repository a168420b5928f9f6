//! From an authorization request to its answer: sign in, agree, get a code.

use super::answer;
use super::cookies::SignedIn;
use super::params::Params;
use super::pending::{CONTINUE, Opened, Pending};
use super::{App, Route, redirect_uri};
use crate::grants::seconds;
use crate::model::{AuthorizationCode, Client, ClientAuthMethod, Digest, Grant, GrantDetails};
use crate::pages::Trouble;
use crate::secret;
use axum::response::Response;
use std::sync::Arc;

/// What comes next for a request.
pub(super) enum Step<'a> {
    /// The person has to sign in.
    Login,
    /// The person has to be asked.
    Ask(&'a SignedIn),
    /// The person agreed before.
    Grant(&'a SignedIn),
}

/// Decides what comes next.
pub(super) async fn step<'a>(
    app: &App,
    signed_in: Option<&'a SignedIn>,
    pending: &Pending,
) -> Result<Step<'a>, Trouble> {
    let client = client(app, pending).await?;
    let Some(signed_in) = signed_in.filter(|_| !pending.sign_in) else { return Ok(Step::Login) };
    // RFC 8252 §8.6: consent given before counts only where the answer cannot reach another program.
    let certain = client.auth_method != ClientAuthMethod::None || redirect_uri::assures_identity(&pending.redirect_uri);
    if pending.ask || !certain {
        return Ok(Step::Ask(signed_in));
    }
    if client.options.first_party {
        return Ok(Step::Grant(signed_in));
    }
    let agreed = app.store.consent(&signed_in.person.id, &client.id).await?;
    Ok(if pending.scope.is_subset(&agreed) { Step::Grant(signed_in) } else { Step::Ask(signed_in) })
}

/// The client of a request, if it may still be answered there.
pub(super) async fn client(app: &App, pending: &Pending) -> Result<Arc<Client>, Trouble> {
    let client = app.clients.get(app.store.as_ref(), &app.env, &pending.client_id).await?;
    let client = client.filter(|c| c.disabled_at.is_none()).ok_or(Trouble::ClientUnknown)?;
    if redirect_uri::is_registered(&client, &pending.redirect_uri) { Ok(client) } else { Err(Trouble::RedirectUri) }
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

/// Records what the person granted and sends the code to the client.
pub(super) async fn grant(app: &App, signed_in: &SignedIn, pending: &Pending) -> Result<Response, Trouble> {
    let now = app.env.clock.now();
    let random = app.env.random.as_ref();
    let code = secret::generate(random, secret::AUTHORIZATION_CODE);
    let grant = Grant {
        id: secret::random_id(random),
        client_id: pending.client_id.clone(),
        person_id: signed_in.person.id.clone(),
        scope: pending.scope.clone(),
        auth_time: signed_in.session.auth_time,
        acr: signed_in.session.acr.clone(),
        details: GrantDetails::default(),
        created_at: now,
        revoked_at: None,
    };
    let authorization = AuthorizationCode {
        grant,
        redirect_uri: pending.redirect_uri_named.then(|| pending.redirect_uri.clone()),
        code_challenge: pending.code_challenge.clone(),
        expires_at: now.saturating_add(seconds(app.config.tokens.code_lifetime)),
        used_at: None,
    };
    app.store.authorize(&Digest::of(&code), &authorization).await?;
    Ok(answer::to_client(app, pending, &[("code", code.as_str())]))
}

fn to_page(app: &App, route: Route, pending: &Pending) -> Result<Response, Trouble> {
    let sealed = pending.seal(app)?;
    Ok(answer::see_other(&format!("{}?{CONTINUE}={sealed}", app.urls.path(route))))
}
