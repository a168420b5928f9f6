//! Whose assertions are believed (RFC 7521 §3, RFC 7523 §2.1).

use super::Result;
use crate::model::{Change, TrustedIssuer, Versioned};
use async_trait::async_trait;

/// The registry of issuers.
#[async_trait]
pub trait TrustedIssuers {
    /// Registers an issuer, or changes one.
    async fn put_issuer(&self, issuer: &TrustedIssuer) -> Result<()>;
    /// One issuer, by its `iss`.
    async fn issuer(&self, issuer: &str) -> Result<Option<TrustedIssuer>>;
    /// An issuer and its version.
    async fn versioned_issuer(&self, issuer: &str) -> Result<Option<Versioned<TrustedIssuer>>>;
    /// All issuers, in order of their `iss`.
    async fn issuers(&self) -> Result<Vec<Versioned<TrustedIssuer>>>;
    /// Registers an issuer; false if there is one of this name. With its entry of the audit log.
    async fn add_issuer(&self, issuer: &Versioned<TrustedIssuer>, change: &Change) -> Result<bool>;
    /// Changes what is believed of an issuer, if it is still at this version. With its entry of the audit log.
    async fn edit_issuer(&self, issuer: &TrustedIssuer, version: i64, change: &Change) -> Result<bool>;
    /// Removes an issuer, if it is still at this version. With its entry of the audit log.
    async fn delete_issuer(&self, issuer: &str, version: i64, change: &Change) -> Result<bool>;
}
