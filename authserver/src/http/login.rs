//! `GET` and `POST /login`: the sign-in page, and behind it the page for the second factor ([`factor`]). A passkey is a
//! sign-in of its own, and a second factor as well ([`passkey`]).

mod factor;
mod passkey;

use super::address::Address;
use super::browser::Browser;
use super::goal::Goal;
use super::params::{Form, Params, ParamsError};
use super::pending::CONTINUE;
use super::throttle::{Trier, name_of};
use super::{App, Route, answer, cookies, csrf, flow, redirect_uri};
use crate::activity::Kind;
use crate::admin::{Actor, NOTHING, change};
use crate::grants::{GrantError, seconds};
use crate::model::{Digest, Person, Session};
use crate::pages::{self, LoginPage, Trouble};
use crate::passwords::{PasswordError, Verdict};
use crate::secret;
use crate::storage::StoreError;
use axum::extract::{Extension, State};
use axum::response::Response;
use factor::{Factors, Half};
use http::header::{RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The `acr` of a sign-in by password alone, and of one with a second factor.
const ACR_PASSWORD: &str = "pwd";
const ACR_FACTORS: &str = "mfa";
/// The longest username and password that are looked at, in bytes.
const MAX_USERNAME: usize = 256;
const MAX_PASSWORD: usize = 1024;

/// What the page says beside its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remark {
    Expired,
    /// The browser was signed in, and is no more.
    Ended,
    Incomplete,
    Wrong,
    WrongCode,
    WrongPasskey,
    /// Too many tries; how many seconds to wait.
    Throttled(i64),
    Busy,
}

impl Remark {
    fn status(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::FORBIDDEN,
            Self::Ended => StatusCode::OK,
            Self::Incomplete | Self::Wrong | Self::WrongCode | Self::WrongPasskey => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// `Retry-After`, where there is something to wait for.
    fn say_when(self, response: &mut Response) {
        let wait = match self {
            Self::Throttled(wait) => wait.unsigned_abs(),
            Self::Busy => 5,
            _ => return,
        };
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
    }

    fn text(self) -> String {
        match self {
            Self::Expired => "This page had expired. Please sign in again.".to_owned(),
            Self::Ended => {
                "You are no longer signed in: a session ends when it is not used for a while. Sign in to go on where \
                            you were."
                    .to_owned()
            }
            Self::Incomplete => "Enter your username and your password.".to_owned(),
            Self::Wrong => "That username and password do not match. Check both and try again.".to_owned(),
            Self::WrongCode => {
                "That code is not right, or was used before. Wait for the next one and try again.".to_owned()
            }
            Self::WrongPasskey => {
                "That passkey does not fit. Try again, or sign in with your username and password.".to_owned()
            }
            Self::Throttled(wait) if wait > 90 => {
                format!(
                    "There were too many tries. Please wait {} minutes and try again.",
                    wait.saturating_add(59) / 60
                )
            }
            Self::Throttled(wait) => format!("There were too many tries. Please wait {wait} seconds and try again."),
            Self::Busy => "Many people are signing in at the moment. Please try again in a few seconds.".to_owned(),
        }
    }
}

/// What came with a request, beside its form.
struct Visit<'a> {
    app: &'a App,
    headers: &'a HeaderMap,
    browser: &'a Browser,
    address: Address,
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    address: Address,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        let params = Params::parse(uri.query().unwrap_or_default().as_bytes())?;
        let (goal, expired) = Goal::opened(&app, &params)?;
        let remark = match expired {
            true => Some(Remark::Expired),
            false => cookies::was_signed_in(&app, &headers).await?.then_some(Remark::Ended),
        };
        let visit = Visit { app: &app, headers: &headers, browser: &browser, address };
        page(&visit, goal, "", remark, StatusCode::OK).await
    };
    shown.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    address: Address,
    headers: HeaderMap,
    form: Result<Form, ParamsError>,
) -> Response {
    let answered = async {
        let Form(params) = form?;
        sign_in(&Visit { app: &app, headers: &headers, browser: &browser, address }, &params).await
    };
    answered.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

async fn sign_in(visit: &Visit<'_>, params: &Params) -> Result<Response, Trouble> {
    let Visit { app, browser, .. } = visit;
    let (goal, expired) = Goal::opened(app, params)?;
    let half = params.get(factor::FIELD);
    let username = params.get("username").unwrap_or_default().trim();
    let sealed = half.or(params.get(CONTINUE)).unwrap_or_default();
    let bound = csrf::check(app, csrf::Purpose::Login, browser, csrf::Binding::anybody(sealed), params);
    let Some(bound) = bound.filter(|_| !expired) else {
        return refused(visit, goal, username, Remark::Expired).await;
    };
    if let Some(half) = half {
        let Some(half) = Half::open(app, half) else { return refused(visit, goal, "", Remark::Expired).await };
        return factor::give(visit, goal, half, (bound, params)).await;
    }
    if let Some(answer) = params.get(passkey::ANSWER) {
        return match passkey::person(visit, (bound, params), answer, None).await? {
            Ok(person) => go_on(visit, person, goal, ACR_FACTORS).await,
            Err(remark) => refused(visit, goal, username, remark).await,
        };
    }
    let outcome = match params.get("password") {
        Some(password) if !username.is_empty() => check(visit, username, password).await?,
        _ => Err(Remark::Incomplete),
    };
    match outcome {
        Ok(person) if Factors::of(app, &person.id).await?.any() => {
            factor::page(visit, goal, &Half { person_id: person.id, at: app.env.now() }, None).await
        }
        Ok(person) => go_on(visit, person, goal, ACR_PASSWORD).await,
        Err(remark) => refused(visit, goal, username, remark).await,
    }
}

async fn refused(visit: &Visit<'_>, goal: Goal, username: &str, remark: Remark) -> Result<Response, Trouble> {
    let mut response = page(visit, goal, username, Some(remark), remark.status()).await?;
    remark.say_when(&mut response);
    Ok(response)
}

/// The person, if the password is theirs. Whether the person exists cannot be told from the answer or its time.
async fn check(visit: &Visit<'_>, username: &str, password: &str) -> Result<Result<Person, Remark>, StoreError> {
    let Visit { app, headers, address, .. } = visit;
    if username.len() > MAX_USERNAME || password.len() > MAX_PASSWORD {
        return Ok(Err(Remark::Wrong));
    }
    let device = cookies::device(app, headers, &name_of(username));
    let trier = Trier { username, address: Some(*address), device: device.as_deref() };
    // Taken before the password is looked at, so that many tries at once are counted one by one.
    if let Some(wait) = trier.password(app).await? {
        app.counters.count(Kind::Refused);
        tracing::info!(address = address.text(), "sign-in throttled");
        return Ok(Err(Remark::Throttled(wait)));
    }
    verify(app, username, password).await
}

/// The person, if the password is theirs, for the grant that takes passwords (RFC 6749 §4.3), which counts tries itself.
/// Somebody with a second factor has no password alone that would open anything.
pub(crate) async fn sign_in_by_password(
    app: &App,
    username: &str,
    password: &str,
) -> Result<Option<Person>, GrantError> {
    if username.len() > MAX_USERNAME || password.len() > MAX_PASSWORD {
        return Ok(None);
    }
    let person = match verify(app, username, password).await? {
        Ok(person) => person,
        Err(Remark::Busy) => return Err(GrantError::Busy),
        Err(_) => return Ok(None),
    };
    Ok(if Factors::of(app, &person.id).await?.any() { None } else { Some(person) })
}

async fn verify(app: &App, username: &str, password: &str) -> Result<Result<Person, Remark>, StoreError> {
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
            app.counters.count(Kind::Refused);
            tracing::info!("sign-in refused");
            Err(Remark::Wrong)
        }
        (Err(PasswordError::Busy | PasswordError::Failed), _) => Err(Remark::Busy),
    })
}

