//! Grants and tokens: looked for, and revoked.

use super::{Admin, AdminError, NOTHING, Page, Result, invalid};
use crate::model::{GrantEntry, GrantFilter, Revocation};
use bearward_token::feed::Subject;
use serde::Serialize;
use utoipa::ToSchema;

/// A grant as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GrantView {
    /// The `gid` of its access tokens.
    pub id: String,
    /// To whom.
    pub client_id: String,
    /// The client's name.
    pub client_name: String,
    /// By whom: the `sub`.
    pub person_id: String,
    /// Their username.
    pub username: String,
    /// The widest scope its tokens can have.
    pub scope: String,
    /// When it was made, Unix time in seconds.
    pub created_at: i64,
    /// When it was revoked; null if it was not.
    pub revoked_at: Option<i64>,
}

impl From<GrantEntry> for GrantView {
    fn from(entry: GrantEntry) -> Self {
        let GrantEntry { grant, client_name, username } = entry;
        Self {
            id: grant.id,
            client_id: grant.client_id,
            client_name,
            person_id: grant.person_id,
            username,
            scope: grant.scope.to_string(),
            created_at: grant.created_at,
            revoked_at: grant.revoked_at,
        }
    }
}

impl Admin<'_> {
    /// A page of grants, the newest first.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a cursor that is none.
    pub async fn grants(&self, filter: &GrantFilter, after: Option<&str>, limit: u32) -> Result<Page<GrantView>> {
        let bad = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\0'));
        if bad(&filter.client_id) || bad(&filter.person_id) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let before = match after {
            None => (i64::MAX, ""),
            Some(cursor) => match cursor.split_once('.').map(|(at, id)| (at.parse(), id)) {
                Some((Ok(at), id)) if !id.contains('\0') => (at, id),
                _ => return invalid("after", "is no cursor of this list"),
            },
        };
        let found = self.store.find_grants(filter, before, limit.saturating_add(1)).await?;
        let cursor = |grant: &GrantView| format!("{}.{}", grant.created_at, grant.id);
        Ok(Page::new(found.into_iter().map(GrantView::from).collect(), limit, cursor))
    }

    /// Revokes a grant: no token that came from it works any more, anywhere.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn revoke_grant(&self, id: &str) -> Result<()> {
        let grant = self.store.grant(id).await?.ok_or(AdminError::NotFound("grant"))?;
        if grant.revoked_at.is_some() {
            return Ok(());
        }
        let about = serde_json::json!({
            "client_id": grant.client_id, "person_id": grant.person_id, "scope": grant.scope.to_string(),
        });
        let change = self.change("grant.revoke", "grant", id, Some(&about), NOTHING);
        let revocation = Revocation::always(Subject::Grant(id), self.now(), self.revoked_until(self.now()));
        Ok(self.store.end_grants(&[(id.to_owned(), revocation)], &change).await?)
    }

    /// Revokes one access token by its `jti`, whether or not it was ever issued.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn revoke_token(&self, jti: &str) -> Result<()> {
        if jti.is_empty() || jti.len() > 256 || jti.contains(char::is_control) {
            return invalid("jti", "1 to 256 bytes, without control characters");
        }
        let change = self.change("token.revoke", "token", jti, NOTHING, NOTHING);
        let revocation = Revocation::always(Subject::Token(jti), self.now(), self.revoked_until(self.now()));
        Ok(self.store.revoke_audited(&revocation, &change).await?)
    }
}
