//! The scopes that clients can ask for, and the words people see.

use super::{Admin, AdminError, NOTHING, Result, SCOPE, client_rules, invalid};
use crate::model::{Scope, Versioned};
use bearward_token::scope::is_scope_token;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A scope as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeSpec {
    /// The scope token (RFC 6749 section 3.3).
    pub name: String,
    /// A short title: "Read your orders".
    pub title: String,
    /// One sentence more.
    #[serde(default)]
    pub description: String,
}

/// A scope as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScopeView {
    /// The scope token.
    pub name: String,
    /// A short title.
    pub title: String,
    /// One sentence more.
    pub description: String,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

impl ScopeView {
    fn of(scope: &Versioned<Scope>) -> Self {
        let Scope { name, title, description } = scope.value.clone();
        Self { name, title, description, version: scope.version }
    }
}

impl Admin<'_> {
    /// All scopes, in order of name.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn scopes(&self) -> Result<Vec<Scope>> {
        Ok(self.store.scopes().await?)
    }

    /// One scope.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn scope(&self, name: &str) -> Result<ScopeView> {
        let stored = self.store.versioned_scope(name).await?.ok_or(AdminError::NotFound("scope"))?;
        Ok(ScopeView::of(&stored))
    }

    /// Adds a scope.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::Exists`].
    pub async fn create_scope(&self, spec: ScopeSpec) -> Result<ScopeView> {
        let scope = Versioned::new(check_scope(spec)?, &*self.env.random);
        let view = ScopeView::of(&scope);
        let change = self.change("scope.create", "scope", &view.name, NOTHING, Some(&view));
        match self.store.add_scope(&scope, &change).await? {
            true => Ok(view),
            false => Err(AdminError::Exists("scope")),
        }
    }

    /// Changes a scope's words, if it is still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn edit_scope(&self, version: i64, spec: ScopeSpec) -> Result<ScopeView> {
        let before = self.scope(&spec.name).await?;
        if before.version != version {
            return Err(AdminError::Changed);
        }
        let scope = Versioned { value: check_scope(spec)?, version: version.saturating_add(1) };
        let after = ScopeView::of(&scope);
        let change = self.change("scope.edit", "scope", &after.name, Some(&before), Some(&after));
        match self.store.edit_scope(&scope.value, version, &change).await? {
            true => Ok(after),
            false => Err(AdminError::Changed),
        }
    }

    /// Adds a scope or changes its words, whatever it was before.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn put_scope(&self, spec: ScopeSpec) -> Result<ScopeView> {
        match self.scope(&spec.name).await {
            Ok(before) => self.edit_scope(before.version, spec).await,
            Err(AdminError::NotFound(_)) => self.create_scope(spec).await,
            Err(other) => Err(other),
        }
    }

    /// Deletes a scope, if it is still at this version. Tokens that have it keep it until they expire.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_scope(&self, name: &str, version: i64) -> Result<()> {
        let before = self.scope(name).await?;
        if name == SCOPE {
            return Err(AdminError::Refused("the scope admin stays: it opens this interface"));
        }
        if before.version != version {
            return Err(AdminError::Changed);
        }
        let change = self.change("scope.delete", "scope", name, Some(&before), NOTHING);
        match self.store.delete_scope(name, version, &change).await? {
            true => Ok(()),
            false => Err(AdminError::Changed),
        }
    }
}

/// The scope that is asked for.
///
/// # Errors
/// [`AdminError::Invalid`].
pub fn check_scope(spec: ScopeSpec) -> Result<Scope> {
    let ScopeSpec { name, title, description } = spec;
    if !is_scope_token(&name) || name.len() > 128 {
        return invalid(
            "name",
            "1 to 128 printable ASCII characters without space, double quote and backslash (RFC 6749 section 3.3)",
        );
    }
    client_rules::name("title", &title)?;
    if description.len() > 1000 || description.contains(char::is_control) {
        return invalid("description", "at most 1000 bytes, without control characters");
    }
    Ok(Scope { name, title, description })
}
