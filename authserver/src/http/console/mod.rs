//! `/admin`: the console, for people with the role of an administrator. Every page is one or two calls of [`crate::admin`],
//! rendered on the server; it works without scripts. A form names what it does in `do`.

mod authorization_types;
mod client_form;
mod clients;
mod issuers;
mod others;
mod people;
mod registration;
mod rows;
mod tokens;

use super::address::Address;
use super::browser::Browser;
use super::cookies::{self, SignedIn};
use super::kept::{away, is_private, keep};
use super::params::{LongForm, Params, ParamsError};
use super::{App, Route, answer, csrf, goal};
use crate::admin::{Actor, Admin, AdminError};
use crate::model::{Digest, Role};
use crate::pages::{self, AgainPage, ConsoleFrame, Kept, Problem, Secret, Trouble};
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::sync::Arc;

/// What the console's forms are bound to, beside the browser and the person.
const FORMS: &str = "console";
/// The field that is different on every page that shows a form, and for how long it is remembered, in seconds.
const ONCE: &str = "once";
const SENT_FOR: i64 = 24 * 60 * 60;
/// The field of a password, which no page has in it.
const PASSWORD: Secret = Secret { name: "password", label: "The password", autocomplete: "new-password" };
/// How many rows a list has.
const ROWS: u32 = 50;

/// What a page answers.
type Answer = Result<Response, Trouble>;

/// An administrator at the console.
struct Visit<'a> {
    app: &'a App,
    browser: &'a Browser,
    signed_in: SignedIn,
    address: Address,
    /// The path behind `/admin`, decoded.
    segments: Vec<String>,
    query: Params,
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    address: Address,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        let signed_in = match admitted(&app, &headers, &uri).await? {
            Ok(signed_in) => signed_in,
            Err(login) => return Ok(login),
        };
        let query = Params::parse(uri.query().unwrap_or_default().as_bytes())?;
        let visit = Visit { app: &app, browser: &browser, signed_in, address, segments: segments(&app, &uri)?, query };
        let path: Vec<&str> = visit.segments.iter().map(String::as_str).collect();
        match path.as_slice() {
            [] => others::overview(&visit).await,
            ["clients"] => clients::list(&visit).await,
            ["clients", "new"] => clients::blank(&visit).await,
            ["clients", id] => clients::one(&visit, id, None).await,
            ["registration"] => registration::page(&visit).await,
            ["scopes"] => others::scopes(&visit, None).await,
            ["scopes", name] => others::scope(&visit, name).await,
            ["people"] => people::list(&visit).await,
            ["people", id] => people::one(&visit, id).await,
            ["grants"] => others::grants(&visit, None).await,
            ["tokens"] => tokens::page(&visit).await,
            ["issuers"] => issuers::list(&visit).await,
            ["issuers", "one"] => issuers::one(&visit).await,
            ["keys"] => others::keys(&visit).await,
            ["details"] => authorization_types::list(&visit).await,
            ["details", "new"] => authorization_types::blank(&visit).await,
            ["details", name] => authorization_types::one(&visit, name).await,
            ["audit"] => others::audit(&visit).await,
            ["audit.jsonl"] => others::audit_export(&visit).await,
            _ => Err(Trouble::NotFound),
        }
    };
    shown.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    address: Address,
    uri: Uri,
    headers: HeaderMap,
    form: Result<LongForm, ParamsError>,
) -> Response {
    let answered = async {
        let LongForm(form) = form?;
        let signed_in = match admitted(&app, &headers, &uri).await? {
            Ok(signed_in) => signed_in,
            Err(login) => {
                // A token is not shown again, not even hidden in a form.
                let keeps = csrf::certainly_ours(&app, &headers) && form.has(csrf::FIELD);
                let keeps = keeps && segments(&app, &uri)? != ["tokens"];
                return if keeps { away(&app, kept(path_and_query(&uri), &form)) } else { Ok(login) };
            }
        };
        let binding = csrf::Binding { person: Some(&signed_in.person.id), sealed: FORMS };
        let ours = csrf::check(&app, csrf::Purpose::Console, &browser, binding, &form).is_some();
        let query = Params::parse(uri.query().unwrap_or_default().as_bytes())?;
        let visit = Visit { app: &app, browser: &browser, signed_in, address, segments: segments(&app, &uri)?, query };
        if !ours {
            // Whoever closed the browser meanwhile, or is somebody else by now, loses nothing that was typed.
            return match csrf::certainly_ours(&app, &headers) && form.has(csrf::FIELD) {
                // A token is not shown again, not even hidden in a form.
                true if visit.segments == ["tokens"] => tokens::again(&visit),
                true => again(&visit, path_and_query(&uri), &form),
                false => Err(Trouble::Foreign),
            };
        }
        let path: Vec<&str> = visit.segments.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["clients", "new"] => clients::create(&visit, &form).await,
            ["clients", id] => clients::act(&visit, id, &form).await,
            ["registration"] => registration::act(&visit, &form).await,
            ["scopes"] => others::create_scope(&visit, &form).await,
            ["scopes", name] => others::act_on_scope(&visit, name, &form).await,
            ["people"] => people::create(&visit, &form).await,
            ["people", id] => people::act(&visit, id, &form).await,
            ["grants"] => others::revoke(&visit, &form).await,
            ["tokens"] => tokens::act(&visit, &form).await,
            ["issuers"] => issuers::create(&visit, &form).await,
            ["issuers", "one"] => issuers::act(&visit, &form).await,
            ["keys"] => others::rotate(&visit, &form).await,
            ["details", "new"] => authorization_types::act(&visit, None, &form).await,
            ["details", name] => authorization_types::act(&visit, Some(name), &form).await,
            _ => Err(Trouble::NotFound),
        }
    };
    answered.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

