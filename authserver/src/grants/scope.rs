//! Scope policy, RFC 6749 §3.3: what a request asks for against what may be given.

use crate::http::Params;
use crate::model::Client;
use bearward_token::scope::ScopeSet;

/// Why a scope was refused: `invalid_scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeRefused {
    /// Not the syntax of RFC 6749 §3.3.
    #[error("{}", self.text())]
    Syntax,
    /// Nothing of what was asked may be granted.
    #[error("{}", self.text())]
    Nothing,
    /// None was asked for, and the client has no default.
    #[error("{}", self.text())]
    NoDefault,
}

impl ScopeRefused {
    /// The `error_description`.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Syntax => "scope is not well-formed",
            Self::Nothing => "none of the scopes asked for may be granted",
            Self::NoDefault => "no scope was asked for and the client has no default",
        }
    }
}

/// The `scope` parameter, if it is there.
///
/// # Errors
/// [`ScopeRefused::Syntax`]
pub(crate) fn asked(params: &Params) -> Result<Option<ScopeSet>, ScopeRefused> {
    params.get("scope").map(|s| ScopeSet::parse(s).map_err(|_| ScopeRefused::Syntax)).transpose()
}

/// What a client gets by its registration: of what it asked, what it may have; its default when it asked for nothing.
///
/// # Errors
/// [`ScopeRefused`] if that is nothing.
pub(crate) fn for_client(client: &Client, asked: Option<&ScopeSet>) -> Result<ScopeSet, ScopeRefused> {
    let Some(asked) = asked.filter(|set| !set.is_empty()) else {
        let default = client.default_scopes.intersection(&client.scopes);
        return if default.is_empty() { Err(ScopeRefused::NoDefault) } else { Ok(default) };
    };
    let granted = asked.intersection(&client.scopes);
    if granted.is_empty() { Err(ScopeRefused::Nothing) } else { Ok(granted) }
}

/// What a refresh request gets (RFC 6749 §6): at most what the person granted and the client may still have; a
/// request for more is refused, not trimmed.
///
/// # Errors
/// [`ScopeRefused`]
pub(crate) fn for_refresh(
    client: &Client,
    granted: &ScopeSet,
    asked: Option<&ScopeSet>,
) -> Result<ScopeSet, ScopeRefused> {
    let asked = asked.filter(|set| !set.is_empty()).unwrap_or(granted);
    if !asked.is_subset(granted) {
        return Err(ScopeRefused::Nothing);
    }
    let scope = asked.intersection(&client.scopes);
    if scope.is_empty() { Err(ScopeRefused::Nothing) } else { Ok(scope) }
}
