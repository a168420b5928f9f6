//! A refresh token's successor as it is stored: sealed under a key that only the spent token gives, so that whoever
//! reads the database holds nothing, and whoever repeats the request gets the answer they lost.

use super::GrantError;
use crate::keys::{KeyError, open_under_token, seal_under_token};
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

pub(super) fn seal(spent_token: &str, successor: &Successor<'_>) -> Result<Vec<u8>, GrantError> {
    let stored = Stored { token: successor.token.into(), scope: successor.scope.to_string().into() };
    let plain = serde_json::to_vec(&stored).map_err(|_| KeyError::Crypto("a successor could not be written"))?;
    Ok(seal_under_token(spent_token, PURPOSE, &Zeroizing::new(plain))?)
}

/// The successor, if the request that made it asked for the same scope.
pub(super) fn open(spent_token: &str, sealed: &[u8], scope: &ScopeSet) -> Option<Zeroizing<String>> {
    let plain = open_under_token(spent_token, PURPOSE, sealed).ok()?;
    let stored: Stored<'_> = serde_json::from_slice(&plain).ok()?;
    (stored.scope == scope.to_string()).then(|| Zeroizing::new(stored.token.into_owned()))
}
