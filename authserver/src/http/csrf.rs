//! Forms are taken only from the page that this browser was given: a token bound to the browser's name (not to the session,
//! which signing in again in another tab replaces), to the person, and to the pending request; and, where the browser says
//! so, the request's own origin.

use super::browser::Browser;
use super::{App, Params};
use crate::keys::KeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::ORIGIN;

/// The name of the form field.
pub(super) const FIELD: &str = "csrf";

/// Which form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Login,
    Consent,
    Account,
    Console,
    Device,
}

impl Purpose {
    fn text(self) -> &'static str {
        match self {
            Self::Login => "form: login",
            Self::Consent => "form: consent",
            Self::Account => "form: account",
            Self::Console => "form: console",
            Self::Device => "form: device",
        }
    }
}

/// What a form is for: the person who is signed in, and the sealed request in it or the page it is on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding<'a> {
    /// The person's `sub`; nobody's before they signed in.
    pub(super) person: Option<&'a str>,
    pub(super) sealed: &'a str,
}

impl<'a> Binding<'a> {
    /// Of a form for whoever is there.
    pub(super) fn anybody(sealed: &'a str) -> Self {
        Self { person: None, sealed }
    }
}

/// The token for a form.
pub(super) fn token(app: &App, purpose: Purpose, browser: &Browser, binding: Binding<'_>) -> Result<String, KeyError> {
    Ok(URL_SAFE_NO_PAD.encode(app.sealer.mac(purpose.text(), &message(browser.name(), binding))?))
}

/// Whether the form came from a page that was made for this browser, person and request: the browser's name at that time.
pub(super) fn check<'b>(
    app: &App,
    purpose: Purpose,
    browser: &'b Browser,
    binding: Binding<'_>,
    params: &Params,
) -> Option<&'b str> {
    let given = params.get(FIELD).and_then(|t| URL_SAFE_NO_PAD.decode(t).ok())?;
    browser.names().find(|name| app.sealer.verify_mac(purpose.text(), &message(name, binding), &given))
}

/// None of the parts can hold the NUL between them.
fn message(name: &str, Binding { person, sealed }: Binding<'_>) -> Vec<u8> {
    [name, person.unwrap_or_default(), sealed].join("\0").into_bytes()
}

/// Whether the browser says so for certain.
pub(super) fn certainly_ours(app: &App, headers: &HeaderMap) -> bool {
    same_origin(app, headers) && (headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site"))
}

/// Whether the browser says that the form was posted from one of our own pages. Old browsers say nothing. A page that is
/// reached beside the gateway, as the console is, has another origin than the issuer; the browser says all the same whether
/// the form is from there (`Sec-Fetch-Site`, which no page can make up).
pub(super) fn same_origin(app: &App, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter().peekable();
    if sites.peek().is_some() {
        return sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    }
    headers.get_all(ORIGIN).iter().all(|origin| origin.as_bytes() == app.urls.origin().as_bytes())
}
