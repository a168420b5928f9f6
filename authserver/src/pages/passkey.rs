//! What pages need for passkeys.

use super::{Frame, When};
use crate::http::App;
use crate::passkeys::Ceremony;
use askama::Template;

/// What a page hands to the script.
pub struct PasskeyPart {
    /// Where the script is.
    pub script: String,
    /// What the browser is asked, JSON.
    pub options: String,
    /// The ceremony that the answer belongs to.
    pub sealed: String,
    /// Where the page must be for the answer to be believed.
    pub origin: String,
}

impl PasskeyPart {
    /// For one ceremony.
    #[must_use]
    pub fn of(app: &App, ceremony: Ceremony, origin: &str) -> Self {
        let Ceremony { options, sealed } = ceremony;
        Self { script: app.assets.passkey.clone(), options, sealed, origin: origin.to_owned() }
    }
}

/// The page on which a passkey is made.
#[derive(Template)]
#[template(path = "passkey_setup.html")]
pub struct PasskeySetupPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// What to call it, unless the person says otherwise.
    pub label: &'a str,
    /// For the script.
    pub passkey: PasskeyPart,
    /// What was wrong.
    pub error: Option<&'a str>,
}

/// A passkey, in words.
pub struct PasskeyWords {
    /// Its credential id, in hexadecimal.
    pub id: String,
    /// What its person calls it.
    pub label: String,
    /// Since when.
    pub added: When,
    /// When it last signed in.
    pub used: Option<When>,
}
