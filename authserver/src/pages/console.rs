//! The console's pages.

use super::{Field, Frame, Problem, When};
use crate::activity::BEHIND;
use crate::admin::{ClientView, GrantView, KeyView, Overview, PersonView, Point, ScopeSpec, ScopeView};
use crate::keys::lifecycle::State;
use crate::model::{Access, AuditFilter, AuthorizationType, GrantType, Recorded, Role, Scope};
use crate::storage::COUNTED;
use askama::Template;

/// What every page of the console has.
pub struct ConsoleFrame<'a> {
    /// See [`Frame`].
    pub frame: Frame<'a>,
    /// The path of the console's own style sheet.
    pub console_style: &'a str,
    /// Where the console is.
    pub base: String,
    /// Where the account page is.
    pub account: String,
    /// Which part of it this is.
    pub section: &'static str,
    /// Who is there.
    pub username: &'a str,
    /// The token of every form.
    pub csrf: String,
    /// What was just done.
    pub done: Option<&'static str>,
}

impl ConsoleFrame<'_> {
    pub(super) fn is(&self, section: &str) -> bool {
        self.section == section
    }
}

/// The parts of the console: path, and words.
pub(super) const SECTIONS: [(&str, &str, &str); 11] = [
    ("overview", "", "Overview"),
    ("clients", "/clients", "Clients"),
    ("registration", "/registration", "Registration"),
    ("scopes", "/scopes", "Scopes"),
    ("details", "/details", "Details"),
    ("people", "/people", "People"),
    ("grants", "/grants", "Grants"),
    ("tokens", "/tokens", "Tokens"),
    ("issuers", "/issuers", "Issuers"),
    ("keys", "/keys", "Keys"),
    ("audit", "/audit", "Audit log"),
];

/// The first page.
#[derive(Template)]
#[template(path = "console/overview.html")]
pub struct OverviewPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// One for each thing that is counted.
    pub charts: Vec<Chart>,
    /// What happened.
    pub overview: &'a Overview,
}

/// How many followers of the feed are shown: those that are furthest behind.
const SHOWN: usize = 50;

impl OverviewPage<'_> {
    fn counted(&self, count: i64) -> String {
        if count < COUNTED { count.to_string() } else { format!("{COUNTED}+") }
    }

    /// As much of a name made by chance as tells a few apart.
    fn short<'a>(&self, id: &'a str) -> &'a str {
        id.get(..8).unwrap_or(id)
    }

    fn shown(&self) -> i64 {
        i64::try_from(SHOWN).unwrap_or(i64::MAX)
    }
}

/// A day in bars.
pub struct Chart {
    title: &'static str,
    total: i64,
    bars: Vec<Bar>,
    from: When,
}

struct Bar {
    x: usize,
    y: i64,
    height: i64,
    count: i64,
    from: When,
}

/// The height of a chart, and the width of a bar with the gap beside it, in the units of its drawing.
const HEIGHT: i64 = 64;
const STEP: usize = 10;

impl Chart {
    /// One bar for each hour.
    #[must_use]
    pub fn of(title: &'static str, values: &[i64], hours: &[Point]) -> Self {
        let most = values.iter().copied().max().unwrap_or(0).max(1);
        let bars = values.iter().zip(hours).enumerate().map(|(n, (count, hour))| {
            // What there is shows, however little it is beside the most.
            let least = i64::from(*count > 0).saturating_mul(2);
            let height = count.saturating_mul(HEIGHT).checked_div(most).unwrap_or(0).max(least);
            let y = HEIGHT.saturating_sub(height);
            Bar { x: n.saturating_mul(STEP), y, height, count: *count, from: When(hour.from) }
        });
        let from = When(hours.first().map_or(0, |hour| hour.from));
        Self { title, total: values.iter().sum(), bars: bars.collect(), from }
    }
}

/// The list of clients.
#[derive(Template)]
#[template(path = "console/clients.html")]
pub struct ClientsPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// What was looked for.
    pub text: &'a str,
    /// The query of the next page.
    pub next: Option<String>,
    /// The page.
    pub clients: Vec<ClientView>,
}

/// A grant in a word or two.
pub(super) fn short(grant: &GrantType) -> String {
    grant.wire_name().rsplit(':').next().unwrap_or_default().replace(['_', '-'], " ")
}

/// The list of scopes.
#[derive(Template)]
#[template(path = "console/scopes.html")]
pub struct ScopesPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// All of them.
    pub scopes: Vec<Scope>,
    /// What was refused.
    pub form: Option<ScopeSpec>,
    /// Why.
    pub problem: Option<Problem>,
}

impl DetailsPage<'_> {
    fn path(&self, name: &str) -> String {
        crate::http::escaped(name)
    }
}

impl ScopesPage<'_> {
    fn path(&self, name: &str) -> String {
        crate::http::escaped(name)
    }

    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        let value = self.form.as_ref().map_or("", |form| match id {
            "name" => &form.name,
            "title" => &form.title,
            _ => &form.description,
        });
        Field { id, label, value, hint, rows: 0, problem: self.problem.as_ref() }
    }
}

/// A scope.
#[derive(Template)]
#[template(path = "console/scope.html")]
pub struct ScopePage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// Its name, as part of a path.
    pub path: String,
    /// As it is, or as it was typed if that was refused.
    pub scope: ScopeView,
    /// What was wrong with the form.
    pub problem: Option<Problem>,
}

impl ScopePage<'_> {
    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        let value = if id == "title" { &self.scope.title } else { &self.scope.description };
        Field { id, label, value, hint, rows: 0, problem: self.problem.as_ref() }
    }
}

/// The types of authorization details.
#[derive(Template)]
#[template(path = "console/details.html")]
pub struct DetailsPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// All of them.
    pub types: Vec<AuthorizationType>,
}

