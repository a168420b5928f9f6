//! The console's pages about types of authorization details (RFC 9396).

use super::rows::{self, Ask};
use super::{Answer, Visit, problem};
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
    show(visit, None, DetailForm::default(), None)
}

pub(super) async fn one(visit: &Visit<'_>, name: &str) -> Answer {
    let types = visit.admin().authorization_types().await?;
    let found = types.into_iter().find(|kind| kind.name == name).ok_or(Trouble::NotFound)?;
    show(visit, Some(name), form_of(found), None)
}

pub(super) async fn act(visit: &Visit<'_>, name: Option<&str>, form: &Params) -> Answer {
    let mut typed = sent(name, form);
    let what = form.get("do").unwrap_or("save");
    if let Some(ask) = rows::asked("field", what) {
        change(&mut typed, ask);
        return show(visit, name, typed, None);
    }
    match (what, name) {
        ("save", _) => {
            let kind = match kind(&typed) {
                Ok(kind) => kind,
                Err(problem) => return show(visit, name, typed, Some(problem)),
            };
            if name.is_none() && visit.admin().authorization_types().await?.iter().any(|known| known.name == kind.name)
            {
                let taken = Problem::at("name", "There is a type of this name already.");
                return show(visit, name, typed, Some(taken));
            }
            match visit.admin().put_authorization_type(&kind).await {
                Ok(()) => Ok(visit.to("details", "detail")),
                Err(error) => {
                    let problem = problem(error)?;
                    show(visit, name, typed, Some(problem))
                }
            }
        }
        ("delete", Some(name)) => {
            visit.admin().delete_authorization_type(name).await?;
            Ok(visit.to("details", "deleted"))
        }
        _ => Err(Trouble::NotFound),
    }
}

fn change(form: &mut DetailForm, ask: Ask) {
    rows::change(&mut form.fields, ask);
}

fn show(visit: &Visit<'_>, name: Option<&str>, mut form: DetailForm, problem: Option<Problem>) -> Answer {
    if form.fields.is_empty() {
        form.fields.push(DetailRow::default());
    }
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = DetailPage { console: visit.frame("details")?, name, form, problem };
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
