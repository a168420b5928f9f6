//! The console's page about initial access tokens: who may register clients (RFC 7591).

use super::{Answer, Visit, is_first, problem};
use crate::admin::{NewRegistrationToken, ShownRegistrationToken};
use crate::http::Route;
use crate::http::params::Params;
use crate::pages::{self, Problem, RegistrationForm, RegistrationPage, Trouble};
use crate::secret::random_id;
use http::StatusCode;

const DAY: i64 = 86_400;

pub(super) async fn page(visit: &Visit<'_>) -> Answer {
    show(visit, Shown::default()).await
}

pub(super) async fn act(visit: &Visit<'_>, form: &Params) -> Answer {
    match form.get("do") {
        Some("make") => make(visit, form).await,
        Some("revoke") => {
            visit.admin().revoke_registration_token(form.get("id").unwrap_or_default()).await?;
            Ok(visit.to("registration", "registration-revoked"))
        }
        _ => Err(Trouble::NotFound),
    }
}

async fn make(visit: &Visit<'_>, form: &Params) -> Answer {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let typed = RegistrationForm { note: text("note"), scope: text("scope"), uses: text("uses"), days: text("days") };
    let new = match new(&typed) {
        Ok(new) => new,
        Err(problem) => return show(visit, Shown { form: typed, problem: Some(problem), made: None }).await,
    };
    if !is_first(visit.app, form).await? {
        return Ok(visit.to("registration", "twice"));
    }
    match visit.admin().create_registration_token(new).await {
        Ok(made) => show(visit, Shown { made: Some(made), ..Shown::default() }).await,
        Err(error) => {
            let mut problem = problem(error)?;
            if problem.field == "expires_in" {
                problem = no_days();
            }
            show(visit, Shown { form: typed, problem: Some(problem), made: None }).await
        }
    }
}

fn new(typed: &RegistrationForm) -> Result<NewRegistrationToken, Problem> {
    let uses = typed.uses.parse();
    let days: Option<i64> = typed.days.parse().ok();
    Ok(NewRegistrationToken {
        note: typed.note.clone(),
        scope: typed.scope.split_whitespace().collect::<Vec<_>>().join(" "),
        uses: uses.map_err(|_| Problem::at("uses", "Say how many: a number from 1 to 1,000,000."))?,
        expires_in: days.and_then(|days| days.checked_mul(DAY)).ok_or_else(no_days)?,
    })
}

fn no_days() -> Problem {
    Problem::at("days", "Say how many: a number from 1 to 3650.")
}

/// What the page shows.
#[derive(Default)]
struct Shown {
    form: RegistrationForm,
    problem: Option<Problem>,
    made: Option<ShownRegistrationToken>,
}

async fn show(visit: &Visit<'_>, Shown { form, problem, made }: Shown) -> Answer {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = RegistrationPage {
        console: visit.frame("registration")?,
        enabled: visit.app.config.registration.enabled,
        endpoint: visit.app.urls.absolute(Route::Register),
        tokens: visit.admin().registration_tokens().await?,
        form,
        problem,
        made,
        once: random_id(visit.app.env.random.as_ref()),
    };
    Ok(pages::html(status, &page, None))
}
