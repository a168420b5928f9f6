//! The console's pages about types of authorization details (RFC 9396).

use super::rows;
use super::{Answer, Visit, overtaken, problem, version};
use crate::admin::AdminError;
use crate::http::params::Params;
use crate::model::{AuthorizationField, AuthorizationType};
use crate::pages::{self, DetailForm, DetailPage, DetailRow, DetailsPage, Problem, Trouble};
use http::StatusCode;
use std::collections::BTreeMap;

pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let page = DetailsPage { console: visit.frame("details")?, types: visit.admin().authorization_types().await? };
    Ok(pages::html(StatusCode::OK, &page, None))
}

pub(super) async fn blank(visit: &Visit<'_>) -> Answer {
    show(visit, None, Typed::default(), None)
}

pub(super) async fn one(visit: &Visit<'_>, name: &str) -> Answer {
    let found = visit.admin().authorization_type(name).await?;
    show(visit, Some(name), Typed { version: found.version, form: form_of(found.spec()) }, None)
}

pub(super) async fn act(visit: &Visit<'_>, name: Option<&str>, form: &Params) -> Answer {
    let mut typed = Typed { version: version(form), form: sent(name, form) };
    let what = form.get("do").unwrap_or("save");
    if let Some(ask) = rows::asked("field", what) {
        rows::change(&mut typed.form.fields, ask);
        return show(visit, name, typed, None);
    }
    match (what, name) {
        ("save", _) => save(visit, name, typed).await,
        ("delete", Some(name)) => match visit.admin().delete_authorization_type(name, typed.version).await {
            Ok(()) => Ok(visit.to("details", "deleted")),
            Err(error) => {
                let now = visit.admin().authorization_type(name).await?;
                let shown = Typed { version: now.version, form: form_of(now.spec()) };
                show(visit, Some(name), shown, Some(problem(error)?))
            }
        },
        _ => Err(Trouble::NotFound),
    }
}

async fn save(visit: &Visit<'_>, name: Option<&str>, typed: Typed) -> Answer {
    let kind = match kind(&typed.form) {
        Ok(kind) => kind,
        Err(problem) => return show(visit, name, typed, Some(problem)),
    };
    let admin = visit.admin();
    let saved = match name {
        None => admin.create_authorization_type(&kind).await,
        Some(_) => admin.edit_authorization_type(typed.version, &kind).await,
    };
    match (saved, name) {
        (Ok(_), _) => Ok(visit.to("details", "detail")),
        (Err(AdminError::Changed), Some(name)) => {
            let version = admin.authorization_type(name).await?.version;
            show(visit, Some(name), Typed { version, ..typed }, Some(overtaken()))
        }
        (Err(error), _) => {
            let problem = problem(error)?;
            show(visit, name, typed, Some(problem))
        }
    }
}

/// A form, and the version that it began with; 0 of a new one.
#[derive(Default)]
struct Typed {
    version: i64,
    form: DetailForm,
}

fn show(visit: &Visit<'_>, name: Option<&str>, typed: Typed, problem: Option<Problem>) -> Answer {
    let Typed { version, mut form } = typed;
    if form.fields.is_empty() {
        form.fields.push(DetailRow::default());
    }
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = DetailPage { console: visit.frame("details")?, name, version, form, problem };
    Ok(pages::html(status, &page, None))
}

fn sent(name: Option<&str>, form: &Params) -> DetailForm {
    let text = |field: &str| form.get(field).unwrap_or_default().to_owned();
    let rows = rows::read(form, "field", &["name", "title", "required", "values"]);
    DetailForm {
        name: name.map_or_else(|| text("name"), ToOwned::to_owned),
        title: text("title"),
        description: text("description"),
        fields: rows
            .into_iter()
            .map(|[name, title, required, values]| DetailRow { name, title, required, values })
            .collect(),
    }
}

fn form_of(kind: AuthorizationType) -> DetailForm {
    let row = |(name, field): (String, AuthorizationField)| DetailRow {
        name,
        title: field.title,
        required: if field.required { "1".to_owned() } else { String::new() },
        values: field.values.join("\n"),
    };
    let AuthorizationType { name, title, description, fields } = kind;
    DetailForm { name, title, description, fields: fields.into_iter().map(row).collect() }
}

fn kind(form: &DetailForm) -> Result<AuthorizationType, Problem> {
    let mut fields = BTreeMap::new();
    for (number, row) in form.fields.iter().enumerate() {
        let wrong = |part: &str, text: &str| Problem::at(&rows::field("field", part, number), text);
        let (name, title) = (row.name.trim(), row.title.trim());
        if name.is_empty() && title.is_empty() && row.values.trim().is_empty() {
            continue;
        }
        if name.is_empty() || name == "type" {
            return Err(wrong("name", "Name the field; every type has “type”, so none is called that."));
        }
        if title.is_empty() {
            return Err(wrong("title", "Say what people see before its value."));
        }
        let values = row.values.lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned);
        let field = AuthorizationField {
            title: title.to_owned(),
            required: !row.required.is_empty(),
            values: values.collect(),
        };
        if fields.insert(name.to_owned(), field).is_some() {
            return Err(wrong("name", "There is a field of this name already."));
        }
    }
    let text = |text: &str| text.trim().to_owned();
    let (name, title, description) = (text(&form.name), text(&form.title), text(&form.description));
    Ok(AuthorizationType { name, title, description, fields })
}
