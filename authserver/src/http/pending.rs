//! An authorization request on its way through sign-in and consent: it travels in the links and forms themselves,
//! sealed, so that tabs do not disturb each other and nobody can change where it ends.

use super::App;
use crate::keys::KeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};

/// How long a page waits for the person before it says that it expired, in seconds.
const FRESH: i64 = 30 * 60;
/// After this long it is not worth going on with, in seconds.
const KEPT: i64 = 24 * 60 * 60;
const PURPOSE: &str = "pending authorization request";
/// The name of the parameter that carries it.
pub(super) const CONTINUE: &str = "continue";

/// A validated authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) client_id: String,
    /// Where the answer goes; matched against the registration.
    pub(super) redirect_uri: String,
    /// Whether the request named it, so that redeeming the code must repeat it (RFC 6749 §4.1.3).
    pub(super) redirect_uri_named: bool,
    pub(super) state: Option<String>,
    /// What may be granted of what was asked.
    pub(super) scope: ScopeSet,
    pub(super) code_challenge: Option<String>,
    /// The person must sign in (again) first: `prompt=login`, until they have.
    pub(super) sign_in: bool,
    /// The person must be asked, whatever they agreed to before: `prompt=consent`.
    pub(super) ask: bool,
    /// When the page was made.
    pub(super) at: i64,
}

/// A sealed request that came back.
pub(super) struct Opened {
    pub(super) pending: Pending,
    /// The page waited too long.
    pub(super) expired: bool,
}

impl Pending {
    /// The sealed form, in characters that need no escaping in a URL.
    pub(super) fn seal(&self, app: &App) -> Result<String, KeyError> {
        let plain = serde_json::to_vec(self).map_err(|_| KeyError::Crypto("a request could not be written"))?;
        Ok(URL_SAFE_NO_PAD.encode(app.sealer.seal(PURPOSE, &[], &plain)?))
    }

    /// The same request with the page's clock started again.
    pub(super) fn renewed(self, now: i64) -> Self {
        Self { at: now, ..self }
    }
}

impl Opened {
    /// Opens what [`Pending::seal`] gave; `None` for anything else, and for what is a day old.
    pub(super) fn open(app: &App, sealed: &str) -> Option<Self> {
        let plain = app.sealer.open(PURPOSE, &[], &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        let pending: Pending = serde_json::from_slice(&plain).ok()?;
        let age = app.env.clock.now().saturating_sub(pending.at);
        (age < KEPT).then_some(Self { pending, expired: age >= FRESH })
    }
}
