//! Resource owner password credentials, RFC 6749 §4.3. Off unless a client is registered for it: the client sees the
//! person's password.

use super::{Grant, GrantError, Request, TokenResponse, direct, scope};
use crate::http::sign_in;
use crate::limiter::TooMany;
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
        let account = username.to_lowercase();
        attempt(request, &account)?;
        let person = sign_in(request.app, username, password).await?.ok_or(GrantError::Password)?;
        request.app.limits.accounts.forget(&account);
        direct::issue(request, &person.id, ACR, scope).await
    }
}

/// Counts the attempt, whoever it is for and whether or not they exist.
fn attempt(request: &Request<'_>, account: &str) -> Result<(), GrantError> {
    let limits = &request.app.limits;
    let by_address = request.address.map_or(Ok(()), |ip| limits.addresses.attempt(&ip.to_string(), request.now));
    by_address.and_then(|()| limits.accounts.attempt(account, request.now)).map_err(|TooMany { retry_after }| {
        tracing::warn!(client = %request.client.id, "too many passwords were tried");
        GrantError::TooMany { retry_after }
    })
}
