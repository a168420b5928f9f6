//! The cookies: the session of a signed-in person, random names of the browser that forms are bound to (see `browser`), and
//! one that says that the browser signed in to an account before (see `throttle`).

use super::App;
use crate::grants::seconds;
use crate::keys::KeyError;
use crate::model::{Digest, Person, Session};
use crate::secret;
use crate::storage::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

/// How often the use of a session is noted, in seconds: no page has to wait for a write because it was looked at.
const NOTED_EVERY: i64 = 60;
const DEVICE: &str = "a browser that signed in before";

/// A cookie's name. `__Host-` (RFC 6265bis §4.1.3.2) keeps other hosts from setting it; browsers take it by TLS only.
#[derive(Debug, Clone, Copy)]
enum Name {
    Session,
    Browser,
    Device,
}

impl Name {
    fn text(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-bearward",
            (Self::Session, false) => "bearward",
            (Self::Browser, true) => "__Host-bearward-browser",
            (Self::Browser, false) => "bearward-browser",
            (Self::Device, true) => "__Host-bearward-device",
            (Self::Device, false) => "bearward-device",
        }
    }
}

/// A person who is signed in in this browser.
pub(super) struct SignedIn {
    /// The cookie's value.
    pub(super) cookie: String,
    pub(super) session: Session,
    pub(super) person: Person,
}

/// Who is signed in in the browser that sent a request.
pub(super) async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>, StoreError> {
    let Some(cookie) = session_cookie(app, headers) else { return Ok(None) };
    let (id, now) = (Digest::of(&cookie), app.env.clock.now());
    let idle_since = app.config.sessions.idle_since(now);
    let Some(session) = app.store.session(&id, now, idle_since).await? else { return Ok(None) };
    let person = app.store.person(&session.person_id).await?.filter(|p| p.disabled_at.is_none());
    if person.is_some() && now.saturating_sub(session.used_at) >= NOTED_EVERY {
        // A use that is not noted ends the session sooner, never later.
        if let Err(error) = app.store.use_session(&id, now).await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }
    Ok(person.map(|person| SignedIn { cookie, session, person }))
}

/// Whether the browser comes with a session that is over: by itself, or ended elsewhere.
pub(super) async fn was_signed_in(app: &App, headers: &HeaderMap) -> Result<bool, StoreError> {
    Ok(session_cookie(app, headers).is_some() && signed_in(app, headers).await?.is_none())
}

/// The value of the session cookie, if it can be one of ours.
pub(super) fn session_cookie(app: &App, headers: &HeaderMap) -> Option<String> {
    let value = read(app, headers, Name::Session)?;
    secret::well_formed(secret::SESSION, &value).then_some(value)
}

/// The names that the browser was given, the oldest first as browsers send them (RFC 6265 §5.4).
pub(super) fn browser_names(app: &App, headers: &HeaderMap) -> impl Iterator<Item = String> {
    let well_formed = |value: &str| value.len() == 22 && value.bytes().all(|b| b.is_ascii_alphanumeric());
    let ours = move |cookie: &Cookie<'_>| {
        well_formed(cookie.value()) && cookie.name() == browser_cookie(app.urls.secure(), cookie.value())
    };
    sent(headers).filter(ours).map(|cookie| cookie.value().to_owned())
}

/// Sets the session cookie for as long as sessions last.
pub(super) fn set_session(app: &App, headers: &mut HeaderMap, value: &str) {
    let lifetime = seconds(app.config.sessions.lifetime);
    set(app, headers, Name::Session.text(app.urls.secure()), value, Some(lifetime));
}

/// Names the browser, until it is closed. The cookie takes no other name's place.
pub(super) fn set_browser(app: &App, headers: &mut HeaderMap, name: &str) {
    set(app, headers, &browser_cookie(app.urls.secure(), name), name, None);
}

/// What the browser is known by, if it signed in to this account (as `throttle` names it) before.
pub(super) fn device(app: &App, headers: &HeaderMap, account: &str) -> Option<String> {
    let value = read(app, headers, Name::Device)?;
    let plain = app.sealer.open(DEVICE, account.as_bytes(), &URL_SAFE_NO_PAD.decode(&value).ok()?).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

/// Lets the browser be known to an account for a year.
pub(super) fn set_device(app: &App, headers: &mut HeaderMap, account: &str) -> Result<(), KeyError> {
    let name = secret::random_id(app.env.random.as_ref());
    let value = URL_SAFE_NO_PAD.encode(app.sealer.seal(DEVICE, account.as_bytes(), name.as_bytes())?);
    set(app, headers, Name::Device.text(app.urls.secure()), &value, Some(365 * 86_400));
    Ok(())
}

/// Takes the session cookie away.
pub(super) fn clear_session(app: &App, headers: &mut HeaderMap) {
    set(app, headers, Name::Session.text(app.urls.secure()), "", Some(0));
}

fn read(app: &App, headers: &HeaderMap, name: Name) -> Option<String> {
    let name = name.text(app.urls.secure());
    sent(headers).find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

fn sent(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(Cookie::split_parse).flatten()
}

/// The cookie that holds a name of the browser: one for each, told apart by how the name begins.
fn browser_cookie(secure: bool, name: &str) -> String {
    format!("{}-{}", Name::Browser.text(secure), name.get(..4).unwrap_or_default())
}

fn set(app: &App, headers: &mut HeaderMap, name: &str, value: &str, max_age: Option<i64>) {
    let secure = app.urls.secure();
    // Lax: the person arrives from the client's site, by a link, and must then be known.
    let mut cookie = Cookie::build((name, value)).path("/").http_only(true).secure(secure).same_site(SameSite::Lax);
    if let Some(seconds) = max_age {
        cookie = cookie.max_age(Duration::seconds(seconds));
    }
    if let Ok(header) = HeaderValue::from_str(&cookie.build().to_string()) {
        headers.append(SET_COOKIE, header);
    }
}
