//! The page that posts an authorization answer to the client: OAuth 2.0 Form Post Response Mode. It sends itself, and
//! has a button for browsers that run no scripts.

use super::{Frame, html};
use crate::http::App;
use crate::model::Digest;
use askama::Template;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

/// The one script of all pages. The page's policy names its digest, so no other can run.
const SCRIPT: &str = "document.forms[0].submit()";

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    frame: Frame<'a>,
    action: &'a str,
    params: &'a [(&'a str, &'a str)],
    script: &'static str,
}

/// The page with these parameters for the client at `action`.
#[must_use]
pub fn form_post(app: &App, action: &str, params: &[(&str, &str)]) -> Response {
    let page = FormPostPage { frame: Frame::of(app), action, params, script: SCRIPT };
    let mut response = html(StatusCode::OK, &page, None);
    // No form-action: browsers hold it against the redirects that the client answers with, which are its own affair, and
    // nothing on this page but the server decides where the form goes.
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'",
        STANDARD.encode(Digest::of(SCRIPT).0)
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
