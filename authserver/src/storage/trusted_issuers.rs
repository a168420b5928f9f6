//! Whose assertions are believed (RFC 7521 §3, RFC 7523 §2.1).

use super::Result;
use crate::model::TrustedIssuer;
use async_trait::async_trait;

/// The registry of issuers.
#[async_trait]
pub trait TrustedIssuers {
    /// Registers an issuer, or changes one.
    async fn put_issuer(&self, issuer: &TrustedIssuer) -> Result<()>;
    /// One issuer, by its `iss`.
    async fn issuer(&self, issuer: &str) -> Result<Option<TrustedIssuer>>;
    /// All issuers, in order of their `iss`.
    async fn issuers(&self) -> Result<Vec<TrustedIssuer>>;
    /// Removes an issuer; false if there was none.
    async fn remove_issuer(&self, issuer: &str) -> Result<bool>;
}
