//! The console's pages about people.

use super::clients::more;
use super::{Answer, ROWS, Visit, problem};
use crate::admin::{NewPerson, PersonEdit};
use crate::http::params::Params;
use crate::model::Role;
use crate::pages::{self, PeoplePage, PersonPage, Problem, Trouble};
use http::StatusCode;

pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    show(visit, (String::new(), false), None).await
}

/// The list, and what was typed to add somebody.
async fn show(visit: &Visit<'_>, (username, admin): (String, bool), problem: Option<Problem>) -> Answer {
    let text = visit.query.get("q").unwrap_or_default();
    let page = visit.admin().people(Some(text), visit.query.get("after"), ROWS).await?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let next = more(text, page.next);
    let page = PeoplePage { console: visit.frame("people")?, text, next, people: page.items, username, admin, problem };
    Ok(pages::html(status, &page, None))
}

pub(super) async fn create(visit: &Visit<'_>, form: &Params) -> Answer {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let typed = (text("username"), form.get("admin").is_some());
    let new = NewPerson { username: text("username"), password: text("password"), role: role(form) };
    match visit.admin().add_person(new, &visit.app.passwords).await {
        Ok(person) => Ok(visit.to(&format!("people/{}", person.id), "person")),
        Err(error) => show(visit, typed, Some(problem(error)?)).await,
    }
}

pub(super) async fn one(visit: &Visit<'_>, id: &str) -> Answer {
    page(visit, id, None, None).await
}

async fn page(visit: &Visit<'_>, id: &str, username: Option<String>, problem: Option<Problem>) -> Answer {
    let person = visit.admin().person(id).await?;
    let access = visit.app.store.access(id).await?;
    let now = visit.app.env.now();
    let sessions = visit.app.store.sessions(id, now, visit.app.config.sessions.idle_since(now)).await?.len();
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = PersonPage { console: visit.frame("people")?, person, access, sessions, username, problem };
    Ok(pages::html(status, &page, None))
}

pub(super) async fn act(visit: &Visit<'_>, id: &str, form: &Params) -> Answer {
    let admin = visit.admin();
    let version = form.get("version").and_then(|text| text.parse().ok()).unwrap_or_default();
    let edit = async |edit: PersonEdit| admin.edit_person(id, version, edit, &visit.app.passwords).await.map(drop);
    let (result, done) = match form.get("do") {
        Some("save") => {
            let username = form.get("username").map(ToOwned::to_owned);
            (edit(PersonEdit { username, role: Some(role(form)), ..PersonEdit::default() }).await, "saved")
        }
        Some("password") => {
            let password = Some(form.get("password").unwrap_or_default().to_owned());
            (edit(PersonEdit { password, ..PersonEdit::default() }).await, "saved")
        }
        Some("disable") => (edit(PersonEdit { disabled: Some(true), ..PersonEdit::default() }).await, "disabled"),
        Some("enable") => (edit(PersonEdit { disabled: Some(false), ..PersonEdit::default() }).await, "enabled"),
        Some("sign-out") => (admin.sign_out_everywhere(id).await, "signed-out"),
        Some("factor") => (admin.remove_factor(id).await, "factor"),
        Some("passkeys") => (admin.remove_passkeys(id).await, "passkeys"),
        Some("delete") => match admin.delete_person(id, version).await {
            Ok(()) => return Ok(visit.to("people", "deleted")),
            Err(error) => (Err(error), ""),
        },
        _ => return Err(Trouble::NotFound),
    };
    match result {
        Ok(()) => Ok(visit.to(&format!("people/{}", crate::http::escaped(id)), done)),
        Err(error) => page(visit, id, form.get("username").map(ToOwned::to_owned), Some(problem(error)?)).await,
    }
}

fn role(form: &Params) -> Role {
    if form.get("admin").is_some() { Role::Admin } else { Role::Person }
}
