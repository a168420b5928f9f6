//! `GET` and `POST /login`: the sign-in page.

use super::params::{Form, Params, ParamsError};
use super::pending::{Opened, Pending};
use super::{App, Route, cookies, csrf, flow, redirect_uri};
use crate::grants::{GrantError, seconds};
use crate::model::{Digest, Person, Session};
use crate::pages::{self, LoginPage, Trouble};
use crate::passwords::{PasswordError, Verdict};
use crate::secret;
use crate::storage::StoreError;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The `acr` of a sign-in by password alone.
const ACR_PASSWORD: &str = "pwd";
/// The longest username and password that are looked at, in bytes.
const MAX_USERNAME: usize = 256;
const MAX_PASSWORD: usize = 1024;

/// What the page says beside its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remark {
    Expired,
    Incomplete,
    Wrong,
    Busy,
}

impl Remark {
    fn status(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::FORBIDDEN,
            Self::Incomplete | Self::Wrong => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Expired => "This page had expired. Please sign in again.",
            Self::Incomplete => "Enter your username and your password.",
            Self::Wrong => "That username and password do not match. Check both and try again.",
            Self::Busy => "Many people are signing in at the moment. Please try again in a few seconds.",
        }
    }
}

pub(super) async fn get(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let shown = async {
        let params = Params::parse(uri.query().unwrap_or_default().as_bytes())?;
        let Opened { pending, expired } = flow::opened(&app, &params)?;
        let remark = expired.then_some(Remark::Expired);
        page(&app, &headers, pending, "", remark, StatusCode::OK).await
    };
    shown.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

pub(super) async fn post(State(app): State<Arc<App>>, headers: HeaderMap, form: Result<Form, ParamsError>) -> Response {
    let answered = async {
        let Form(params) = form?;
        sign_in(&app, &headers, &params).await
    };
    answered.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

async fn sign_in(app: &App, headers: &HeaderMap, params: &Params) -> Result<Response, Trouble> {
    if !csrf::same_origin(app, headers) {
        return Err(Trouble::Foreign);
    }
    let Opened { pending, expired } = flow::opened(app, params)?;
    let username = params.get("username").unwrap_or_default().trim();
    let ours = cookies::browser_cookie(app, headers).is_some_and(|browser| {
        let sealed = params.get(super::pending::CONTINUE).unwrap_or_default();
        csrf::check(app, csrf::Purpose::Login, &browser, sealed, params)
    });
    let outcome = match params.get("password") {
        _ if expired || !ours => Err(Remark::Expired),
        Some(password) if !username.is_empty() => check(app, username, password).await?,
        _ => Err(Remark::Incomplete),
    };
    match outcome {
        Ok(person) => go_on(app, headers, person, pending).await,
        Err(remark) => page(app, headers, pending, username, Some(remark), remark.status()).await,
    }
}

/// The person, if the password is theirs. Whether the person exists cannot be told from the answer or its time.
async fn check(app: &App, username: &str, password: &str) -> Result<Result<Person, Remark>, StoreError> {
    if username.len() > MAX_USERNAME || password.len() > MAX_PASSWORD {
        return Ok(Err(Remark::Wrong));
    }
    let password = Zeroizing::new(password.to_owned());
    let person = app.store.person_by_username(username).await?;
    let stored = person.as_ref().map(|p| p.password_hash.clone());
    let verdict = app.passwords.verify(stored, password.clone()).await;
    let enabled = person.filter(|p| p.disabled_at.is_none());
    Ok(match (verdict, enabled) {
        (Ok(Verdict::Right), Some(person)) => Ok(person),
        (Ok(Verdict::RightButOld), Some(person)) => {
            rehash(app, &person, password).await;
            Ok(person)
        }
        (Ok(_), _) => {
            tracing::info!("sign-in refused");
            Err(Remark::Wrong)
        }
        (Err(PasswordError::Busy | PasswordError::Failed), _) => Err(Remark::Busy),
    })
}

/// The person, if the password is theirs, for the grant that takes passwords (RFC 6749 §4.3).
pub(crate) async fn sign_in_by_password(
    app: &App,
    username: &str,
    password: &str,
) -> Result<Option<Person>, GrantError> {
    match check(app, username, password).await? {
        Ok(person) => Ok(Some(person)),
        Err(Remark::Busy) => Err(GrantError::Busy),
        Err(_) => Ok(None),
    }
}

/// Stores the password under the present scheme. Signing in does not depend on it: the next time will do.
async fn rehash(app: &App, person: &Person, password: Zeroizing<String>) {
    let Ok(new) = app.passwords.hash(password).await else { return };
    if let Err(error) = app.store.rehash_password(&person.id, &person.password_hash, &new).await {
        tracing::warn!(%error, "a password could not be hashed again");
    }
}

/// A new session, whatever the browser had before (a session is never taken over across a sign-in), and on.
async fn go_on(app: &App, headers: &HeaderMap, person: Person, pending: Pending) -> Result<Response, Trouble> {
    let now = app.env.clock.now();
    let cookie = secret::generate(app.env.random.as_ref(), secret::SESSION);
    let session = Session {
        person_id: person.id,
        auth_time: now,
        acr: ACR_PASSWORD.to_owned(),
        expires_at: now.saturating_add(seconds(app.config.sessions.lifetime)),
    };
    let before = cookies::session_cookie(app, headers).map(|old| Digest::of(&old));
    app.store.create_session(&Digest::of(&cookie), &session, before.as_ref()).await?;
    let mut response = flow::to_consent(app, &pending.after_sign_in(now))?;
    cookies::set_session(app, response.headers_mut(), &cookie);
    Ok(response)
}

async fn page(
    app: &App,
    headers: &HeaderMap,
    pending: Pending,
    username: &str,
    remark: Option<Remark>,
    status: StatusCode,
) -> Result<Response, Trouble> {
    let client = flow::client(app, &pending).await?;
    let pending = pending.renewed(app.env.clock.now());
    let sealed = pending.seal(app)?;
    let known = cookies::browser_cookie(app, headers);
    let browser = known.clone().unwrap_or_else(|| secret::random_id(app.env.random.as_ref()));
    let page = LoginPage {
        frame: pages::Frame::of(app),
        action: app.urls.path(Route::Login),
        client_name: &client.name,
        csrf: csrf::token(app, csrf::Purpose::Login, &browser, &sealed)?,
        sealed,
        username,
        error: remark.filter(|r| *r != Remark::Expired).map(Remark::text),
        notice: remark.filter(|r| *r == Remark::Expired).map(Remark::text),
    };
    let mut response = pages::html(status, &page, redirect_uri::csp_source(&pending.redirect_uri).as_deref());
    if known.is_none() {
        cookies::set_browser(app, response.headers_mut(), &browser);
    }
    Ok(response.into_response())
}
