//! Resource owner password credentials, RFC 6749 §4.3. Off unless a client is registered for it: the client sees the
//! person's password.

use super::{Grant, GrantError, Request, TokenResponse, direct, scope};
use crate::http::address::Address;
use crate::http::sign_in;
use crate::http::throttle::Trier;
use crate::model::GrantType;
use async_trait::async_trait;

/// The `acr` of a sign-in by password alone.
const ACR: &str = "pwd";

pub(super) struct Password;

#[async_trait]
impl Grant for Password {
    fn grant_type(&self) -> GrantType {
        GrantType::Password
    }

    fn public_clients(&self) -> bool {
        true
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let (username, password) = (request.require("username")?.trim(), request.require("password")?);
        // What the client asks for is looked at first: a request that cannot succeed is no guess.
        let scope = scope::for_client(request.client, request.scope.as_ref())?;
        // Only an address that the gateway vouches for: the other is the client's own.
        let address = request.address.map(|ip| Address(Some(ip)));
        let trier = Trier { username, address, device: None };
        if let Some(retry_after) = trier.password(request.app).await? {
            tracing::warn!(client = %request.client.id, "too many passwords were tried");
            return Err(GrantError::TooMany { retry_after });
        }
        let person = sign_in(request.app, username, password).await?.ok_or(GrantError::Password)?;
        trier.right(request.app).await?;
        direct::issue(request, &person.id, ACR, scope).await
    }
}