/// What a form says that was overtaken. Saved again, it takes the place of what somebody else saved: now they know.
fn overtaken() -> Problem {
    let text = "Somebody else changed this in the meantime. What you typed is still here, and not saved: compare it with what is \
                there now, in another tab, and save it again to put it in its place.";
    Problem { field: String::new(), text: text.to_owned() }
}

/// What a form held that was opened before the browser was closed or by somebody else, to be sent once more.
fn again(visit: &Visit<'_>, action: &str, form: &Params) -> Answer {
    let mut kept = kept(action, form);
    kept.fields.retain(|(name, _)| *name != csrf::FIELD);
    Ok(pages::html(StatusCode::FORBIDDEN, &AgainPage { console: visit.frame("")?, kept }, None))
}

/// What a form held.
fn kept<'a>(action: &'a str, form: &'a Params) -> Kept<'a> {
    keep((action, form.get("do").unwrap_or_default()), form, &[PASSWORD], &["do", ONCE, "version"], field_name)
}

/// Whether a form is sent for the first time: what shows a secret this once is not done again by a page that is loaded
/// again.
async fn is_first(app: &App, form: &Params) -> Result<bool, Trouble> {
    let Some(once) = form.get(ONCE) else { return Ok(true) };
    let until = app.env.now().saturating_add(SENT_FOR);
    Ok(app.store.use_once(&Digest::of(&format!("form {once}")), until).await?)
}

