//! `authorization_details` in requests, RFC 9396.

use crate::authorization_details::{AuthorizationDetails, DetailsError};
use crate::http::{App, Params};
use crate::model::Client;
use crate::storage::StoreError;

/// Why details could not be granted.
#[derive(Debug, thiserror::Error)]
pub enum DetailsRefused {
    /// `invalid_authorization_details`.
    #[error(transparent)]
    Invalid(#[from] DetailsError),
    /// The registered types could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a request asks for, if the client may.
///
/// # Errors
/// [`DetailsRefused`]
pub(crate) async fn asked(app: &App, client: &Client, params: &Params) -> Result<AuthorizationDetails, DetailsRefused> {
    let Some(text) = params.get("authorization_details") else { return Ok(AuthorizationDetails::default()) };
    let types = app.store.authorization_types().await?;
    Ok(AuthorizationDetails::parse(text, &types, &client.options.authorization_details_types)?)
}

/// What a token request gets of what was granted (RFC 9396 §6): all, or what it names.
///
/// # Errors
/// [`DetailsRefused::Invalid`]
pub(super) fn narrowed(
    params: &Params,
    granted: &AuthorizationDetails,
) -> Result<AuthorizationDetails, DetailsRefused> {
    match params.get("authorization_details") {
        Some(text) => Ok(granted.narrowed(text)?),
        None => Ok(granted.clone()),
    }
}
