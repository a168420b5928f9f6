//! The account page and what belongs to it.

use super::{Frame, PasskeyWords};
use crate::model::{Access, Scope};
use askama::Template;
use cookie::time::OffsetDateTime;
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::{self, Write as _};
use zeroize::Zeroizing;

/// The account page.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the forms go.
    pub action: String,
    /// Where the console is, for an administrator.
    pub console: Option<String>,
    /// The form token.
    pub csrf: String,
    /// Whose account it is.
    pub username: &'a str,
    /// The clients that have access.
    pub access: Vec<AccessWords<'a>>,
    /// The sessions.
    pub sessions: Vec<SessionWords<'a>>,
    /// Whether there is an authenticator app.
    pub totp: bool,
    /// The passkeys; `None` where there can be none.
    pub passkeys: Option<Vec<PasskeyWords>>,
    /// Whether a second factor is asked for after the password.
    pub factor: bool,
    /// How many recovery codes are left.
    pub codes_left: i64,
    /// What was done.
    pub done: Option<&'a str>,
    /// What was wrong.
    pub wrong: Option<&'a str>,
}

/// A client that has access, in words.
pub struct AccessWords<'a> {
    client_id: &'a str,
    name: &'a str,
    scopes: Vec<&'a str>,
    since: When,
}

impl<'a> AccessWords<'a> {
    /// With the titles of its scopes.
    #[must_use]
    pub fn of(access: &'a Access, words: &'a [Scope]) -> Self {
        let title = |name: &'a String| {
            let found = words.iter().find(|scope| scope.name == *name).map(|scope| scope.title.as_str());
            found.filter(|title| !title.is_empty()).unwrap_or(name)
        };
        Self {
            client_id: &access.client_id,
            name: &access.client_name,
            scopes: access.scopes.iter().map(title).collect(),
            since: When(access.since),
        }
    }
}

/// A session, in words.
pub struct SessionWords<'a> {
    /// The digest of its cookie.
    pub id: String,
    /// It is the one that asks.
    pub this: bool,
    /// When it began.
    pub began: When,
    /// When it was last used, to the minute.
    pub used: When,
    /// From where.
    pub place: &'a str,
    /// In which browser.
    pub browser: &'static str,
}

/// The page on which a second factor is set up.
#[derive(Template)]
#[template(path = "factor_setup.html")]
pub struct FactorSetupPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// The secret, sealed.
    pub sealed: String,
    /// The secret, for people who type it.
    pub text: Zeroizing<String>,
    /// The secret, for cameras.
    pub picture: Option<QrPicture>,
    /// The secret, for an app on this device.
    pub uri: Zeroizing<String>,
    /// What was wrong with the code.
    pub error: Option<&'a str>,
}

/// The page that shows recovery codes, once.
#[derive(Template)]
#[template(path = "codes.html")]
pub struct CodesPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the account page is.
    pub back: String,
    /// The codes.
    pub codes: Vec<Zeroizing<String>>,
}

/// A QR code as the path of an SVG.
pub struct QrPicture {
    size: i32,
    path: String,
}

/// A text as a QR code; `None` if it is too long for one.
#[must_use]
pub fn qr(text: &str) -> Option<QrPicture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _: fmt::Result = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    Some(QrPicture { size: code.size(), path })
}

/// A moment, for people: in UTC, with the machine's form beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When(pub i64);

/// For templates, which hold references.
pub(crate) fn when(at: impl std::borrow::Borrow<i64>) -> When {
    When(*at.borrow())
}

impl When {
    /// As `datetime` of HTML wants it.
    #[must_use]
    pub fn machine(&self) -> String {
        match OffsetDateTime::from_unix_timestamp(self.0) {
            Ok(t) => format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                t.year(),
                u8::from(t.month()),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            ),
            Err(_) => String::new(),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OffsetDateTime::from_unix_timestamp(self.0) {
            Ok(t) => {
                write!(f, "{} {} {}, {:02}:{:02}", t.day(), month(u8::from(t.month())), t.year(), t.hour(), t.minute())
            }
            Err(_) => f.write_str("–"),
        }
    }
}

fn month(number: u8) -> &'static str {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES.get(usize::from(number.saturating_sub(1))).copied().unwrap_or("?")
}

/// The browser and system that a `User-Agent` speaks of, as far as people care.
#[must_use]
pub fn browser_name(agent: &str) -> &'static str {
    let phone = agent.contains("Mobile") || agent.contains("Android");
    let browser = [("Firefox/", 0), ("Edg/", 1), ("Chrome/", 2), ("Safari/", 3)].into_iter();
    let found = browser.filter(|(mark, _)| agent.contains(mark)).map(|(_, n)| n).min();
    match (found, phone) {
        (Some(0), false) => "Firefox",
        (Some(0), true) => "Firefox on a phone",
        (Some(1), _) => "Edge",
        (Some(2), false) => "Chrome",
        (Some(2), true) => "Chrome on a phone",
        (Some(3), false) => "Safari",
        (Some(3), true) => "Safari on a phone",
        _ => "An unknown browser",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_readable_by_both() {
        assert_eq!(
            (When(0).to_string().as_str(), When(0).machine().as_str()),
            ("1 Jan 1970, 00:00", "1970-01-01T00:00:00Z")
        );
        assert_eq!(When(i64::MAX).to_string(), "–");
    }
}
