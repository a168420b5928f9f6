//! The console's other pages: the first one, scopes, grants, keys, the audit log.

use super::{Answer, ROWS, Visit, overtaken, problem, remark, version};
use crate::activity::Kind;
use crate::admin::{AdminError, RotateSpec, ScopeSpec};
use crate::http::params::Params;
use crate::model::{AuditFilter, GrantFilter};
use crate::pages::{
    self, AuditPage, Chart, GrantsPage, KeysPage, OverviewPage, Problem, ScopePage, ScopesPage, Trouble,
};
use axum::response::{IntoResponse as _, Response};
use form_urlencoded::Serializer;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};

/// The most entries of the audit log in one file from the console; the command line gives all.
const EXPORTED: usize = 50_000;

pub(super) async fn overview(visit: &Visit<'_>) -> Answer {
    let overview = visit.admin().overview().await?;
    let chart = |title, values: Vec<i64>| Chart::of(title, &values, &overview.hours);
    let hours = &overview.hours;
    let charts = vec![
        chart("Tokens issued", hours.iter().map(|hour| hour.issued).collect()),
        chart("Tokens denied", hours.iter().map(|hour| hour.denied).collect()),
        chart("Revocations", hours.iter().map(|hour| hour.revoked).collect()),
        chart("Sign-ins", hours.iter().map(|hour| hour.signed_in).collect()),
        chart("Sign-ins refused", hours.iter().map(|hour| hour.refused).collect()),
    ];
    let page = OverviewPage { console: visit.frame("overview")?, charts, overview: &overview };
    Ok(pages::html(StatusCode::OK, &page, None))
}

pub(super) async fn scopes(visit: &Visit<'_>, refused: Option<(ScopeSpec, Problem)>) -> Answer {
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (form, problem) = refused.map_or((None, None), |(form, problem)| (Some(form), Some(problem)));
    let scopes = visit.admin().scopes().await?;
    let page = ScopesPage { console: visit.frame("scopes")?, scopes, form, problem };
    Ok(pages::html(status, &page, None))
}

pub(super) async fn create_scope(visit: &Visit<'_>, form: &Params) -> Answer {
    let spec = scope_spec(form.get("name").unwrap_or_default(), form);
    match visit.admin().create_scope(spec.clone()).await {
        Ok(_) => Ok(visit.to("scopes", "scope")),
        Err(error) => scopes(visit, Some((spec, problem(error)?))).await,
    }
}

pub(super) async fn scope(visit: &Visit<'_>, name: &str) -> Answer {
    scope_page(visit, name, None).await
}

async fn scope_page(visit: &Visit<'_>, name: &str, refused: Option<(ScopeSpec, i64, Problem)>) -> Answer {
    let mut scope = visit.admin().scope(name).await?;
    let problem = refused.map(|(typed, version, problem)| {
        // Saved again, it must still find what was read first.
        (scope.title, scope.description, scope.version) = (typed.title, typed.description, version);
        problem
    });
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ScopePage { console: visit.frame("scopes")?, path: crate::http::escaped(name), scope, problem };
    Ok(pages::html(status, &page, None))
}

pub(super) async fn act_on_scope(visit: &Visit<'_>, name: &str, form: &Params) -> Answer {
    let version = version(form);
    let (result, done) = match form.get("do") {
        Some("save") => (visit.admin().edit_scope(version, scope_spec(name, form)).await.map(drop), "saved"),
        Some("delete") => (visit.admin().delete_scope(name, version).await, "deleted"),
        _ => return Err(Trouble::NotFound),
    };
    match result {
        Ok(()) => Ok(visit.to("scopes", done)),
        Err(AdminError::Changed) => {
            let now = visit.admin().scope(name).await?.version;
            scope_page(visit, name, Some((scope_spec(name, form), now, overtaken()))).await
        }
        Err(error) => scope_page(visit, name, Some((scope_spec(name, form), version, problem(error)?))).await,
    }
}

fn scope_spec(name: &str, form: &Params) -> ScopeSpec {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    ScopeSpec { name: name.to_owned(), title: text("title"), description: text("description") }
}

