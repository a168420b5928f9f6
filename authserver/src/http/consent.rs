//! `GET` and `POST /consent`: the person is asked, if they have to be, and the client gets its answer.

use super::browser::Browser;
use super::cookies::SignedIn;
use super::flow::{self, Step};
use super::params::{LongForm, Params, ParamsError};
use super::pending::{CONTINUE, Opened, Pending};
use super::{App, Route, cookies, csrf, redirect_uri};
use crate::pages::{self, ConsentPage, Destination, Trouble};
use axum::extract::{Extension, State};
use axum::response::Response;
use bearward_token::scope::ScopeSet;
use http::{HeaderMap, StatusCode, Uri};
use std::sync::Arc;

/// A checkbox for each scope where a client lets people choose: this, then the scope.
const SCOPE_FIELD: &str = "scope ";

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        let params = Params::parse(uri.query().unwrap_or_default().as_bytes())?;
        let Opened { pending, .. } = flow::opened(&app, &params)?;
        let signed_in = cookies::signed_in(&app, &headers).await?;
        match flow::step(&app, signed_in.as_ref(), &pending).await? {
            Step::Login => flow::to_login(&app, &pending),
            Step::Ask(signed_in) => page(&app, (&browser, signed_in), pending, None).await,
            Step::Grant(signed_in) => flow::grant(&app, signed_in, &pending).await,
            Step::Unmet => Ok(flow::unmet(&app, &pending)),
        }
    };
    shown.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    Extension(browser): Extension<Browser>,
    headers: HeaderMap,
    form: Result<LongForm, ParamsError>,
) -> Response {
    let answered = async {
        let LongForm(params) = form?;
        decide(&app, &browser, &headers, &params).await
    };
    answered.await.unwrap_or_else(|trouble: Trouble| trouble.page(&app))
}

async fn decide(app: &App, browser: &Browser, headers: &HeaderMap, params: &Params) -> Result<Response, Trouble> {
    let Opened { pending, expired } = flow::opened(app, params)?;
    let signed_in = cookies::signed_in(app, headers).await?;
    let signed_in = match flow::step(app, signed_in.as_ref(), &pending).await? {
        Step::Login => return flow::to_login(app, &pending.renewed(app.env.clock.now())),
        Step::Unmet => return Ok(flow::unmet(app, &pending)),
        Step::Ask(signed_in) | Step::Grant(signed_in) => signed_in,
    };
    let sealed = params.get(CONTINUE).unwrap_or_default();
    let binding = csrf::Binding { person: Some(&signed_in.person.id), sealed };
    let there = (browser, signed_in);
    if expired || csrf::check(app, csrf::Purpose::Consent, browser, binding, params).is_none() {
        return page(app, there, pending, Some("This page had expired. Please look at it again.")).await;
    }
    match params.get("decision") {
        Some("allow") => match chosen(app, signed_in, &pending, params).await? {
            Some(pending) => flow::grant(app, signed_in, &pending).await,
            None => page(app, there, pending, Some("Choose at least one thing to allow, or don’t allow it.")).await,
        },
        Some("deny") => flow::deny(app, &pending).await,
        _ => page(app, there, pending, Some("Choose whether to allow this.")).await,
    }
}

/// The request with what the person chose of it, where the client lets them choose; `None` if that is nothing.
/// What they agreed to before they were not asked again, and it stays.
async fn chosen(
    app: &App,
    signed_in: &SignedIn,
    pending: &Pending,
    params: &Params,
) -> Result<Option<Pending>, Trouble> {
    let client = flow::client(app, pending).await?;
    if !client.options.partial_consent {
        return Ok(Some(pending.clone()));
    }
    let agreed = flow::agreed(app, signed_in, &client, pending).await?;
    let ticked = |scope: &&str| agreed.contains(scope) || params.get(&format!("{SCOPE_FIELD}{scope}")).is_some();
    let kept: Vec<&str> = pending.scope.iter().filter(ticked).collect();
    let Ok(scope) = ScopeSet::parse(&kept.join(" ")) else { return Err(Trouble::Broken) };
    // A request for no scope at all has nothing to choose from.
    let nothing = kept.is_empty() && !pending.scope.is_empty();
    Ok((!nothing).then(|| Pending { scope, ..pending.clone() }))
}

async fn page(
    app: &App,
    (browser, signed_in): (&Browser, &SignedIn),
    pending: Pending,
    notice: Option<&'static str>,
) -> Result<Response, Trouble> {
    let client = flow::client(app, &pending).await?;
    let words = app.store.scopes().await?;
    let types = app.store.authorization_types().await?;
    let agreed = flow::agreed(app, signed_in, &client, &pending).await?;
    let pending = pending.renewed(app.env.clock.now());
    let new = pending.scope.difference(&agreed);
    let sealed = pending.seal(app)?;
    let binding = csrf::Binding { person: Some(&signed_in.person.id), sealed: &sealed };
    let page = ConsentPage {
        frame: pages::Frame::of(app),
        action: app.urls.path(Route::Consent),
        login: app.urls.path(Route::Login),
        client_name: &client.name,
        username: &signed_in.person.username,
        scopes: pages::scopes(&new, &words),
        agreed: pages::scopes(&agreed, &words),
        partial: client.options.partial_consent,
        details: pages::details(&pending.authorization_details, &types),
        destination: Destination::of(&pending.redirect_uri, pending.device.as_deref()),
        csrf: csrf::token(app, csrf::Purpose::Consent, browser, binding)?,
        sealed,
        notice,
    };
    let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Ok(pages::html(status, &page, redirect_uri::csp_source(&pending.redirect_uri).as_deref()))
}
