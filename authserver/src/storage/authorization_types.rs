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
    /// Adds a type; false if there is one of this name. With its entry of the audit log.
    async fn add_authorization_type(&self, kind: &Versioned<AuthorizationType>, change: &Change) -> Result<bool>;
    /// Changes a type, if it is still at this version. With its entry of the audit log.
    async fn edit_authorization_type(&self, kind: &AuthorizationType, version: i64, change: &Change) -> Result<bool>;
    /// Removes a type, if it is still at this version. With its entry of the audit log.
    async fn delete_authorization_type(&self, name: &str, version: i64, change: &Change) -> Result<bool>;
}
