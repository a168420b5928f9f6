//! The device grant's polls, RFC 8628 §3.4 and §3.5.

use super::{Grant, GrantError, Request, TokenResponse, authorization_code};
use crate::model::{Digest, GrantType};
use crate::secret;
use async_trait::async_trait;

pub(super) struct DeviceCode;

/// What a device is told while it gets no token, RFC 8628 §3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The person has not decided yet.
    #[error("the person has not decided yet")]
    AuthorizationPending,
    /// The same, and the device asks too often: from now on it waits five seconds longer between polls.
    #[error("the device asks too often; wait 5 seconds longer between polls from now on")]
    SlowDown,
    /// The person said no.
    #[error("the person did not agree")]
    AccessDenied,
    /// Nobody decided in time.
    #[error("the device code expired")]
    ExpiredToken,
}

impl DeviceError {
    /// `error` on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
        }
    }
}

#[async_trait]
impl Grant for DeviceCode {
    fn grant_type(&self) -> GrantType {
        GrantType::DeviceCode
    }

    fn public_clients(&self) -> bool {
        true
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let (app, now) = (request.app, request.now);
        let presented = request.require("device_code")?;
        if !secret::well_formed(secret::DEVICE_CODE, presented) {
            return Err(GrantError::InvalidGrant("not a device code of this server"));
        }
        let digest = Digest::of(presented);
        let polled = app.store.poll_device(&digest, &request.client.id, now).await?;
        let polled = polled.ok_or(GrantError::InvalidGrant("no such device code of this client"))?;
        if polled.denied {
            return Err(DeviceError::AccessDenied.into());
        }
        match app.store.code(&digest).await? {
            Some(code) if code.used_at.is_none() && code.expires_at <= now => Err(DeviceError::ExpiredToken.into()),
            Some(code) => authorization_code::redeem(request, &digest, &code).await,
            None if polled.expires_at <= now => Err(DeviceError::ExpiredToken.into()),
            None if polled.too_fast => Err(DeviceError::SlowDown.into()),
            None => Err(DeviceError::AuthorizationPending.into()),
        }
    }
}
