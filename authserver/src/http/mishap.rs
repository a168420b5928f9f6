//! What no handler said, said to whoever asked: people get a page, programs of the admin API a problem, those of the protocol
//! the error they know.

use super::api::Problem;
use super::error::Refusal;
use super::{App, Route};
use crate::pages::Trouble;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE};
use std::sync::Arc;

/// What went wrong around a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// It took too long.
    Slow,
    /// It panicked.
    Panicked,
    /// There is none for this method.
    Method,
}

/// Who reads an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Person,
    Api,
    Protocol,
}

impl Mishap {
    /// For the protocol's endpoints; others are told in their own way by [`tell`].
    pub(super) fn answer(self) -> Response {
        let refusal = match self {
            Self::Slow => Refusal::new("temporarily_unavailable", "the server took too long; try again"),
            Self::Panicked | Self::Method => Refusal::server_error(),
        };
        let mut response = refusal.into_response();
        response.extensions_mut().insert(self);
        response
    }

    fn trouble(self) -> Trouble {
        match self {
            Self::Slow => Trouble::Slow,
            Self::Panicked => Trouble::Broken,
            Self::Method => Trouble::Method,
        }
    }

    fn problem(self) -> Problem {
        match self {
            Self::Slow => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The server took too long; try again."),
            Self::Panicked => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The server could not do this; its log says why.")
            }
            Self::Method => Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This path does not take this method."),
        }
    }
}

/// Words a mishap for whoever reads it.
pub(super) async fn tell(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let reader = reader(&app, request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let response = next.run(request).await;
    let unsaid = response.status() == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(CONTENT_TYPE);
    let mishap = response.extensions().get::<Mishap>().copied().or(unsaid.then_some(Mishap::Method));
    let Some(mishap) = mishap else { return response };
    let mut told = match reader {
        Reader::Person => mishap.trouble().page(&app),
        Reader::Api => mishap.problem().into_response(),
        Reader::Protocol => return response,
    };
    if let Some(allow) = response.headers().get(ALLOW) {
        told.headers_mut().insert(ALLOW, allow.clone());
    }
    told
}

fn reader(app: &App, matched: Option<&str>) -> Reader {
    let Some(matched) = matched else { return Reader::Protocol };
    let under = |route| {
        matched.strip_prefix(&app.urls.path(route)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let pages = [Route::Authorize, Route::Login, Route::Consent, Route::Account, Route::Device, Route::Admin];
    match () {
        () if under(Route::AdminApi) => Reader::Api,
        () if pages.into_iter().any(under) => Reader::Person,
        () => Reader::Protocol,
    }
}
