//! What may be used once, across replicas: assertions (RFC 7523 §3, `jti`), proofs.

use super::Result;
use crate::model::Digest;
use async_trait::async_trait;

/// Names that are remembered until what they name has expired.
#[async_trait]
pub trait UsedOnce {
    /// Takes a name (as its digest) until `expires_at`. True for exactly one caller ever until then.
    async fn use_once(&self, name: &Digest, expires_at: i64) -> Result<bool>;
}