/// Stores the password under the present scheme. Signing in does not depend on it: the next time will do.
async fn rehash(app: &App, person: &Person, password: Zeroizing<String>) {
    let Ok(new) = app.passwords.hash(password).await else { return };
    if let Err(error) = app.store.rehash_password(&person.id, &person.password_hash, &new).await {
        tracing::warn!(%error, "a password could not be hashed again");
    }
}

/// A new session, whatever the browser had before (a session is never taken over across a sign-in), and on.
async fn go_on(visit: &Visit<'_>, person: Person, goal: Goal, acr: &str) -> Result<Response, Trouble> {
    let Visit { app, headers, address, .. } = visit;
    let now = app.env.clock.now();
    let cookie = secret::generate(app.env.random.as_ref(), secret::SESSION);
    let account = name_of(&person.username);
    let known = cookies::device(app, headers, &account);
    let trier = Trier { username: &person.username, address: Some(*address), device: known.as_deref() };
    trier.right(app).await?;
    let session = Session {
        person_id: person.id.clone(),
        auth_time: now,
        acr: acr.to_owned(),
        expires_at: now.saturating_add(seconds(app.config.sessions.lifetime)),
        used_at: now,
    };
    let before = cookies::session_cookie(app, headers).map(|old| Digest::of(&old));
    let after = serde_json::json!({ "acr": acr });
    let object = ("session.begin", "person", person.id.as_str());
    let change = change(&app.env, &actor(&person, *address), object, NOTHING, Some(&after));
    let agent: Option<String> =
        headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(200).collect());
    let from = address.text();
    let whence = (from.as_deref(), agent.as_deref());
    app.store.begin_session(&Digest::of(&cookie), &session, whence, before.as_ref(), &change).await?;
    app.counters.count(Kind::SignedIn);
    let mut response = match goal {
        Goal::Client(pending) => flow::to_consent(app, &pending.after_sign_in(now))?,
        Goal::Page(place) => answer::see_other(place.path()),
    };
    cookies::set_session(app, response.headers_mut(), &cookie);
    if known.is_none() {
        cookies::set_device(app, response.headers_mut(), &account)?;
    }
    Ok(response)
}

fn actor(person: &Person, address: Address) -> Actor {
    Actor { kind: "person", id: person.id.clone(), address: address.text() }
}

async fn page(
    visit: &Visit<'_>,
    goal: Goal,
    username: &str,
    remark: Option<Remark>,
    status: StatusCode,
) -> Result<Response, Trouble> {
    let Visit { app, browser, .. } = visit;
    let (towards, target) = match &goal {
        Goal::Client(pending) => {
            (flow::client(app, pending).await?.name.clone(), redirect_uri::csp_source(&pending.redirect_uri))
        }
        Goal::Page(place) if place.is_console(app) => ("the console".to_owned(), None),
        Goal::Page(_) => ("your account".to_owned(), None),
    };
    let sealed = goal.renewed(app.env.clock.now()).seal(app)?;
    let text = remark.map(Remark::text);
    let notice = matches!(remark, Some(Remark::Expired | Remark::Ended));
    let passkey = passkey::on_page(app, browser, &[])?;
    let page = LoginPage {
        frame: pages::Frame::of(app),
        action: app.urls.path(Route::Login),
        towards: &towards,
        csrf: csrf::token(app, csrf::Purpose::Login, browser, csrf::Binding::anybody(&sealed))?,
        sealed,
        username,
        error: text.as_deref().filter(|_| !notice),
        notice: text.as_deref().filter(|_| notice),
        passkey,
    };
    Ok(pages::html_with_script(status, &page, target.as_deref()))
}
