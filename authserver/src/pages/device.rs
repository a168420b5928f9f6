//! The pages of the device grant, RFC 8628 §3.3.

use super::{Frame, html};
use crate::http::App;
use askama::Template;
use axum::response::Response;
use http::StatusCode;

/// Where the person types the code that the device shows.
#[derive(Template)]
#[template(path = "device.html")]
pub struct DevicePage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// What is in the field already.
    pub user_code: String,
    /// What was wrong with it.
    pub error: Option<&'static str>,
    /// What the person should know beside that.
    pub notice: Option<&'static str>,
}

/// What the person's decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceDone {
    /// The device gets its tokens.
    Allowed,
    /// It does not.
    Denied,
    /// The code had expired, or somebody had decided.
    TooLate,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DonePage<'a> {
    frame: Frame<'a>,
    title: &'static str,
    text: &'static str,
}

/// The last page: the rest happens on the device.
#[must_use]
pub fn device_done(app: &App, what: DeviceDone) -> Response {
    let (status, title, text) = match what {
        DeviceDone::Allowed => (
            StatusCode::OK,
            "Your device is connected",
            "Go back to it: it continues by itself in a few seconds. You can close this page.",
        ),
        DeviceDone::Denied => {
            (StatusCode::OK, "Your device was not connected", "Nothing was shared with it. You can close this page.")
        }
        DeviceDone::TooLate => (
            StatusCode::GONE,
            "This code cannot be used any more",
            "It waited too long, or was used already. Start again on the device to get another.",
        ),
    };
    html(status, &DonePage { frame: Frame::of(app), title, text }, None)
}
