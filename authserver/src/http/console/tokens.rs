//! The console's page about tokens: one is pasted, and the page says what it is. It comes in the body of a form, never in a
//! URL, and is not shown again.

use super::{Answer, Visit, problem};
use crate::activity::Kind;
use crate::admin::TokenView;
use crate::http::params::Params;
use crate::pages::{self, Problem, TokensPage, Trouble};
use http::StatusCode;

pub(super) async fn page(visit: &Visit<'_>) -> Answer {
    show(visit, None, "", None)
}

fn show(visit: &Visit<'_>, found: Option<TokenView>, jti: &str, problem: Option<Problem>) -> Answer {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = TokensPage { console: visit.frame("tokens")?, found, jti, problem };
    Ok(pages::html(status, &page, None))
}

/// Whoever signed in again since they opened the page pastes the token again.
pub(super) fn again(visit: &Visit<'_>) -> Answer {
    let text = "You signed in again since this page was opened, so nothing was done. Paste it once more.";
    show(visit, None, "", Some(Problem::at("token", text)))
}

pub(super) async fn act(visit: &Visit<'_>, form: &Params) -> Answer {
    let admin = visit.admin();
    let text = |name: &str| form.get(name).unwrap_or_default();
    let result = match form.get("do") {
        Some("look-up") => {
            return match admin.look_up_token(text("token"), visit.app.keys.as_ref()).await {
                Ok(found) => show(visit, Some(found), "", None),
                Err(error) => show(visit, None, "", Some(problem(error)?)),
            };
        }
        Some("token") => admin.revoke_token(text("jti").trim()).await,
        Some("grant") => admin.revoke_grant(text("grant")).await,
        _ => return Err(Trouble::NotFound),
    };
    match result {
        Ok(()) => {
            visit.app.counters.count(Kind::Revoked);
            Ok(visit.to("tokens", "revoked"))
        }
        Err(error) => show(visit, None, text("jti"), Some(problem(error)?)),
    }
}
