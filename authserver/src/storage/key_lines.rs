//! The end of a line of signing keys: its algorithm was taken out of the configuration.

use super::Result;
use async_trait::async_trait;

/// What happens to all keys of a line at once ([`crate::model::SigningKey::line`]).
#[async_trait]
pub trait KeyLines {
    /// Notes of the line's keys that nobody asks for them any more, since `now`; a note that is there stays.
    async fn end_key_line(&self, line: &str, now: i64) -> Result<()>;
    /// Takes the note back: somebody asks for them.
    async fn resume_key_line(&self, line: &str) -> Result<()>;
    /// Deletes the line's keys whose end was noted before that time. True if there were any.
    async fn delete_key_line(&self, line: &str, ended_before: i64) -> Result<bool>;
}
