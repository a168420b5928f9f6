//! The types of authorization details that clients can ask for (RFC 9396).

use super::{Admin, Result, invalid};
use crate::model::AuthorizationType;

impl Admin<'_> {
    /// Adds a type, or changes it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`](super::AdminError::Invalid).
    pub async fn put_authorization_type(&self, kind: &AuthorizationType) -> Result<()> {
        if kind.name.is_empty() || kind.title.is_empty() {
            return invalid("name", "a type has a name and a title");
        }
        let types = self.store.authorization_types().await?;
        let before = types.iter().find(|known| known.name == kind.name);
        let change = self.change("authorization_type.put", "authorization_type", &kind.name, before, Some(kind));
        Ok(self.store.put_authorization_type(kind, &change).await?)
    }
}
