//! `GET` and `POST /oauth2/authorize`, RFC 6749 §3.1.

use super::authorization_request::{Checked, Problem, check};
use super::flow::{self, Step};
use super::params::{Form, Params, ParamsError};
use super::{App, answer, cookies};
use crate::pages::Trouble;
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
        let params = params.map_err(|error| Problem::Page(error.into()))?;
        next(app, headers, check(app, &params).await?).await
    };
    match answered.await {
        Ok(response) => response,
        Err(Problem::Page(trouble)) => trouble.page(app),
        Err(Problem::Client { pending, error, description }) => {
            answer::error_to_client(app, &pending, error, description)
        }
    }
}

async fn next(app: &App, headers: &HeaderMap, Checked { pending, silent }: Checked) -> Result<Response, Problem> {
    let signed_in = cookies::signed_in(app, headers).await.map_err(Trouble::from)?;
    let step = flow::step(app, signed_in.as_ref(), &pending).await?;
    let silenced = |error, description| Problem::Client { pending: Box::new(pending.clone()), error, description };
    match step {
        Step::Login if silent => Err(silenced("login_required", "the person is not signed in")),
        Step::Ask(_) if silent => Err(silenced("consent_required", "the person has to agree first")),
        Step::Login => Ok(flow::to_login(app, &pending)?),
        Step::Ask(_) => Ok(flow::to_consent(app, &pending)?),
        Step::Grant(signed_in) => Ok(flow::grant(app, signed_in, &pending).await?),
    }
}
