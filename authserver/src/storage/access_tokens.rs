//! Opaque access tokens.

use super::Result;
use crate::model::Digest;
use async_trait::async_trait;

/// What opaque access tokens stand for.
#[async_trait]
pub trait AccessTokens {
    /// Stores what a token stands for: the claims that a JWT would carry, as JSON, until `expires_at`.
    async fn put_access_token(&self, token: &Digest, payload: &[u8], expires_at: i64) -> Result<()>;
    /// What a token stands for, if it has not expired at `now`. Whether it was revoked is told by `Store::revocations`.
    async fn access_token(&self, token: &Digest, now: i64) -> Result<Option<Vec<u8>>>;
}
