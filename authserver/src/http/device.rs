//! `GET` and `POST /device`: the person says which device is theirs, RFC 8628 §3.3; then signs in and agrees on the
//! usual pages.

use super::address::Address;
use super::browser::Browser;
use super::params::{Form, Params, ParamsError};
use super::pending::Pending;
use super::{App, Route, cookies, csrf, flow, throttle};
use crate::model::{AuthorizationCode, DeviceCode, Grant};
use crate::pages::{self, DeviceDone, DevicePage, Trouble};
use crate::storage::StoreError;
use crate::user_code::UserCode;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use std::sync::Arc;

/// The time a device has at least to fetch its token once the person agreed, in seconds.
const LAST_POLL: i64 = 60;
/// What the form token is for; there is no pending request yet.
const FORM: &str = "device";

/// What the page says beside its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remark {
    Expired,
    Unknown,
    TooMany,
}

impl Remark {
    fn status(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::FORBIDDEN,
            Self::Unknown => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Expired => "This page had expired. Please continue once more.",
            Self::Unknown => "No device is waiting with that code. Check it on the device, or start there again.",
            Self::TooMany => "Too many codes were tried. Please wait a minute and try again.",
        }
    }
}

pub(super) async fn get(State(app): State<Arc<App>>, Extension(browser): Extension<Browser>, uri: Uri) -> Response {
    let shown = async {
        let params = Params::parse(uri.query().unwrap_or_default().as_bytes())?;
        page(&app, &browser, params.get("user_code").unwrap_or_default(), None)
    };
    shown.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    headers: HeaderMap,
    form: Result<Form, ParamsError>,
) -> Response {
    let answered = async {
        let Form(params) = form?;
        typed(&app, &browser, &headers, &params).await
    };
    answered.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

async fn typed(app: &App, browser: &Browser, headers: &HeaderMap, params: &Params) -> Result<Response, Trouble> {
    let typed = params.get("user_code").unwrap_or_default();
    if csrf::check(app, csrf::Purpose::Device, browser, csrf::Binding::anybody(FORM), params).is_none() {
        return page(app, browser, typed, Some(Remark::Expired));
    }
    let signed_in = cookies::signed_in(app, headers).await?;
    // RFC 8628 §5.1: codes are short, so guesses are counted: by person, by address, or all together.
    let person = signed_in.as_ref().map(|signed_in| signed_in.person.id.as_str());
    if throttle::user_code(app, person, Address::told(app, headers)).await?.is_some() {
        tracing::warn!("too many user codes were tried");
        return page(app, browser, typed, Some(Remark::TooMany));
    }
    let Some((code, device)) = waiting(app, typed).await? else {
        return page(app, browser, typed, Some(Remark::Unknown));
    };
    let client = app.clients.get(app.store.as_ref(), &app.env, &device.client_id).await?;
    let client = client.filter(|client| client.disabled_at.is_none()).ok_or(Trouble::ClientUnknown)?;
    let pending = Pending {
        scope: device.scope,
        resources: device.details.resources,
        authorization_details: device.details.authorization_details,
        claims: device.details.claims,
        // RFC 8628 §5.4: whoever got the person to type the code must not get by with a consent given before.
        ask: true,
        device: Some(code.shown()),
        ..Pending::new(&client, "", false, app.env.now())
    };
    flow::to_consent(app, &pending)
}

/// The device that waits with this code.
async fn waiting(app: &App, typed: &str) -> Result<Option<(UserCode, DeviceCode)>, StoreError> {
    let Some(code) = UserCode::read(typed) else { return Ok(None) };
    let device = app.store.device_by_user_code(&code.digest()).await?;
    let device = device.filter(|device| !device.decided && device.expires_at > app.env.now());
    Ok(device.map(|device| (code, device)))
}

/// The person agreed: the device's next poll gets its tokens.
pub(super) async fn approve(app: &App, grant: Grant, user_code: &str) -> Result<Response, Trouble> {
    let Some((_, device)) = waiting(app, user_code).await? else { return Ok(done(app, DeviceDone::TooLate)) };
    let expires_at = device.expires_at.max(grant.created_at.saturating_add(LAST_POLL));
    let code = AuthorizationCode { grant, redirect_uri: None, code_challenge: None, expires_at, used_at: None };
    match app.store.authorize(&device.code, &code).await {
        Ok(()) => Ok(done(app, DeviceDone::Allowed)),
        // Somebody else agreed in the same moment: theirs holds, and this one left nothing.
        Err(_) if waiting(app, user_code).await?.is_none() => Ok(done(app, DeviceDone::TooLate)),
        Err(error) => Err(error.into()),
    }
}

/// The person did not agree.
pub(super) async fn deny(app: &App, user_code: &str) -> Result<Response, Trouble> {
    let denied = match waiting(app, user_code).await? {
        Some((_, device)) => app.store.deny_device(&device.code, app.env.now()).await?,
        None => false,
    };
    Ok(done(app, if denied { DeviceDone::Denied } else { DeviceDone::TooLate }))
}

fn done(app: &App, what: DeviceDone) -> Response {
    pages::device_done(app, what)
}

fn page(app: &App, browser: &Browser, typed: &str, remark: Option<Remark>) -> Result<Response, Trouble> {
    // What came in a link is shown only if it can be a code, and then as codes are shown.
    let user_code = UserCode::read(typed).map(|code| code.shown());
    let page = DevicePage {
        frame: pages::Frame::of(app),
        action: app.urls.path(Route::Device),
        csrf: csrf::token(app, csrf::Purpose::Device, browser, csrf::Binding::anybody(FORM))?,
        user_code: user_code.unwrap_or_default(),
        error: remark.filter(|r| *r != Remark::Expired).map(Remark::text),
        notice: remark.filter(|r| *r == Remark::Expired).map(Remark::text),
    };
    Ok(pages::html(remark.map_or(StatusCode::OK, Remark::status), &page, None))
}
