//! Who may register clients (RFC 7591 §3).

use super::{Admin, NOTHING, Result, invalid};
use crate::model::Digest;
use crate::secret::{INITIAL_ACCESS_TOKEN, generate};
use crate::storage::InitialAccessToken;
use bearward_token::scope::ScopeSet;
use serde::Serialize;
use zeroize::Zeroizing;

/// An initial access token, all but itself.
#[derive(Serialize)]
struct View<'a> {
    note: &'a str,
    scope: String,
    uses: u32,
    expires_at: i64,
}

impl Admin<'_> {
    /// Makes an initial access token for so many clients, which may have these scopes, good for so many seconds. It is
    /// given this once; and when it expires, Unix time in seconds.
    ///
    /// # Errors
    /// [`AdminError::Invalid`](super::AdminError::Invalid).
    pub async fn create_registration_token(
        &self,
        note: String,
        scopes: ScopeSet,
        uses: u32,
        seconds: i64,
    ) -> Result<(Zeroizing<String>, i64)> {
        let known = self.store.scopes().await?;
        if let Some(unknown) = scopes.iter().find(|name| !known.iter().any(|scope| scope.name == *name)) {
            let hint = format!("add it first: bearward scope set {unknown} --title \"What people see\"");
            return invalid("scope", format!("there is no scope {unknown}; {hint}"));
        }
        let created_at = self.now();
        let expires_at = created_at.saturating_add(seconds);
        let token = generate(&*self.env.random, INITIAL_ACCESS_TOKEN);
        let digest = Digest::of(&token);
        let view = View { note: &note, scope: scopes.to_string(), uses, expires_at };
        // Its digest names it and opens nothing.
        let change =
            self.change("registration_token.create", "registration_token", &digest.hex(), NOTHING, Some(&view));
        let stored = InitialAccessToken { note, scopes, uses_left: uses, expires_at, created_at };
        self.store.put_initial_access_token(&digest, &stored, &change).await?;
        Ok((token, expires_at))
    }
}
