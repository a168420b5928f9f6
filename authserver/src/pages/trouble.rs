//! When there is nobody but the person to tell: error pages, in plain words, with a reference that is also in the log.

use super::{Frame, html};
use crate::http::{App, ParamsError};
use crate::keys::KeyError;
use crate::storage::StoreError;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::fmt::Write as _;
use std::sync::Arc;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The authorization request does not say which client it is from.
    ClientMissing,
    /// It names a client that does not exist or is disabled.
    ClientUnknown,
    /// It asks for an answer at a URI that the client has not registered.
    RedirectUri,
    /// It leaves out `redirect_uri`, and the client registered none or several.
    RedirectUriMissing,
    /// It names a `request_uri` that this client did not push, that was used, or that expired (RFC 9126 §4).
    RequestUri,
    /// It is signed, and not by the client, or not for this server (RFC 9101 §6).
    RequestObject,
    /// What is wrong with it would be told to a client that is not trusted so far.
    Request(&'static str),
    /// Its parameters cannot be read.
    Malformed(ParamsError),
    /// A page of ours was opened on its own, too late, or from a changed link.
    NothingPending,
    /// A form was posted from another site.
    Foreign,
    /// The console, and a person who is no administrator.
    NotAdmin,
    /// There is no such page.
    NotFound,
    /// The page is there, and cannot be used like that.
    Method,
    /// The database does not answer.
    Unavailable,
    /// It took too long, and was given up.
    Slow,
    /// Something of ours broke.
    Broken,
}

struct Words {
    status: StatusCode,
    title: &'static str,
    text: &'static str,
    /// For whoever built the app, if it is theirs to mend.
    hint: Option<&'static str>,
}

impl Trouble {
    /// The page, and a line in the log with the same reference.
    #[must_use]
    pub fn page(self, app: &App) -> Response {
        let words = self.words();
        let reference = reference(app);
        tracing::info!(%reference, trouble = ?self, "showed an error page");
        let page = TroublePage { frame: Frame::of(app), words: &words, reference };
        html(words.status, &page, None)
    }

    fn words(self) -> Words {
        let app_is_wrong = |hint| Words {
            status: StatusCode::BAD_REQUEST,
            title: "That link does not work",
            text: "The app that sent you here made a mistake, so we stopped before anything was shared. Go back to the app and try again; if it happens again, tell the people who run it.",
            hint: Some(hint),
        };
        match self {
            Self::ClientMissing => app_is_wrong("client_id is missing from the authorization request."),
            Self::ClientUnknown => app_is_wrong("client_id names no client that is registered and enabled."),
            Self::RedirectUri => app_is_wrong(
                "redirect_uri is not one that the client has registered. It must be identical, character by character.",
            ),
            Self::RedirectUriMissing => {
                app_is_wrong("redirect_uri is missing, and the client has not registered exactly one.")
            }
            Self::RequestUri => app_is_wrong(
                "request_uri is not one that the client has pushed here, or it expired, or it was used before.",
            ),
            Self::RequestObject => app_is_wrong(
                "The request object is not signed by a key of the client, or not for this server, or it expired.",
            ),
            Self::Request(description) => app_is_wrong(description),
            Self::Malformed(ParamsError::Repeated) => app_is_wrong("A parameter is repeated."),
            Self::Malformed(ParamsError::TooLarge) => Words {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                title: "That is more than fits",
                text: "What was sent is longer than this page takes. Go back, make it shorter and send it again; nothing was changed.",
                hint: None,
            },
            Self::Malformed(_) => app_is_wrong("The parameters are not well-formed application/x-www-form-urlencoded."),
            Self::NothingPending => Words {
                status: StatusCode::BAD_REQUEST,
                title: "Start again from your app",
                text: "There is nothing to sign in to here any more: this page was opened on its own, or it waited too long. Go back to the app you want to use and sign in from there.",
                hint: None,
            },
            Self::Foreign => Words {
                status: StatusCode::FORBIDDEN,
                title: "This form came from somewhere else",
                text: "For your safety we only accept this form from our own page. Go back to the app you want to use and sign in from there.",
                hint: None,
            },
            Self::NotAdmin => Words {
                status: StatusCode::FORBIDDEN,
                title: "This is for administrators",
                text: "You are signed in, but you are not an administrator of this server. Ask one of them, or sign in as somebody else.",
                hint: None,
            },
            Self::NotFound => Words {
                status: StatusCode::NOT_FOUND,
                title: "There is no such page",
                text: "Check the address, or go back to the app you came from.",
                hint: None,
            },
            Self::Method => Words {
                status: StatusCode::METHOD_NOT_ALLOWED,
                title: "This page cannot be used like that",
                text: "It is there to be looked at. Open its address in your browser, or go back to the app you came from.",
                hint: None,
            },
            Self::Unavailable => Words {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "We will be right back",
                text: "We cannot reach our own data at the moment. Nothing was lost; please try again in a minute.",
                hint: None,
            },
            Self::Slow => Words {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "That took too long",
                text: "We gave up before we were done. If you were changing something, look first whether it was changed; then try again in a minute.",
                hint: None,
            },
            Self::Broken => Words {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                title: "Something broke on our side",
                text: "This is not your fault. Please try again; if it happens again, tell us the reference below.",
                hint: None,
            },
        }
    }
}

impl From<ParamsError> for Trouble {
    fn from(error: ParamsError) -> Self {
        Self::Malformed(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed a page");
        match error {
            StoreError::Database(_) => Self::Unavailable,
            StoreError::Exists(_) | StoreError::Migrate(_) | StoreError::Corrupt(_) => Self::Broken,
        }
    }
}

impl From<KeyError> for Trouble {
    fn from(error: KeyError) -> Self {
        tracing::error!(%error, "the keys failed a page");
        Self::Broken
    }
}

/// What every address that is none gets.
pub async fn not_found(State(app): State<Arc<App>>) -> Response {
    Trouble::NotFound.page(&app)
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    frame: Frame<'a>,
    words: &'a Words,
    reference: String,
}

/// Eight digits that a person can read out.
fn reference(app: &App) -> String {
    let mut bytes = [0; 4];
    app.env.random.fill(&mut bytes);
    let mut text = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        let _: std::fmt::Result = write!(text, "{}{byte:02X}", if i == 2 { "-" } else { "" });
    }
    text
}
