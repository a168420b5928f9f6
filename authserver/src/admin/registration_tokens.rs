//! Who may register clients (RFC 7591 §3).

use super::{Admin, AdminError, NOTHING, Result, client_rules, invalid};
use crate::model::Digest;
use crate::secret::{INITIAL_ACCESS_TOKEN, generate};
use crate::storage::InitialAccessToken;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest life of one, in seconds: ten years.
const LONGEST: i64 = 3650 * 86_400;
/// The most clients that one can register.
const MOST: u32 = 1_000_000;

/// An initial access token, all but itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegistrationTokenView {
    /// What names it: the beginning of its digest, which opens nothing.
    pub id: String,
    /// What it is for.
    pub note: String,
    /// The scopes that a client registered with it may have, separated by spaces.
    pub scope: String,
    /// How many clients it can still register.
    pub uses: u32,
    /// When it stops being good, Unix time in seconds.
    pub expires_at: i64,
    /// When it was made, Unix time in seconds.
    pub created_at: i64,
}

/// What an initial access token is to be good for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegistrationToken {
    /// What it is for; in the log when it is used.
    #[serde(default)]
    pub note: String,
    /// The scopes that a client registered with it may have, separated by spaces.
    #[serde(default)]
    pub scope: String,
    /// How many clients it can register: 1 to 1,000,000.
    pub uses: u32,
    /// For how many seconds it is good: up to ten years.
    pub expires_in: i64,
}

/// An initial access token, shown once.
#[derive(Serialize, ToSchema)]
pub struct ShownRegistrationToken {
    /// The token. Only its digest is stored.
    pub initial_access_token: String,
    /// What it is good for.
    #[serde(flatten)]
    pub token: RegistrationTokenView,
}

impl RegistrationTokenView {
    fn of((digest, token): &(Digest, InitialAccessToken)) -> Self {
        Self {
            id: digest.hex().chars().take(16).collect(),
            note: token.note.clone(),
            scope: token.scopes.to_string(),
            uses: token.uses_left,
            expires_at: token.expires_at,
            created_at: token.created_at,
        }
    }
}

impl Admin<'_> {
    /// Makes an initial access token.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn create_registration_token(&self, new: NewRegistrationToken) -> Result<ShownRegistrationToken> {
        let scopes = match ScopeSet::parse(&new.scope) {
            Ok(scopes) => scopes,
            Err(error) => return invalid("scope", error.to_string()),
        };
        let known = self.store.scopes().await?;
        if let Some(unknown) = scopes.iter().find(|name| !known.iter().any(|scope| scope.name == *name)) {
            return invalid("scope", format!("there is no scope {unknown}; add it first"));
        }
        if !new.note.is_empty() {
            client_rules::name("note", &new.note)?;
        }
        if !(1..=MOST).contains(&new.uses) {
            return invalid("uses", format!("1 to {MOST}"));
        }
        if !(1..=LONGEST).contains(&new.expires_in) {
            return invalid("expires_in", format!("1 to {LONGEST} seconds"));
        }
        let created_at = self.now();
        let expires_at = created_at.saturating_add(new.expires_in);
        let token = generate(&*self.env.random, INITIAL_ACCESS_TOKEN);
        let stored = InitialAccessToken { note: new.note, scopes, uses_left: new.uses, expires_at, created_at };
        let made = (Digest::of(&token), stored);
        let view = RegistrationTokenView::of(&made);
        let change = self.change("registration_token.create", "registration_token", &view.id, NOTHING, Some(&view));
        self.store.put_initial_access_token(&made.0, &made.1, &change).await?;
        Ok(ShownRegistrationToken { initial_access_token: token.to_string(), token: view })
    }

    /// The initial access tokens that can still register somebody, the first to expire first; at most a thousand.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn registration_tokens(&self) -> Result<Vec<RegistrationTokenView>> {
        let tokens = self.store.initial_access_tokens(self.now()).await?;
        Ok(tokens.iter().map(RegistrationTokenView::of).collect())
    }

    /// Takes an initial access token away. The clients that were registered with it stay.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn revoke_registration_token(&self, id: &str) -> Result<()> {
        let missing = || AdminError::NotFound("initial access token");
        let tokens = self.store.initial_access_tokens(self.now()).await?;
        let views = tokens.iter().map(|token| (token, RegistrationTokenView::of(token)));
        let ((digest, _), view) = views.into_iter().find(|(_, view)| view.id == id).ok_or_else(missing)?;
        let change = self.change("registration_token.revoke", "registration_token", id, Some(&view), NOTHING);
        match self.store.delete_initial_access_token(digest, &change).await? {
            true => Ok(()),
            false => Err(missing()),
        }
    }
}
