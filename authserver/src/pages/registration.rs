//! The console's page about initial access tokens (RFC 7591 §3): who may register clients.

use super::console::SECTIONS;
use super::{ConsoleFrame, Field, Problem};
use crate::admin::{RegistrationTokenView, ShownRegistrationToken};
use askama::Template;

/// Initial access tokens, with a form for another one.
#[derive(Template)]
#[template(path = "console/registration.html")]
pub struct RegistrationPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// Whether anybody can register anything at all.
    pub enabled: bool,
    /// Where clients are registered.
    pub endpoint: String,
    /// Those that are good.
    pub tokens: Vec<RegistrationTokenView>,
    /// What the form shows.
    pub form: RegistrationForm,
    /// What was wrong with it.
    pub problem: Option<Problem>,
    /// A token to be shown, this once.
    pub made: Option<ShownRegistrationToken>,
    /// What tells this page's form from that of any other.
    pub once: String,
}

impl RegistrationPage<'_> {
    fn field<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        let value = match id {
            "note" => &self.form.note,
            "scope" => &self.form.scope,
            "uses" => &self.form.uses,
            _ => &self.form.days,
        };
        Field { id, label, value, hint, rows: 0, problem: self.problem.as_ref() }
    }
}

/// What the form about an initial access token shows.
pub struct RegistrationForm {
    /// What it is for.
    pub note: String,
    /// What clients registered with it may have.
    pub scope: String,
    /// How many it can register.
    pub uses: String,
    /// For how many days it is good.
    pub days: String,
}

impl Default for RegistrationForm {
    /// As the command line has it.
    fn default() -> Self {
        Self { note: String::new(), scope: String::new(), uses: "1".to_owned(), days: "7".to_owned() }
    }
}
