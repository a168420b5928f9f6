//! Forms that could not be taken as they came, and are kept to be sent once more: all that was typed, but for its secrets.

use super::console::SECTIONS;
use super::{ConsoleFrame, Frame};
use askama::Template;

/// What such a form held.
pub struct Kept<'a> {
    /// Where it goes.
    pub action: &'a str,
    /// What it does there, in words; none if its address says so.
    pub does: &'a str,
    /// What is sent again as it was.
    pub fields: Vec<(&'a str, &'a str)>,
    /// What of that somebody typed or chose, by the names that people know.
    pub shown: Vec<(&'a str, &'a str)>,
    /// What is kept nowhere, and has to be typed again.
    pub secrets: Vec<Secret>,
}

/// A field with a secret in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    /// The field.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What browsers and password managers know it as.
    pub autocomplete: &'static str,
}

impl Secret {
    fn is_code(&self) -> bool {
        self.autocomplete == "one-time-code"
    }

    fn is_new(&self) -> bool {
        self.autocomplete == "new-password"
    }
}

/// A form of the console that was opened in an earlier session, to be sent once more.
#[derive(Template)]
#[template(path = "console/again.html")]
pub struct AgainPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// What it held, but for the form token.
    pub kept: Kept<'a>,
}

/// A form that was sent after its session had ended, kept until its person has signed in.
#[derive(Template)]
#[template(path = "away.html")]
pub struct AwayPage<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// The sign-in page.
    pub login: String,
    /// What it held.
    pub kept: Kept<'a>,
}
