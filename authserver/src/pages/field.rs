//! A field of a form: its label, what was typed, what was wrong with that, and a hint.

use askama::Template;

/// What was wrong with a form, and at which of its fields; an empty name is none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field's name.
    pub field: String,
    /// In words.
    pub text: String,
}

impl Problem {
    /// About one field.
    #[must_use]
    pub fn at(field: &str, text: impl Into<String>) -> Self {
        Self { field: field.to_owned(), text: text.into() }
    }
}

/// A field.
#[derive(Template)]
#[template(path = "field.html")]
pub struct Field<'a> {
    /// `id` and `name`.
    pub id: &'a str,
    /// What it is for.
    pub label: &'a str,
    /// What was typed.
    pub value: &'a str,
    /// What to know about it.
    pub hint: &'a str,
    /// How many lines; 0 for one that is no area.
    pub rows: usize,
    /// What was wrong with it.
    pub problem: Option<&'a Problem>,
}

impl Field<'_> {
    fn wrong(&self) -> Option<&str> {
        wrong(self.problem, self.id)
    }
}

/// What was wrong with this field.
#[must_use]
pub(super) fn wrong<'a>(problem: Option<&'a Problem>, field: &str) -> Option<&'a str> {
    problem.filter(|problem| problem.field == field).map(|problem| problem.text.as_str())
}
