//! The operator's own claims of one grant: those registered for its kind, and those that its request brings.

use crate::custom_claims::CustomClaims;
use crate::http::Params;
use crate::model::{Client, ClientAuthMethod, GrantType};

/// The parameter of a request: a JSON object of names and values.
const PARAMETER: &str = "custom_claims";

/// Why a request's claims were refused; `invalid_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum ClaimsRefused {
    /// Whoever passed the request on could have changed them: a person their own tenant, for example.
    Unproven,
    /// A name that the client is not registered for.
    Name,
    /// Not a JSON object of names and values that claims can have, or too much.
    Malformed,
}

impl ClaimsRefused {
    /// For a developer; nothing of the request is in it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Unproven => {
                "custom_claims count only in a request that the client provably made: pushed, signed, or with its own proof"
            }
            Self::Name => "custom_claims name one that the client may not set",
            Self::Malformed => {
                "custom_claims are not a JSON object of texts, numbers, booleans and lists of texts, or are too large"
            }
        }
    }
}

/// What the tokens of a grant of this kind are to carry. `proven`: the request is the client's, and nobody changed it.
///
/// # Errors
/// [`ClaimsRefused`]
pub(crate) fn of_grant(
    client: &Client,
    grant_type: GrantType,
    params: &Params,
    proven: bool,
) -> Result<CustomClaims, ClaimsRefused> {
    let options = &client.options;
    let registered = options.grant_claims.get(&grant_type).cloned().unwrap_or_default();
    let Some(text) = params.get(PARAMETER) else { return Ok(registered) };
    let brought: CustomClaims = serde_json::from_str(text).map_err(|_| ClaimsRefused::Malformed)?;
    if !brought.names().all(|name| options.request_claims.iter().any(|allowed| allowed == name)) {
        return Err(ClaimsRefused::Name);
    }
    if !proven {
        return Err(ClaimsRefused::Unproven);
    }
    registered.or(&brought).map_err(|_| ClaimsRefused::Malformed)
}

/// Whether a request that comes from the client itself proves that it does.
pub(crate) fn proves_itself(client: &Client) -> bool {
    client.auth_method != ClientAuthMethod::None
}
