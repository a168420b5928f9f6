//! The types of authorization details that clients can ask for (RFC 9396).

use super::{Admin, AdminError, NOTHING, Result, client_rules, invalid};
use crate::model::AuthorizationType;

/// The longest name of a type or field, the longest description and the longest value, in bytes.
const MAX_NAME: usize = 128;
const MAX_TEXT: usize = 1000;
/// The most fields of a type, and values of a field.
const MOST: usize = 32;

impl Admin<'_> {
    /// All types, in order of name.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn authorization_types(&self) -> Result<Vec<AuthorizationType>> {
        Ok(self.store.authorization_types().await?)
    }

    /// Adds a type, or changes it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn put_authorization_type(&self, kind: &AuthorizationType) -> Result<()> {
        check(kind)?;
        let types = self.store.authorization_types().await?;
        let before = types.iter().find(|known| known.name == kind.name);
        let change = self.change("authorization_type.put", "authorization_type", &kind.name, before, Some(kind));
        Ok(self.store.put_authorization_type(kind, &change).await?)
    }

    /// Removes a type: nobody can ask for it any more; what was granted stays granted.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn delete_authorization_type(&self, name: &str) -> Result<()> {
        let types = self.store.authorization_types().await?;
        let before = types.iter().find(|known| known.name == name).ok_or(AdminError::NotFound("authorization type"))?;
        let change = self.change("authorization_type.delete", "authorization_type", name, Some(before), NOTHING);
        match self.store.delete_authorization_type(name, &change).await? {
            true => Ok(()),
            false => Err(AdminError::NotFound("authorization type")),
        }
    }
}

fn check(kind: &AuthorizationType) -> Result<()> {
    let name = |text: &str| !text.is_empty() && text.len() <= MAX_NAME && text.trim() == text && printable(text);
    if !name(&kind.name) {
        return invalid("name", format!("1 to {MAX_NAME} bytes, without control characters or space around it"));
    }
    client_rules::name("title", &kind.title)?;
    if kind.description.len() > MAX_TEXT || !printable(&kind.description) {
        return invalid("description", format!("at most {MAX_TEXT} bytes, without control characters"));
    }
    if kind.fields.len() > MOST {
        return invalid("fields", format!("at most {MOST} fields"));
    }
    for (field, about) in &kind.fields {
        if !name(field) || field == "type" {
            let problem =
                format!("a field’s name has 1 to {MAX_NAME} bytes; every type has “type”, so none is called that");
            return invalid("fields", problem);
        }
        client_rules::name("fields", &about.title)?;
        let value = |text: &String| !text.is_empty() && text.len() <= MAX_TEXT && printable(text);
        if about.values.len() > MOST || !about.values.iter().all(value) {
            return invalid("fields", format!("{field}: at most {MOST} values, each of 1 to {MAX_TEXT} bytes"));
        }
    }
    Ok(())
}

fn printable(text: &str) -> bool {
    !text.contains(char::is_control)
}
