//! The registered types of `authorization_details`, RFC 9396.

use super::Result;
use crate::model::{AuthorizationType, Change, Versioned};
use async_trait::async_trait;

/// The types of `authorization_details` that the server knows.
#[async_trait]
pub trait AuthorizationTypes {
    /// All types, in order of name.
    async fn authorization_types(&self) -> Result<Vec<AuthorizationType>>;
    /// A type and its version.
    async fn versioned_authorization_type(&self, name: &str) -> Result<Option<Versioned<AuthorizationType>>>;
    /// Adds a type (no version), or changes it if it is still at this version; false if not. With its entry of the audit log.
    async fn save_authorization_type(
        &self,
        kind: &AuthorizationType,
        version: Option<i64>,
        change: &Change,
    ) -> Result<bool>;
    /// Removes a type, if it is still at this version. With its entry of the audit log.
    async fn delete_authorization_type(&self, name: &str, version: i64, change: &Change) -> Result<bool>;
}