/// A type of authorization details, or a form for a new one.
#[derive(Template)]
#[template(path = "console/detail.html")]
pub struct DetailPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// Its name, unless it is new.
    pub name: Option<&'a str>,
    /// The version that the form began with; 0 of a new one.
    pub version: i64,
    /// What the form shows.
    pub form: DetailForm,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

/// What the form about a type of authorization details shows.
#[derive(Default)]
pub struct DetailForm {
    /// Its `type`.
    pub name: String,
    /// What people see.
    pub title: String,
    /// One sentence more.
    pub description: String,
    /// Its fields.
    pub fields: Vec<DetailRow>,
}

/// A field of a type of authorization details, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DetailRow {
    /// Its name.
    pub name: String,
    /// What people see before its value.
    pub title: String,
    /// Whether it has to be there: not empty if so.
    pub required: String,
    /// What it may be, one on each line.
    pub values: String,
}

impl DetailPage<'_> {
    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        let value = match id {
            "name" => &self.form.name,
            "title" => &self.form.title,
            _ => &self.form.description,
        };
        Field { id, label, value, hint, rows: 0, problem: self.problem.as_ref() }
    }

    fn wrong(&self, field: &str) -> Option<&str> {
        super::field::wrong(self.problem.as_ref(), field)
    }
}

/// The list of people.
#[derive(Template)]
#[template(path = "console/people.html")]
pub struct PeoplePage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// What was looked for.
    pub text: &'a str,
    /// The query of the next page.
    pub next: Option<String>,
    /// The page.
    pub people: Vec<PersonView>,
    /// What was typed into the form.
    pub username: String,
    /// Whether it asks for an administrator.
    pub admin: bool,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

impl PeoplePage<'_> {
    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        Field { id, label, value: &self.username, hint, rows: 0, problem: self.problem.as_ref() }
    }

    fn wrong(&self, field: &str) -> Option<&str> {
        super::field::wrong(self.problem.as_ref(), field)
    }
}

/// How many of a person's apps are shown beside their account.
const APPS_SHOWN: usize = 50;

/// A person.
#[derive(Template)]
#[template(path = "console/person.html")]
pub struct PersonPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// As they are.
    pub person: PersonView,
    /// The clients that have access.
    pub access: Vec<Access>,
    /// How many sessions they have.
    pub sessions: usize,
    /// What was typed as their name, if it was refused.
    pub username: Option<String>,
    /// What was wrong with a form.
    pub problem: Option<Problem>,
}

impl PersonPage<'_> {
    fn line<'f>(&'f self, id: &'f str, label: &'f str, hint: &'f str) -> Field<'f> {
        let value = self.username.as_deref().unwrap_or(&self.person.username);
        Field { id, label, value, hint, rows: 0, problem: self.problem.as_ref() }
    }

    fn wrong(&self, field: &str) -> Option<&str> {
        super::field::wrong(self.problem.as_ref(), field)
    }
}

/// Grants.
#[derive(Template)]
#[template(path = "console/grants.html")]
pub struct GrantsPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// The client looked for.
    pub client: String,
    /// The person looked for.
    pub person: String,
    /// The page.
    pub grants: Vec<GrantView>,
    /// The query of the next page.
    pub next: Option<String>,
    /// What was wrong with the form.
    pub problem: Option<String>,
}

/// Signing keys.
#[derive(Template)]
#[template(path = "console/keys.html")]
pub struct KeysPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// All of them, the oldest first.
    pub keys: Vec<KeyView>,
}

impl KeysPage<'_> {
    fn state(&self, key: &KeyView) -> &'static str {
        match key.state {
            State::Next => "next",
            State::Active => "active",
            State::Retired => "retired",
        }
    }
}

/// The audit log.
#[derive(Template)]
#[template(path = "console/audit.html")]
pub struct AuditPage<'a> {
    /// See [`ConsoleFrame`].
    pub console: ConsoleFrame<'a>,
    /// The day from which on entries are shown, as a date field has it.
    pub since: String,
    /// How many entries an export holds at most.
    pub most: usize,
    /// What was looked for.
    pub filter: &'a AuditFilter,
    /// The page.
    pub entries: Vec<AuditRow<'a>>,
    /// The query of the next page.
    pub next: Option<String>,
    /// The query of the export.
    pub export: String,
}

impl AuditPage<'_> {
    fn typed<'a>(&self, value: &'a Option<String>) -> &'a str {
        value.as_deref().unwrap_or_default()
    }
}

/// An entry, with what changed in words.
pub struct AuditRow<'a> {
    entry: &'a Recorded,
    at: When,
    changes: Vec<(String, String, String)>,
}

impl<'a> AuditRow<'a> {
    /// Field by field, what is not as before.
    #[must_use]
    pub fn of(entry: &'a Recorded) -> Self {
        let empty = serde_json::Map::new();
        let fields = |value: &'a Option<serde_json::Value>| value.as_ref().and_then(serde_json::Value::as_object);
        let (before, after) = (fields(&entry.before).unwrap_or(&empty), fields(&entry.after).unwrap_or(&empty));
        let mut changes = Vec::new();
        for (name, old) in before {
            let new = after.get(name);
            if new != Some(old) && name != "version" {
                changes.push((name.clone(), text(Some(old)), text(new)));
            }
        }
        let added = after.iter().filter(|(name, _)| !before.contains_key(*name) && *name != "version");
        changes.extend(added.map(|(name, new)| (name.clone(), String::new(), text(Some(new)))));
        Self { entry, at: When(entry.at), changes }
    }
}

fn text(value: Option<&serde_json::Value>) -> String {
    match value {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
