//! A form of the account page that was sent after its session had ended.

use crate::http::kept::{away, keep};
use crate::http::params::Params;
use crate::http::{App, Route};
use crate::pages::{Secret, Trouble};
use axum::response::Response;

const SECRETS: [Secret; 4] = [
    Secret { name: "old", label: "Your password", autocomplete: "current-password" },
    Secret { name: "new", label: "New password", autocomplete: "new-password" },
    Secret { name: "again", label: "New password, again", autocomplete: "new-password" },
    Secret { name: "code", label: "The code that your app shows now", autocomplete: "one-time-code" },
];
/// What the page filled in itself. The key of an app goes with the form sealed, as the page had it.
const UNTYPED: [&str; 6] = ["do", "id", "session", "secret", "passkey", "credential"];

/// The page that keeps it; none for a form that there is nothing to do for any more.
pub(super) fn page(app: &App, form: &Params) -> Option<Result<Response, Trouble>> {
    let does = words(form.get("do")?)?;
    let path = app.urls.path(Route::Account);
    Some(away(app, keep((&path, does), form, &SECRETS, &UNTYPED, label)))
}

fn label(field: &str) -> &str {
    match field {
        "client" => "App",
        "label" => "Name",
        "username" => "Account",
        other => other,
    }
}

/// What a form of the page does. Signing out is done, once the session has ended.
fn words(action: &str) -> Option<&'static str> {
    Some(match action {
        "end-session" => "end another session",
        "end-others" => "end all other sessions",
        "withdraw" => "withdraw an app’s access",
        "password" => "change your password",
        "factor-start" => "set up an authenticator app",
        "factor-confirm" => "turn on your authenticator app",
        "factor-off" => "turn off your authenticator app",
        "passkey-start" => "add a passkey",
        "passkey-confirm" => "make a passkey",
        "passkey-remove" => "remove a passkey",
        "new-codes" => "make new recovery codes",
        _ => return None,
    })
}
