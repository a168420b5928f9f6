//! Forms are taken only from the page that this browser was given: a token bound to a cookie and to the pending
//! request, and, where the browser says so, the request's own origin.

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

/// The token for a form, bound to a cookie's value and to the sealed request in the form.
pub(super) fn token(app: &App, purpose: Purpose, cookie: &str, sealed: &str) -> Result<String, KeyError> {
    Ok(URL_SAFE_NO_PAD.encode(app.sealer.mac(purpose.text(), &message(cookie, sealed))?))
}

/// Whether the form came from the page that was made for this cookie and this request.
pub(super) fn check(app: &App, purpose: Purpose, cookie: &str, sealed: &str, params: &Params) -> bool {
    let given = params.get(FIELD).and_then(|t| URL_SAFE_NO_PAD.decode(t).ok()).unwrap_or_default();
    app.sealer.verify_mac(purpose.text(), &message(cookie, sealed), &given)
}

/// Neither part can hold the NUL between them: both are of a smaller alphabet.
fn message(cookie: &str, sealed: &str) -> Vec<u8> {
    [cookie.as_bytes(), b"\0", sealed.as_bytes()].concat()
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
