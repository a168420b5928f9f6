//! A refresh token's successor as it is stored: sealed under a key that only the spent token gives, so that whoever
//! reads the database holds nothing, and whoever repeats the request gets the answer they lost.

use super::GrantError;
use crate::http::App;
use crate::keys::KeyError;
use crate::sealing::Sealer;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

const PURPOSE: &str = "refresh token successor";

/// What the first request got.
pub(super) struct Successor<'a> {
    pub(super) token: &'a str,
    pub(super) scope: &'a ScopeSet,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
}

pub(super) fn seal(app: &App, spent_token: &str, successor: &Successor<'_>) -> Result<Vec<u8>, GrantError> {
    const FAILED: KeyError = KeyError::Crypto("a successor could not be sealed");
    let stored = Stored { token: successor.token.into(), scope: successor.scope.to_string().into() };
    let plain = Zeroizing::new(serde_json::to_vec(&stored).map_err(|_| FAILED)?);
    let sealer = Sealer::new(spent_token.as_bytes(), PURPOSE).map_err(|_| FAILED)?;
    Ok(sealer.seal(app.env.random.as_ref(), &plain).map_err(|_| FAILED)?)
}

/// The successor, if the request that made it asked for the same scope.
pub(super) fn open(spent_token: &str, sealed: &[u8], scope: &ScopeSet) -> Option<Zeroizing<String>> {
    let plain = Sealer::new(spent_token.as_bytes(), PURPOSE).ok()?.open(sealed)?;
    let stored: Stored<'_> = serde_json::from_slice(&plain).ok()?;
    (stored.scope == scope.to_string()).then(|| Zeroizing::new(stored.token.into_owned()))
}
