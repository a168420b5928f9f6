//! The registered types of `authorization_details`, RFC 9396.

use super::Result;
use crate::model::{AuthorizationType, Change};
use async_trait::async_trait;

/// The types of `authorization_details` that the server knows.
#[async_trait]
pub trait AuthorizationTypes {
    /// Adds a type or changes it, with its entry of the audit log.
    async fn put_authorization_type(&self, kind: &AuthorizationType, change: &Change) -> Result<()>;
    /// Removes a type; false if there was none.
    async fn delete_authorization_type(&self, name: &str, change: &Change) -> Result<bool>;
    /// All types, in order of name.
    async fn authorization_types(&self) -> Result<Vec<AuthorizationType>>;
}
