//! The second factor: a code from an app, a recovery code, or a passkey, after the password was right.

use super::{ACR_FACTORS, ACR_PASSWORD, MAX_USERNAME, Remark, Visit, actor, go_on, passkey, refused};
use crate::activity::Kind;
use crate::admin::{NOTHING, change};
use crate::http::goal::Goal;
use crate::http::params::Params;
use crate::http::throttle::{Trier, name_of};
use crate::http::{App, Route, cookies, csrf, redirect_uri};
use crate::model::{Account, Passkey, Person, Totp};
use crate::pages::{self, FactorPage, Trouble};
use crate::storage::StoreError;
use crate::totp;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The form field that carries a sign-in whose second factor is missing, and how long that may be, in seconds.
pub(super) const FIELD: &str = "half";
const PURPOSE: &str = "half a sign-in";
const KEPT: i64 = 5 * 60;

/// A sign-in that lacks the second factor.
#[derive(Serialize, Deserialize)]
pub(super) struct Half {
    pub(super) person_id: String,
    pub(super) at: i64,
}

/// What a person has beside a password.
pub(super) struct Factors {
    totp: Option<Totp>,
    passkeys: Vec<Passkey>,
}

impl Factors {
    pub(super) async fn of(app: &App, person_id: &str) -> Result<Self, StoreError> {
        Ok(Self { totp: app.store.totp(person_id).await?, passkeys: app.store.passkeys(person_id).await? })
    }

    /// Whether a password alone opens nothing.
    pub(super) fn any(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

impl Half {
    pub(super) fn open(app: &App, sealed: &str) -> Option<Self> {
        let plain = app.sealer.open(PURPOSE, &[], &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        let half: Self = serde_json::from_slice(&plain).ok()?;
        (app.env.now().saturating_sub(half.at) < KEPT).then_some(half)
    }

    fn seal(&self, app: &App) -> Result<String, Trouble> {
        let plain = serde_json::to_vec(self).map_err(|_| Trouble::Broken)?;
        Ok(URL_SAFE_NO_PAD.encode(app.sealer.seal(PURPOSE, &[], &plain)?))
    }
}

/// The second factor is given, by a form that is bound to this name of the browser.
pub(super) async fn give(
    visit: &Visit<'_>,
    goal: Goal,
    half: Half,
    (bound, params): (&str, &Params),
) -> Result<Response, Trouble> {
    let Visit { app, headers, address, .. } = visit;
    if let Some(answer) = params.get(passkey::ANSWER) {
        return match passkey::person(visit, (bound, params), answer, Some(&half.person_id)).await? {
            Ok(person) => go_on(visit, person, goal, ACR_FACTORS).await,
            Err(remark) => page(visit, goal, &half, Some(remark)).await,
        };
    }
    // The password that was right may not be any more.
    let account = app.store.account(&half.person_id).await?.map(|account| account.value);
    let same = account.filter(|a| a.person.disabled_at.is_none() && a.password_at.is_none_or(|at| at < half.at));
    let Some(Account { person, .. }) = same else { return refused(visit, goal, "", Remark::Expired).await };
    let factors = Factors::of(app, &person.id).await?;
    // Taken away meanwhile: then the password is enough, and was right.
    if !factors.any() {
        return go_on(visit, person, goal, ACR_PASSWORD).await;
    }
    let device = cookies::device(app, headers, &name_of(&person.username));
    let trier = Trier { username: &person.username, address: Some(*address), device: device.as_deref() };
    if let Some(wait) = trier.code(app).await? {
        app.counters.count(Kind::Refused);
        return page(visit, goal, &half, Some(Remark::Throttled(wait))).await;
    }
    if is_right(visit, &person, factors.totp.as_ref(), params.get("code").unwrap_or_default()).await? {
        return go_on(visit, person, goal, ACR_FACTORS).await;
    }
    app.counters.count(Kind::Refused);
    tracing::info!(address = address.text(), "second factor refused");
    page(visit, goal, &half, Some(Remark::WrongCode)).await
}

/// Whether a code is the app's, or a recovery code; it is used then.
async fn is_right(visit: &Visit<'_>, person: &Person, stored: Option<&Totp>, code: &str) -> Result<bool, Trouble> {
    let Visit { app, address, .. } = visit;
    if let Some(stored) = stored {
        let secret = totp::Secret::open(&app.sealer, &person.id, &stored.sealed)?;
        if let Some(step) = secret.step_of(code, app.env.now()) {
            return Ok(app.store.use_totp_step(&person.id, step).await?);
        }
    }
    if code.len() > MAX_USERNAME || code.len() < 20 {
        return Ok(false);
    }
    let object = ("person.recovery_code.use", "person", person.id.as_str());
    let change = change(&app.env, &actor(person, *address), object, NOTHING, NOTHING);
    Ok(app.store.use_recovery_code(&person.id, &totp::recovery_digest(code), &change).await?)
}

/// The page that asks for it.
pub(super) async fn page(
    visit: &Visit<'_>,
    goal: Goal,
    half: &Half,
    remark: Option<Remark>,
) -> Result<Response, Trouble> {
    let Visit { app, browser, .. } = visit;
    let goal = goal.renewed(app.env.clock.now());
    let factors = Factors::of(app, &half.person_id).await?;
    let half = half.seal(app)?;
    let error = remark.map(Remark::text);
    let passkey = if factors.passkeys.is_empty() { None } else { passkey::on_page(app, browser, &factors.passkeys)? };
    let page = FactorPage {
        frame: pages::Frame::of(app),
        action: app.urls.path(Route::Login),
        csrf: csrf::token(app, csrf::Purpose::Login, browser, csrf::Binding::anybody(&half))?,
        sealed: goal.seal(app)?,
        half,
        totp: factors.totp.is_some(),
        passkey,
        error: error.as_deref(),
    };
    let status = remark.map_or(StatusCode::OK, Remark::status);
    let target = if let Goal::Client(pending) = &goal { redirect_uri::csp_source(&pending.redirect_uri) } else { None };
    let mut response = pages::html_with_script(status, &page, target.as_deref());
    if let Some(remark) = remark {
        remark.say_when(&mut response);
    }
    Ok(response)
}
