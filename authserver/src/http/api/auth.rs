//! Who may use the API: whoever holds a token of this server with the scope `admin` that is good, for this server, not
//! revoked, and, if it is a person's, still an administrator's.

use super::problem::Problem;
use super::{Address, App};
use crate::admin::{Actor, SCOPE};
use crate::http::presented;
use crate::model::Role;
use axum::extract::FromRequestParts;
use bearward_token::claims::Claims;
use bearward_token::scope::ScopeSet;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::sync::Arc;

/// On whose behalf a request is.
pub(super) struct Caller(pub(super) Actor);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let address = Address::of(app, parts);
        let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
        let (Some(header), None) = (headers.next(), headers.next()) else { return Err(missing()) };
        let token = header.to_str().ok().and_then(|text| text.split_once(' '));
        let Some(("bearer", token)) =
            token.map(|(s, t)| (s.to_ascii_lowercase(), t)).as_ref().map(|(s, t)| (s.as_str(), *t))
        else {
            return Err(missing());
        };
        let payload = presented::payload(app, token).await?.ok_or_else(bad)?;
        // A token bound to a key is no bearer token (RFC 9449 §7.2, RFC 8705 §3).
        let bound =
            serde_json::from_slice::<serde_json::Value>(&payload).ok().is_none_or(|all| all.get("cnf").is_some());
        let claims = presented::current(app, &payload).filter(|claims| !bound && is_for_us(app, claims));
        let claims = claims.ok_or_else(bad)?;
        if presented::is_revoked(app, &claims).await? {
            return Err(bad());
        }
        if !ScopeSet::parse(&claims.scope).is_ok_and(|scopes| scopes.iter().any(|scope| scope == SCOPE)) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "The token does not have the scope admin.")
                .challenged("Bearer error=\"insufficient_scope\", scope=\"admin\""));
        }
        let address = address.text();
        if claims.gid.is_none() && claims.sub == claims.client_id {
            return Ok(Self(Actor { kind: "client", id: claims.client_id.into_owned(), address }));
        }
        // The person may have lost the role since.
        let account = app.store.account(&claims.sub).await?;
        match account.filter(|a| a.value.role == Role::Admin && a.value.person.disabled_at.is_none()) {
            Some(account) => Ok(Self(Actor { kind: "person", id: account.value.person.id, address })),
            None => Err(Problem::new(StatusCode::FORBIDDEN, "The token is of a person who is no administrator.")),
        }
    }
}

/// Whether a token is meant for this server (RFC 9700 §2.3): its audience is the issuer, or the usual one. Another service
/// that was given a token for itself cannot use it here.
fn is_for_us(app: &App, claims: &Claims<'_>) -> bool {
    let usual = &app.config.tokens.audience;
    claims.aud.iter().any(|aud| aud == app.urls.issuer() || usual.iter().any(|known| known == aud))
}

fn missing() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Send a token of this server with the scope admin: Authorization: Bearer …")
        .challenged("Bearer scope=\"admin\"")
}

fn bad() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "The token is not good: not of this server or not for it, expired, revoked or bound.",
    )
    .challenged("Bearer error=\"invalid_token\"")
}
