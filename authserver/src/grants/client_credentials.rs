//! The client credentials grant, RFC 6749 §4.4. It writes nothing.

use super::{Grant, GrantError, Request, TokenResponse, mint, scope};
use crate::model::GrantType;
use async_trait::async_trait;

pub(super) struct ClientCredentials;

#[async_trait]
impl Grant for ClientCredentials {
    fn grant_type(&self) -> GrantType {
        GrantType::ClientCredentials
    }

    fn public_clients(&self) -> bool {
        false
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let scope = scope::for_client(request.client, request.scope.as_ref())?;
        // RFC 6749 §4.4.3: no refresh token.
        mint::mint(request, None, &scope).await
    }
}
