//! `GET /assets/{file}`: the style sheets, the script for passkeys and the icon, under names that change with their contents.

use super::{App, Urls};
use crate::model::Digest;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use std::fmt::Write as _;
use std::sync::Arc;

const STYLE: &str = include_str!("../../assets/bearward.css");
const CONSOLE: &str = include_str!("../../assets/console.css");
const PASSKEY: &str = include_str!("../../assets/passkey.js");
const ICON: &str = include_str!("../../assets/bearward.svg");

/// The files, and where they are.
pub struct Assets {
    /// The path of the style sheet.
    pub style: String,
    /// The path of the console's own style sheet.
    pub console: String,
    /// The path of the icon.
    pub icon: String,
    /// The path of the script for passkeys.
    pub passkey: String,
    files: [File; 4],
}

struct File {
    name: String,
    media_type: &'static str,
    text: &'static str,
}

impl Assets {
    /// Names the files after their contents.
    #[must_use]
    pub fn new(urls: &Urls) -> Self {
        let style = File { name: hashed(STYLE, "css"), media_type: "text/css; charset=utf-8", text: STYLE };
        let console = File { name: hashed(CONSOLE, "css"), media_type: "text/css; charset=utf-8", text: CONSOLE };
        let passkey = File { name: hashed(PASSKEY, "js"), media_type: "text/javascript; charset=utf-8", text: PASSKEY };
        let icon = File { name: hashed(ICON, "svg"), media_type: "image/svg+xml", text: ICON };
        Self {
            style: urls.asset(&style.name),
            console: urls.asset(&console.name),
            icon: urls.asset(&icon.name),
            passkey: urls.asset(&passkey.name),
            files: [style, console, icon, passkey],
        }
    }
}

fn hashed(text: &str, extension: &str) -> String {
    let mut name = "bearward-".to_owned();
    for byte in Digest::of(text).0.iter().take(8) {
        let _: std::fmt::Result = write!(name, "{byte:02x}");
    }
    name.push('.');
    name.push_str(extension);
    name
}

pub(super) async fn get(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let Some(file) = app.assets.files.iter().find(|file| file.name == name) else {
        return crate::pages::not_found(State(app)).await;
    };
    let headers = [
        (CONTENT_TYPE, file.media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, file.text).into_response()
}
