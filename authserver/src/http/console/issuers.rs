//! The console's pages about trusted issuers. One of them is named in the query: most are URLs.

use super::{Answer, Visit, is_private, overtaken, problem, version};
use crate::admin::AdminError;
use crate::http::params::Params;
use crate::pages::{self, IssuerForm, IssuerPage, IssuersPage, Problem, Trouble};
use http::StatusCode;

pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    show_list(visit, IssuerForm::default(), None).await
}

pub(super) async fn create(visit: &Visit<'_>, form: &Params) -> Answer {
    let typed = typed(form.get("issuer").unwrap_or_default().trim(), form);
    let spec = match typed.spec() {
        Ok(spec) => spec,
        Err(problem) => return show_list(visit, typed, Some(problem)).await,
    };
    match visit.admin().create_issuer(spec).await {
        Ok(_) => Ok(visit.to("issuers", "issuer")),
        Err(error) => {
            let problem = at_field(&typed, problem(error)?);
            show_list(visit, typed, Some(problem)).await
        }
    }
}

pub(super) async fn one(visit: &Visit<'_>) -> Answer {
    let issuer = visit.admin().issuer(name(visit)).await?;
    show(visit, IssuerForm::of(issuer.spec()), issuer.version, None)
}

pub(super) async fn act(visit: &Visit<'_>, form: &Params) -> Answer {
    let (name, version) = (name(visit), version(form));
    match form.get("do") {
        Some("save") => save(visit, typed(name, form), version).await,
        Some("remove") => match visit.admin().remove_issuer(name, version).await {
            Ok(()) => Ok(visit.to("issuers", "distrusted")),
            Err(error) => {
                let issuer = visit.admin().issuer(name).await?;
                show(visit, IssuerForm::of(issuer.spec()), issuer.version, Some(problem(error)?))
            }
        },
        _ => Err(Trouble::NotFound),
    }
}

async fn save(visit: &Visit<'_>, typed: IssuerForm, version: i64) -> Answer {
    let spec = match typed.spec() {
        Ok(spec) => spec,
        Err(problem) => return show(visit, typed, version, Some(problem)),
    };
    match visit.admin().edit_issuer(version, spec).await {
        Ok(_) => Ok(visit.to("issuers", "saved")),
        Err(AdminError::Changed) => {
            let now = visit.admin().issuer(&typed.issuer).await?.version;
            show(visit, typed, now, Some(overtaken()))
        }
        Err(error) => {
            let problem = at_field(&typed, problem(error)?);
            show(visit, typed, version, Some(problem))
        }
    }
}

fn name<'a>(visit: &'a Visit<'_>) -> &'a str {
    visit.query.get("issuer").unwrap_or_default()
}

fn typed(name: &str, form: &Params) -> IssuerForm {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    IssuerForm {
        issuer: name.to_owned(),
        saml: form.get("saml").is_some(),
        jwks_uri: text("jwks_uri"),
        jwks: text("jwks"),
        certificates: text("certificates"),
        any_subject: form.get("any_subject").is_some(),
        scope: text("scope"),
        clients: text("clients"),
        claims: text("claims"),
    }
}

/// Keys are given in one of three fields.
fn at_field(typed: &IssuerForm, mut problem: Problem) -> Problem {
    if problem.field == "keys" {
        let field = match problem.text.as_str() {
            text if text.contains("jwks_uri: ") => "jwks_uri",
            text if text.contains("JWK Set") => "jwks",
            _ if !typed.certificates.is_empty() => "certificates",
            _ if !typed.jwks.is_empty() => "jwks",
            _ => "jwks_uri",
        };
        field.clone_into(&mut problem.field);
    }
    problem
}

async fn show_list(visit: &Visit<'_>, form: IssuerForm, problem: Option<Problem>) -> Answer {
    let issuers = visit.admin().issuers().await?;
    let status = status(problem.as_ref());
    let page = IssuersPage { console: visit.frame("issuers")?, issuers, form: public(form), problem };
    Ok(pages::html(status, &page, None))
}

fn show(visit: &Visit<'_>, form: IssuerForm, version: i64, problem: Option<Problem>) -> Answer {
    let status = status(problem.as_ref());
    let console = visit.frame("issuers")?;
    let page = IssuerPage { console, name: name(visit), version, form: public(form), problem };
    Ok(pages::html(status, &page, None))
}

const fn status(problem: Option<&Problem>) -> StatusCode {
    if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// A private key is not sent back and forth.
fn public(mut form: IssuerForm) -> IssuerForm {
    for text in [&mut form.jwks, &mut form.certificates] {
        if is_private(text) {
            text.clear();
        }
    }
    form
}
