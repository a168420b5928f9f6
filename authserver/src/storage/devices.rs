//! Devices that wait for a person, RFC 8628.
//!
//! A device code that a person agreed to is also a code of a grant (`Store::authorize` under the device code's digest),
//! and is redeemed as one (`Store::redeem_code`): so it is agreed to once and redeemed once, whatever races.

use super::Result;
use crate::model::{AuthorizationCode, DeviceCode, Digest, NewRefreshToken, Polled};
use async_trait::async_trait;

/// Device codes, and grants that no page was shown for.
#[async_trait]
pub trait Devices {
    /// Stores a device code. [`super::StoreError::Exists`] if one of the two codes is taken.
    async fn create_device_code(&self, device: &DeviceCode) -> Result<()>;
    /// The device that showed a person this code, whether or not it is still waiting.
    async fn device_by_user_code(&self, user_code: &Digest) -> Result<Option<DeviceCode>>;
    /// The device's question; `None` if this client has no such code. A device that asks again before its interval is
    /// over has to wait five seconds longer from then on (RFC 8628 §3.5).
    async fn poll_device(&self, code: &Digest, client_id: &str, now: i64) -> Result<Option<Polled>>;
    /// The person says no; false if the code is not waiting any more.
    async fn deny_device(&self, code: &Digest, now: i64) -> Result<bool>;
    /// Stores a grant that came without a code or consent (a password), under a code that is spent and nobody has, with
    /// its refresh token if there is one. All in one step.
    async fn create_grant(
        &self,
        code: &Digest,
        authorization: &AuthorizationCode,
        refresh: Option<&NewRefreshToken>,
    ) -> Result<()>;
}
