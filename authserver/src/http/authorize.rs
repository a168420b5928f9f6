//! `GET` and `POST /oauth2/authorize`, RFC 6749 §3.1.

use super::authorization_request::{Problem, Via, check};
use super::flow::{self, Step};
use super::params::{Form, Params, ParamsError};
use super::pending::Pending;
use super::{App, answer, cookies, par};
use crate::model::Client;
use crate::pages::Trouble;
use crate::storage::StoreError;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use std::sync::Arc;

pub(super) async fn get(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let params = Params::parse(uri.query().unwrap_or_default().as_bytes());
    authorize(&app, &headers, params).await
}

pub(super) async fn post(State(app): State<Arc<App>>, headers: HeaderMap, form: Result<Form, ParamsError>) -> Response {
    authorize(&app, &headers, form.map(|Form(params)| params)).await
}

async fn authorize(app: &App, headers: &HeaderMap, params: Result<Params, ParamsError>) -> Response {
    let answered = async {
        let params = params?;
        let client = client(app, &params).await?;
        next(app, headers, request(app, &client, &params).await?).await
    };
    match answered.await {
        Ok(response) => response,
        Err(Problem::Page(trouble)) => trouble.page(app),
        Err(Problem::Client { pending, error, description }) => match is_trusted(app, headers, &pending).await {
            Ok(true) => answer::error_to_client(app, &pending, error, description),
            Ok(false) => Trouble::Request(description).page(app),
            Err(error) => Trouble::from(error).page(app),
        },
    }
}

/// Whether a mistake is told to the client before the person did anything. Where the operator registered it, yes. Whoever
/// registered itself could make a mistake on purpose, to have this server's name lead people to it (RFC 9700 §4.11.2): then
/// only for people who have signed in, or for silent requests, which this rule leaves out.
async fn is_trusted(app: &App, headers: &HeaderMap, pending: &Pending) -> Result<bool, StoreError> {
    Ok(pending.silent
        || app.store.registration(&pending.client_id).await?.is_none()
        || cookies::signed_in(app, headers).await?.is_some())
}

async fn client(app: &App, params: &Params) -> Result<Arc<Client>, Trouble> {
    let client_id = params.get("client_id").ok_or(Trouble::ClientMissing)?;
    let client = app.clients.get(app.store.as_ref(), &app.env, client_id).await?;
    client.filter(|c| c.disabled_at.is_none()).ok_or(Trouble::ClientUnknown)
}

/// The request that the parameters hold, or that was pushed before (RFC 9126 §4).
async fn request(app: &App, client: &Client, params: &Params) -> Result<Pending, Problem> {
    match params.get("request_uri") {
        Some(request_uri) => Ok(par::take(app, client, request_uri).await?),
        None => check(app, client, params, Via::Browser).await,
    }
}

async fn next(app: &App, headers: &HeaderMap, pending: Pending) -> Result<Response, Problem> {
    let signed_in = cookies::signed_in(app, headers).await?;
    let step = flow::step(app, signed_in.as_ref(), &pending).await?;
    let refused = |error, description| Problem::Client { pending: Box::new(pending.clone()), error, description };
    match step {
        Step::Login if pending.silent => Err(refused("login_required", "the person has to sign in")),
        Step::Ask(_) if pending.silent => Err(refused("consent_required", "the person has to agree first")),
        Step::Login => Ok(flow::to_login(app, &pending)?),
        Step::Ask(_) => Ok(flow::to_consent(app, &pending)?),
        Step::Grant(signed_in) => Ok(flow::grant(app, signed_in, &pending).await?),
        Step::Unmet => Ok(flow::unmet(app, &pending)),
    }
}
