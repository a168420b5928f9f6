//! The types of authorization details that clients can ask for (RFC 9396).

use super::{Admin, AdminError, NOTHING, Result, client_rules, invalid};
use crate::model::{AuthorizationField, AuthorizationType, Versioned};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What it is called where it is missing, or there already.
const KIND: &str = "authorization type";

/// The longest name of a type or field, the longest description and the longest value, in bytes.
const MAX_NAME: usize = 128;
const MAX_TEXT: usize = 1000;
/// The most fields of a type, and values of a field.
const MOST: usize = 32;

/// A type as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuthorizationTypeView {
    /// Its `type`.
    pub name: String,
    /// A short title: "Make a payment".
    pub title: String,
    /// One sentence more.
    pub description: String,
    /// The fields that it may have beside `type`.
    pub fields: BTreeMap<String, AuthorizationField>,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

impl AuthorizationTypeView {
    fn of(kind: Versioned<AuthorizationType>) -> Self {
        let Versioned { value: kind, version } = kind;
        let AuthorizationType { name, title, description, fields } = kind;
        Self { name, title, description, fields, version }
    }

    /// What it would be asked for with.
    #[must_use]
    pub fn spec(&self) -> AuthorizationType {
        let Self { name, title, description, fields, .. } = self.clone();
        AuthorizationType { name, title, description, fields }
    }
}

impl Admin<'_> {
    /// All types, in order of name.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn authorization_types(&self) -> Result<Vec<AuthorizationType>> {
        Ok(self.store.authorization_types().await?)
    }

    /// One type.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn authorization_type(&self, name: &str) -> Result<AuthorizationTypeView> {
        let found = self.store.versioned_authorization_type(name).await?.ok_or(AdminError::NotFound(KIND))?;
        Ok(AuthorizationTypeView::of(found))
    }

    /// Adds a type.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::Exists`].
    pub async fn create_authorization_type(&self, kind: &AuthorizationType) -> Result<AuthorizationTypeView> {
        check_authorization_type(kind)?;
        let kind = Versioned::new(kind.clone(), &*self.env.random);
        let after = AuthorizationTypeView::of(kind.clone());
        let change = self.change("authorization_type.create", "authorization_type", &after.name, NOTHING, Some(&after));
        match self.store.add_authorization_type(&kind, &change).await? {
            true => Ok(after),
            false => Err(AdminError::Exists(KIND)),
        }
    }

    /// Changes a type, if it is still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn edit_authorization_type(
        &self,
        version: i64,
        kind: &AuthorizationType,
    ) -> Result<AuthorizationTypeView> {
        let before = self.authorization_type_at(&kind.name, version).await?;
        check_authorization_type(kind)?;
        let after = AuthorizationTypeView::of(Versioned { value: kind.clone(), version: version.saturating_add(1) });
        let change =
            self.change("authorization_type.edit", "authorization_type", &kind.name, Some(&before), Some(&after));
        match self.store.edit_authorization_type(kind, version, &change).await? {
            true => Ok(after),
            false => Err(AdminError::Changed),
        }
    }

    /// Adds a type or changes it, whatever it was before.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn put_authorization_type(&self, kind: &AuthorizationType) -> Result<AuthorizationTypeView> {
        match self.authorization_type(&kind.name).await {
            Ok(before) => self.edit_authorization_type(before.version, kind).await,
            Err(AdminError::NotFound(_)) => self.create_authorization_type(kind).await,
            Err(other) => Err(other),
        }
    }

    /// Removes a type, if it is still at this version: nobody can ask for it any more; what was granted stays granted.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_authorization_type(&self, name: &str, version: i64) -> Result<()> {
        let before = self.authorization_type_at(name, version).await?;
        let change = self.change("authorization_type.delete", "authorization_type", name, Some(&before), NOTHING);
        match self.store.delete_authorization_type(name, version, &change).await? {
            true => Ok(()),
            false => Err(AdminError::Changed),
        }
    }

    async fn authorization_type_at(&self, name: &str, version: i64) -> Result<AuthorizationTypeView> {
        let found = self.authorization_type(name).await?;
        if found.version == version { Ok(found) } else { Err(AdminError::Changed) }
    }
}

/// Refuses a type that does not hold together.
///
/// # Errors
/// [`AdminError::Invalid`].
pub fn check_authorization_type(kind: &AuthorizationType) -> Result<()> {
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
