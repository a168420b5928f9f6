//! Forms that came too late, or from a page of an earlier session: what was typed is shown and can be sent once more, but for
//! what is secret, which goes into no page.

use super::params::Params;
use super::{App, csrf, goal};
use crate::client_keys::{self, KeyTextError};
use crate::pages::{self, AwayPage, Kept, Secret, Trouble};
use axum::response::Response;
use http::StatusCode;

/// What a form held, to be sent to the same path and query. `does` says what it does there; `untyped` are the fields that the
/// page filled in itself, and `label` says what people know a field by.
pub(super) fn keep<'a>(
    (action, does): (&'a str, &'a str),
    form: &'a Params,
    secrets: &[Secret],
    untyped: &[&str],
    label: impl Fn(&'a str) -> &'a str,
) -> Kept<'a> {
    let secret = |name: &str| secrets.iter().any(|secret| secret.name == name);
    let fields: Vec<_> = form.pairs().filter(|(name, value)| !secret(name) && !is_private(value)).collect();
    let typed = |(name, value): &(&str, &str)| !value.is_empty() && *name != csrf::FIELD && !untyped.contains(name);
    let shown = fields.iter().copied().filter(typed).map(|(name, value)| (label(name), value)).collect();
    let secrets = secrets.iter().copied().filter(|secret| form.has(secret.name)).collect();
    Kept { action, does, fields, shown, secrets }
}

/// Whether a text that was pasted holds a private key, which is not sent back and forth.
pub(super) fn is_private(keys: &str) -> bool {
    client_keys::parse(keys) == Err(KeyTextError::Private)
}

/// The page of a form whose session has ended, for its person to sign in beside it. The form token goes with it: it is good
/// for this browser and this person only.
pub(super) fn away(app: &App, kept: Kept<'_>) -> Result<Response, Trouble> {
    let login = goal::login_for(app, kept.action)?;
    let page = AwayPage { frame: pages::Frame::of(app), login, kept };
    Ok(pages::html(StatusCode::FORBIDDEN, &page, None))
}