pub(super) async fn grants(visit: &Visit<'_>, problem: Option<String>) -> Answer {
    let text = |name: &str| visit.query.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (client, username) = (text("client"), text("person"));
    // People know people by name.
    let person_id = match &username {
        None => None,
        Some(username) => {
            let found = visit.app.store.person_by_username(username).await?;
            Some(found.map_or_else(|| username.clone(), |person| person.id))
        }
    };
    let filter = GrantFilter { client_id: client.clone(), person_id };
    let page = visit.admin().grants(&filter, visit.query.get("after"), ROWS).await?;
    let next = page.next.map(|next| {
        let mut query = Serializer::new(String::new());
        for (name, value) in [("client", &client), ("person", &username), ("after", &Some(next))] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    });
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = GrantsPage {
        console: visit.frame("grants")?,
        client: client.unwrap_or_default(),
        person: username.unwrap_or_default(),
        grants: page.items,
        next,
        problem,
    };
    Ok(pages::html(status, &page, None))
}

pub(super) async fn revoke(visit: &Visit<'_>, form: &Params) -> Answer {
    let result = match form.get("do") {
        Some("grant") => visit.admin().revoke_grant(form.get("grant").unwrap_or_default()).await,
        _ => return Err(Trouble::NotFound),
    };
    match result {
        Ok(()) => {
            visit.app.counters.count(Kind::Revoked);
            Ok(visit.to("grants", "revoked"))
        }
        Err(error) => grants(visit, Some(remark(error)?)).await,
    }
}

pub(super) async fn keys(visit: &Visit<'_>) -> Answer {
    let page = KeysPage { console: visit.frame("keys")?, keys: visit.admin().keys().await? };
    Ok(pages::html(StatusCode::OK, &page, None))
}

pub(super) async fn rotate(visit: &Visit<'_>, form: &Params) -> Answer {
    let now = form.get("do") == Some("rotate-now");
    visit.admin().rotate_keys(RotateSpec { now, algorithm: None }).await?;
    Ok(visit.to("keys", "rotated"))
}

fn filter(query: &Params) -> AuditFilter {
    let text = |name: &str| query.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    AuditFilter {
        actor: text("actor"),
        action: text("action"),
        object_kind: text("kind"),
        object: text("object"),
        since: text("since").as_deref().and_then(midnight),
    }
}

/// Where a day begins, as a date field has it (`2026-11-23`), Unix time in seconds (UTC).
fn midnight(day: &str) -> Option<i64> {
    let mut parts = day.splitn(3, '-');
    let (year, month, day) =
        (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?.parse().ok()?);
    let date = time::Date::from_calendar_date(year, time::Month::try_from(month).ok()?, day).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp())
}

/// As a date field has it.
fn day(at: i64) -> Option<String> {
    let date = time::OffsetDateTime::from_unix_timestamp(at).ok()?.date();
    Some(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

fn as_query(filter: &AuditFilter, after: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    let since = filter.since.and_then(day);
    let parts = [
        ("since", since.as_deref()),
        ("actor", filter.actor.as_deref()),
        ("action", filter.action.as_deref()),
        ("kind", filter.object_kind.as_deref()),
        ("object", filter.object.as_deref()),
        ("after", after),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

pub(super) async fn audit(visit: &Visit<'_>) -> Answer {
    let filter = filter(&visit.query);
    let page = visit.admin().audit(&filter, visit.query.get("after"), ROWS).await?;
    let page = AuditPage {
        console: visit.frame("audit")?,
        export: as_query(&filter, None),
        next: page.next.map(|next| as_query(&filter, Some(&next))),
        entries: page.items.iter().map(pages::AuditRow::of).collect(),
        since: filter.since.and_then(day).unwrap_or_default(),
        most: EXPORTED,
        filter: &filter,
    };
    Ok(pages::html(StatusCode::OK, &page, None))
}

/// The audit log as JSON lines, to keep elsewhere.
pub(super) async fn audit_export(visit: &Visit<'_>) -> Result<Response, Trouble> {
    let filter = filter(&visit.query);
    let mut text = String::new();
    let (mut after, mut lines): (Option<String>, usize) = (None, 0);
    while lines < EXPORTED {
        let page = visit.admin().audit(&filter, after.as_deref(), 500).await?;
        for entry in &page.items {
            text.push_str(&serde_json::to_string(entry).map_err(|_| Trouble::Broken)?);
            text.push('\n');
        }
        lines = lines.saturating_add(page.items.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
        (CACHE_CONTROL, "no-store"),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, text).into_response())
}
