//! An administrator, without a window: the form of the sign-in page, then the session's cookie.

use super::pages::{Page, Turn};
use bearward_tests::stack::client;
use bearward_tests::{Error, Result, demo};
use http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) struct Visitor {
    http: reqwest::Client,
    origin: String,
    cookies: String,
    now: u64,
}

impl Visitor {
    pub(super) async fn sign_in(origin: &str) -> Result<Self> {
        let http = client()?;
        let sent = http.get(format!("{origin}/admin")).send().await?;
        let login = sent.headers().get(LOCATION).and_then(|to| to.to_str().ok()).ok_or_else(|| no("sign-in page"))?;
        let login = if login.starts_with('/') { format!("{origin}{login}") } else { login.to_owned() };
        let page = http.get(&login).send().await?;
        let browser = cookies(page.headers());
        let text = page.text().await?;
        let fields = [
            ("continue", field(&text, "continue")?),
            ("csrf", field(&text, "csrf")?),
            ("username", demo::ADMIN.to_owned()),
            ("password", demo::ADMIN_PASSWORD.to_owned()),
        ];
        let (place, _) = login.split_once('?').unwrap_or((&login, ""));
        let request = http.post(place).header(ORIGIN, origin).header(COOKIE, &browser).form(&fields);
        let answer = request.send().await?;
        if answer.status() != StatusCode::SEE_OTHER {
            return Err(no("session"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(Self { http, origin: origin.to_owned(), cookies: cookies(answer.headers()), now })
    }

    /// Asks for a page; how long it took until its last byte, and how long it is in bytes.
    pub(super) async fn visit(&self, page: &Page, turn: u64) -> Result<(Duration, usize)> {
        let path = (page.path)(Turn { number: turn, now: self.now });
        let request = self.http.get(format!("{}/admin{path}", self.origin)).header(COOKIE, &self.cookies);
        let since = Instant::now();
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        let took = since.elapsed();
        if status != StatusCode::OK || !text.contains(page.says) {
            let output = format!("{status} without “{}”: {text}", page.says);
            return Err(Error::Failed { what: format!("{} (/admin{path})", page.name), output });
        }
        Ok((took, text.len()))
    }
}

/// What a browser would send back.
fn cookies(headers: &HeaderMap) -> String {
    let set = headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    set.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> Result<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).ok_or_else(|| no(name))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

fn no(what: &str) -> Error {
    Error::Failed { what: "signing in to the console".to_owned(), output: format!("there is no {what}") }
}
