//! The audit log.

use super::{Admin, NOTHING, Page, Result, invalid};
use crate::model::{AuditFilter, Recorded};

impl Admin<'_> {
    /// A page of the audit log, the newest first.
    ///
    /// # Errors
    /// [`AdminError::Invalid`](super::AdminError::Invalid) for a cursor that is none.
    pub async fn audit(&self, filter: &AuditFilter, after: Option<&str>, limit: u32) -> Result<Page<Recorded>> {
        let before = match after.map(str::parse) {
            None => i64::MAX,
            Some(Ok(before)) => before,
            Some(Err(_)) => return invalid("after", "is no cursor of this list"),
        };
        let found = self.store.audit(filter, before, limit.saturating_add(1)).await?;
        Ok(Page::new(found, limit, |entry| entry.id.to_string()))
    }

    /// Notes that everything was read at once, to be kept elsewhere: clients and people, with the digests of their secrets.
    ///
    /// # Errors
    /// [`AdminError::Store`](super::AdminError::Store).
    pub async fn exported(&self, clients: usize, people: usize) -> Result<()> {
        let after = serde_json::json!({ "clients": clients, "people": people });
        Ok(self.store.record(&self.change("registry.export", "registry", "all", NOTHING, Some(&after))).await?)
    }
}
