//! Pushed authorization requests, RFC 9126.

use super::Result;
use crate::model::Digest;
use async_trait::async_trait;

/// Authorization requests that a client pushed and has not used yet.
#[async_trait]
pub trait PushedRequests {
    /// Stores a request (JSON) of a client until `expires_at`.
    async fn push_request(&self, reference: &Digest, client_id: &str, request: &str, expires_at: i64) -> Result<()>;
    /// Takes a request of this client that is good at `now`. Exactly one caller ever gets it.
    async fn take_pushed_request(&self, reference: &Digest, client_id: &str, now: i64) -> Result<Option<String>>;
}
