//! Where a person goes once they have signed in: on with an authorization request, or to a page of this server. It travels
//! sealed, so a link cannot lead anywhere else.

use super::App;
use super::flow;
use super::params::Params;
use super::pending::{CONTINUE, Opened, Pending};
use super::routes::Route;
use crate::keys::KeyError;
use crate::pages::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "page to go to";
/// As for pending requests: how long a page waits before it says that it expired, and how long it is worth going on with.
const FRESH: i64 = 30 * 60;
const KEPT: i64 = 24 * 60 * 60;

/// Where to.
pub(super) enum Goal {
    /// On with a client's request.
    Client(Box<Pending>),
    /// To a page of this server.
    Page(Place),
}

/// A page of this server, as its path and query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    path: String,
    at: i64,
}

impl Place {
    /// A path of this server that one of its own pages has.
    pub(super) fn new(app: &App, path: &str) -> Self {
        Self { path: path.to_owned(), at: app.env.now() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is in the console.
    pub(super) fn is_console(&self, app: &App) -> bool {
        self.path.starts_with(&app.urls.path(Route::Admin))
    }
}

impl Goal {
    /// The goal that a page was asked to go on with, and whether it waited too long.
    pub(super) fn opened(app: &App, params: &Params) -> Result<(Self, bool), Trouble> {
        let sealed = params.get(CONTINUE).ok_or(Trouble::NothingPending)?;
        if let Some(place) = open(app, sealed) {
            let age = app.env.now().saturating_sub(place.at);
            return if age < KEPT { Ok((Self::Page(place), age >= FRESH)) } else { Err(Trouble::NothingPending) };
        }
        let Opened { pending, expired } = flow::opened(app, params)?;
        Ok((Self::Client(Box::new(pending)), expired))
    }

    /// The same with the page's clock started again.
    pub(super) fn renewed(self, now: i64) -> Self {
        match self {
            Self::Client(pending) => Self::Client(Box::new(pending.renewed(now))),
            Self::Page(place) => Self::Page(Place { at: now, ..place }),
        }
    }

    /// The sealed form, in characters that need no escaping in a URL.
    pub(super) fn seal(&self, app: &App) -> Result<String, KeyError> {
        match self {
            Self::Client(pending) => pending.seal(app),
            Self::Page(place) => {
                let plain = serde_json::to_vec(place).map_err(|_| KeyError::Crypto("a page could not be written"))?;
                Ok(URL_SAFE_NO_PAD.encode(app.sealer.seal(PURPOSE, &[], &plain)?))
            }
        }
    }
}

/// The sign-in page that leads back to a path of this server.
pub(super) fn login_for(app: &App, path: &str) -> Result<String, KeyError> {
    let sealed = Goal::Page(Place::new(app, path)).seal(app)?;
    Ok(format!("{}?{CONTINUE}={sealed}", app.urls.path(Route::Login)))
}

fn open(app: &App, sealed: &str) -> Option<Place> {
    let plain = app.sealer.open(PURPOSE, &[], &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
    serde_json::from_slice(&plain).ok()
}