/// The administrator, or the way to the sign-in page and back.
async fn admitted(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<Result<SignedIn, Response>, Trouble> {
    let Some(signed_in) = cookies::signed_in(app, headers).await? else {
        return Ok(Err(answer::see_other(&goal::login_for(app, path_and_query(uri))?)));
    };
    let account = app.store.account(&signed_in.person.id).await?;
    match account {
        Some(account) if account.value.role == Role::Admin => Ok(Ok(signed_in)),
        _ => Err(Trouble::NotAdmin),
    }
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or(uri.path(), |both| both.as_str())
}

/// The version that a form began with.
fn version(form: &Params) -> i64 {
    form.get("version").and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Taken apart before it is decoded: a scope may be a URI, with slashes of its own.
fn segments(app: &App, uri: &Uri) -> Result<Vec<String>, Trouble> {
    let rest = uri.path().strip_prefix(&app.urls.path(Route::Admin)).unwrap_or_default();
    let decode = |segment| percent_decode_str(segment).decode_utf8().ok().filter(|text| !text.contains('\0'));
    let segments = rest.split('/').filter(|segment| !segment.is_empty()).map(decode);
    segments.map(|text| text.map(Cow::into_owned).ok_or(Trouble::NotFound)).collect()
}

impl Visit<'_> {
    fn admin(&self) -> Admin<'_> {
        let id = self.signed_in.person.id.clone();
        let actor = Actor { kind: "person", id, address: self.address.text() };
        Admin { store: self.app.store.as_ref(), config: &self.app.config, env: &self.app.env, actor }
    }

    fn frame(&self, section: &'static str) -> Result<ConsoleFrame<'_>, Trouble> {
        let binding = csrf::Binding { person: Some(&self.signed_in.person.id), sealed: FORMS };
        Ok(ConsoleFrame {
            frame: crate::pages::Frame::of(self.app),
            console_style: &self.app.assets.console,
            base: self.app.urls.path(Route::Admin),
            account: self.app.urls.path(Route::Account),
            section,
            username: &self.signed_in.person.username,
            csrf: csrf::token(self.app, csrf::Purpose::Console, self.browser, binding)?,
            done: self.query.get("done").and_then(done),
        })
    }

    /// Off to a page of the console, which says what was done.
    fn to(&self, path: &str, done: &str) -> Response {
        answer::see_other(&format!("{}/{path}?done={done}", self.app.urls.path(Route::Admin)))
    }
}

/// What pages say was done: from a fixed list, never from the query itself.
fn done(what: &str) -> Option<&'static str> {
    Some(match what {
        "saved" => "Saved.",
        "disabled" => "Disabled. What it had does not work any more, anywhere.",
        "enabled" => "Enabled. What was revoked stays revoked.",
        "deleted" => "Deleted.",
        "secret" => "The secret is changed.",
        "key-added" => "Added. It counts from now on.",
        "key" => "The key is changed.",
        "detail" => "Saved. Clients that are registered for it can ask for it.",
        "scope" => "The scope is there.",
        "person" => "The person can sign in now.",
        "signed-out" => "Signed out everywhere, and every token revoked.",
        "factor" => "The authenticator app is taken away.",
        "passkeys" => "The passkeys are taken away.",
        "revoked" => "Revoked, everywhere.",
        "issuer" => "Its assertions are believed.",
        "distrusted" => {
            "Its assertions are believed no more. Tokens that it brought stay good until they expire or are revoked."
        }
        "twice" => {
            "That was sent twice, and done once. A secret is shown the first time only: make another one if you missed it."
        }
        "registration-revoked" => "It registers nobody any more. The clients that were registered with it stay.",
        "rotated" => "The next key is on its way.",
        _ => return None,
    })
}

/// What a form shows if the layer below refused; what is no fault of the form is a page of its own.
fn remark(error: AdminError) -> Result<String, Trouble> {
    match error {
        AdminError::Store(error) => Err(error.into()),
        AdminError::Key(error) => Err(error.into()),
        AdminError::Password(_) => Err(Trouble::Unavailable),
        AdminError::NotFound(_) => Err(Trouble::NotFound),
        AdminError::Changed => {
            Ok("Somebody else changed this in the meantime. Look at it as it is now, and try again.".to_owned())
        }
        AdminError::Invalid { field, problem } => Ok(format!("{}: {problem}.", field_name(field))),
        other => Ok(sentence(&other.to_string())),
    }
}

/// The same, and at which field of the form it is.
fn problem(error: AdminError) -> Result<Problem, Trouble> {
    let field = match &error {
        AdminError::Invalid { field: "options", problem } => {
            // What is wrong with an option begins with its name, where it has a field of its own.
            problem.split_once(": ").map_or("", |(name, _)| name).to_owned()
        }
        AdminError::Invalid { field, .. } => (*field).to_owned(),
        AdminError::Exists("client") => "client_id".to_owned(),
        AdminError::Exists("user") => "username".to_owned(),
        AdminError::Exists("scope" | "authorization type") => "name".to_owned(),
        AdminError::Exists("issuer") => "issuer".to_owned(),
        _ => String::new(),
    };
    Ok(Problem { field, text: remark(error)? })
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

fn field_name(field: &str) -> &str {
    match field {
        "client_id" => "Client ID",
        "name" => "Name",
        "redirect_uris" => "Redirect URIs",
        "grant_types" => "Grants",
        "auth_method" => "Authentication",
        "scope" => "Scopes",
        "default_scope" => "Default scopes",
        "audience" => "Audience",
        "options" => "Options",
        "web_origins" => "Web origins",
        "fields" => "Fields",
        "title" => "Title",
        "description" => "Description",
        "username" => "Username",
        "password" => "Password",
        "label" => "Label",
        "issuer" => "Issuer",
        "note" => "What it is for",
        "uses" => "How many clients",
        "jti" => "jti",
        "token" => "Token",
        "keys" => "Keys",
        "clients" => "Clients",
        other => other,
    }
}

impl From<AdminError> for Trouble {
    fn from(error: AdminError) -> Self {
        match remark(error) {
            Err(trouble) => trouble,
            Ok(_) => Self::NotFound,
        }
    }
}
