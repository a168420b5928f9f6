//! What is sealed under the master key, for when another takes over.

use super::Result;
use crate::model::Change;
use async_trait::async_trait;

/// What a sealed text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKind {
    /// The private half of a signing key, by its `kid`.
    SigningKey,
    /// The secret of a person's authenticator app, by their `sub`.
    Totp,
    /// The secret of a client that proves itself with an HMAC, by its id.
    ClientSecret,
    /// A constant, by its name.
    Constant,
}

/// Sealed texts, as they are stored.
#[async_trait]
pub trait SealedTexts {
    /// Those of a kind whose name comes after this one, by name, at most so many.
    async fn sealed_texts(&self, kind: SealedKind, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>>;
    /// Puts `new` in the place of `old`, perhaps with an entry of the audit log; false if it is not `old` any more.
    async fn replace_sealed(
        &self,
        kind: SealedKind,
        name: &str,
        old: &[u8],
        new: &[u8],
        change: Option<&Change>,
    ) -> Result<bool>;
}
