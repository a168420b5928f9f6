//! What people see: pages rendered on the server, escaped by the template engine. They work without scripts; only passkeys,
//! which browsers give to nothing else, need one.

mod account;
mod client;
mod console;

pub(crate) use account::when;
pub use account::{AccessWords, AccountPage, CodesPage, FactorSetupPage, SessionWords, When, browser_name, qr};
pub use client::{CLAIM_KINDS, ClaimRow, ClientForm, ClientPage, NewKeysForm};
pub use console::{
    AuditPage, AuditRow, Chart, ClientsPage, ConsoleFrame, DetailForm, DetailPage, DetailRow, DetailsPage, GrantsPage,
    KeysPage, OverviewPage, PeoplePage, PersonPage, ScopePage, ScopesPage,
};
pub use passkey::{PasskeyPart, PasskeySetupPage, PasskeyWords};
mod details;
mod device;
mod field;
mod form_post;
mod issuers;
mod kept;
mod passkey;
mod registration;
mod tokens;
mod trouble;

pub use details::{DetailWords, details};
pub use device::{DeviceDone, DevicePage, device_done};
pub use field::{Field, Problem};
pub use form_post::form_post;
pub use issuers::{IssuerForm, IssuerPage, IssuersPage};
pub use kept::{AgainPage, AwayPage, Kept, Secret};
pub use registration::{RegistrationForm, RegistrationPage};
pub use tokens::TokensPage;
pub use trouble::{Trouble, not_found};

use crate::http::App;
use crate::model::Scope;
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use bearward_token::scope::ScopeSet;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

/// What every page has.
pub struct Frame<'a> {
    style: &'a str,
    icon: &'a str,
    /// Where people are: what they should find in the address bar.
    pub(crate) host: &'a str,
}

impl<'a> Frame<'a> {
    /// The frame of this server's pages.
    #[must_use]
    pub fn of(app: &'a App) -> Self {
        let host = app.urls.origin().split_once("://").map_or("", |(_, host)| host);
        Self { style: &app.assets.style, icon: &app.assets.icon, host }
    }
}

/// The sign-in page.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: String,
    /// What the person signs in to.
    pub towards: &'a str,
    /// The form token.
    pub csrf: String,
    /// The pending request.
    pub sealed: String,
    /// What the person typed before.
    pub username: &'a str,
    /// What was wrong with it.
    pub error: Option<&'a str>,
    /// What the person should know beside that.
    pub notice: Option<&'a str>,
    /// For signing in by a passkey.
    pub passkey: Option<PasskeyPart>,
}

/// The page for the second factor.
#[derive(Template)]
#[template(path = "factor.html")]
pub struct FactorPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// Where the person goes.
    pub sealed: String,
    /// The sign-in so far.
    pub half: String,
    /// Whether a code from an app is asked for.
    pub totp: bool,
    /// For one of the person's passkeys.
    pub passkey: Option<PasskeyPart>,
    /// What was wrong with the code.
    pub error: Option<&'a str>,
}

/// The consent page.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: String,
    /// Where somebody else signs in.
    pub login: String,
    /// Who asks.
    pub client_name: &'a str,
    /// Who is asked.
    pub username: &'a str,
    /// For what.
    pub scopes: Vec<ScopeWords<'a>>,
    /// What of its request they allowed before, which is not asked again.
    pub agreed: Vec<ScopeWords<'a>>,
    /// Whether the person may choose among them.
    pub partial: bool,
    /// For what beside that, once.
    pub details: Vec<DetailWords<'a>>,
    /// Where the answer goes.
    pub destination: Destination,
    /// The form token.
    pub csrf: String,
    /// The pending request.
    pub sealed: String,
    /// What the person should know first.
    pub notice: Option<&'a str>,
}

/// A scope in words.
pub struct ScopeWords<'a> {
    name: &'a str,
    title: &'a str,
    description: &'a str,
}

/// The words for each scope asked for; one that nobody described is shown by its name.
#[must_use]
pub fn scopes<'a>(asked: &'a ScopeSet, words: &'a [Scope]) -> Vec<ScopeWords<'a>> {
    let describe = |name: &'a str| match words.iter().find(|scope| scope.name == name) {
        Some(scope) if !scope.title.is_empty() => {
            ScopeWords { name, title: &scope.title, description: &scope.description }
        }
        _ => ScopeWords { name, title: name, description: "" },
    };
    asked.iter().map(describe).collect()
}

/// Where the person goes next, in words.
pub enum Destination {
    /// A web site, by its host.
    Site(String),
    /// A program on the person's own device.
    Device,
    /// Nowhere: another device that showed this code (RFC 8628).
    Elsewhere(String),
}

impl Destination {
    /// From a registered redirect URI, or the user code of a device.
    #[must_use]
    pub fn of(redirect_uri: &str, user_code: Option<&str>) -> Self {
        if let Some(code) = user_code {
            return Self::Elsewhere(code.to_owned());
        }
        let url = Url::parse(redirect_uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(host) = url.as_ref().and_then(Url::host) else { return Self::Device };
        let here = match &host {
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
            url::Host::Domain(name) => *name == "localhost",
        };
        if here { Self::Device } else { Self::Site(host.to_string()) }
    }
}

/// A page as an answer. `form_target` is where a form on it may end up beside this server itself.
#[must_use]
pub fn html(status: StatusCode, page: &impl Template, form_target: Option<&str>) -> Response {
    rendered(status, page, form_target, false)
}

/// The same for a page that may run a script of this server: the one for passkeys.
#[must_use]
pub fn html_with_script(status: StatusCode, page: &impl Template, form_target: Option<&str>) -> Response {
    rendered(status, page, form_target, true)
}

fn rendered(status: StatusCode, page: &impl Template, form_target: Option<&str>, script: bool) -> Response {
    let Ok(text) = page.render() else {
        tracing::error!("a page could not be rendered");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, text).into_response();
    protect(response.headers_mut(), form_target, script);
    response
}

fn protect(headers: &mut HeaderMap, form_target: Option<&str>, script: bool) {
    let target = form_target.map(|target| format!(" {target}")).unwrap_or_default();
    let script = if script { " script-src 'self';" } else { "" };
    let policy = format!(
        "default-src 'none';{script} style-src 'self'; img-src 'self'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'"
    );
    // Never the policy without its strictest form: a target that is no header value is left out.
    let strict = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(strict));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // With no-referrer a browser posts the page's own form with `Origin: null`; other sites get nothing by this either.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}
