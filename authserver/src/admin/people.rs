//! People who can sign in.

use super::{Admin, AdminError, DISABLE_MARGIN, NOTHING, Page, Result, invalid};
use crate::model::{Account, Person, Revocation, Role, Versioned};
use crate::passwords::Passwords;
use crate::secret::random_id;
use bearward_token::feed::Subject;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// The shortest password, in characters (NIST SP 800-63B section 5.1.1.2), and the longest, in bytes.
const SHORTEST: usize = 8;
const LONGEST: usize = 1024;

/// A person to add. It holds a password, so there is no `Debug`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// What they type to sign in; without regard to case.
    pub username: String,
    /// At least 8 characters.
    pub password: String,
    /// What they may do.
    #[serde(default)]
    pub role: Role,
}

/// What of a person can be changed; what is left out stays. It may hold a password, so there is no `Debug`.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersonEdit {
    /// What they type to sign in.
    pub username: Option<String>,
    /// A new password; every session of theirs ends.
    pub password: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// Disabling ends their sessions and revokes every token they gave.
    pub disabled: Option<bool>,
}

/// A person as an administrator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonView {
    /// The `sub` of their tokens.
    pub id: String,
    /// What they type to sign in.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have an authenticator app.
    pub totp: bool,
    /// How many passkeys they have.
    pub passkeys: i64,
    /// When they last chose a password, Unix time in seconds; null if not since they were added.
    pub password_at: Option<i64>,
    /// When they were disabled; null if they are not.
    pub disabled_at: Option<i64>,
    /// When they were added.
    pub created_at: i64,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

impl PersonView {
    /// What an administrator sees of an account.
    #[must_use]
    pub fn of(account: &Versioned<Account>) -> Self {
        let Account { person, role, password_at, totp, passkeys } = &account.value;
        Self {
            id: person.id.clone(),
            username: person.username.clone(),
            role: *role,
            totp: *totp,
            passkeys: *passkeys,
            password_at: *password_at,
            disabled_at: person.disabled_at,
            created_at: person.created_at,
            version: account.version,
        }
    }

    /// What they sign in with beside a password, in words: `app`, `2 passkeys`, `app, 1 passkey` or `–`.
    #[must_use]
    pub fn factors(&self) -> String {
        let passkeys = match self.passkeys {
            0 => None,
            1 => Some("1 passkey".to_owned()),
            many => Some(format!("{many} passkeys")),
        };
        let all: Vec<_> = self.totp.then(|| "app".to_owned()).into_iter().chain(passkeys).collect();
        if all.is_empty() { "–".to_owned() } else { all.join(", ") }
    }
}

impl Admin<'_> {
    /// A page of people in order of username; with a text, those whose username begins with it.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn people(&self, text: Option<&str>, after: Option<&str>, limit: u32) -> Result<Page<PersonView>> {
        let text = text.map(str::trim).filter(|text| !text.is_empty() && !text.contains('\0'));
        let after = after.unwrap_or_default().replace('\0', "");
        let found = self.store.find_accounts(text, &after, limit.saturating_add(1)).await?;
        Ok(Page::new(found.iter().map(PersonView::of).collect(), limit, |p| p.username.to_lowercase()))
    }

    /// One person.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn person(&self, id: &str) -> Result<PersonView> {
        Ok(PersonView::of(&self.stored_account(id).await?))
    }

    /// Adds a person.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_person(&self, new: NewPerson, passwords: &Passwords) -> Result<PersonView> {
        check_username(&new.username)?;
        let password = Zeroizing::new(new.password);
        check_password(&password)?;
        if self.store.person_by_username(&new.username).await?.is_some() {
            return Err(AdminError::Exists("user"));
        }
        let hash = passwords.hash(password).await?;
        self.add_account(new.username, hash, new.role, self.now()).await
    }

    /// Adds a person whose password was hashed elsewhere.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_account(&self, username: String, hash: String, role: Role, created_at: i64) -> Result<PersonView> {
        let id = random_id(&*self.env.random);
        let person = Person { id, username, password_hash: hash, disabled_at: None, created_at };
        let account = Account { person, role, password_at: None, totp: false, passkeys: 0 };
        self.add_whole_account(account).await
    }

    /// Adds a person with everything, as an import has it.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_whole_account(&self, account: Account) -> Result<PersonView> {
        check_username(&account.person.username)?;
        let account = Versioned::new(account, &*self.env.random);
        let view = PersonView::of(&account);
        let change = self.change("person.create", "person", &view.id, NOTHING, Some(&view));
        self.store.add_account(&account, &change).await?;
        Ok(view)
    }

    /// Changes a person, if they are still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn edit_person(
        &self,
        id: &str,
        version: i64,
        edit: PersonEdit,
        passwords: &Passwords,
    ) -> Result<PersonView> {
        let stored = self.stored_account(id).await?;
        if stored.version != version {
            return Err(AdminError::Changed);
        }
        let mut account = stored.value.clone();
        let mut ends = false;
        if let Some(username) = edit.username {
            check_username(&username)?;
            account.person.username = username;
        }
        if let Some(password) = edit.password.map(Zeroizing::new) {
            check_password(&password)?;
            account.person.password_hash = passwords.hash(password).await?;
            account.password_at = Some(self.now());
            ends = true;
        }
        account.role = edit.role.unwrap_or(account.role);
        if let Some(disabled) = edit.disabled.filter(|disabled| *disabled != account.person.disabled_at.is_some()) {
            account.person.disabled_at = disabled.then(|| self.now());
            ends |= disabled;
        }
        let was_admin = stored.value.role == Role::Admin && stored.value.person.disabled_at.is_none();
        let is_admin = account.role == Role::Admin && account.person.disabled_at.is_none();
        if was_admin && !is_admin {
            self.keep_an_admin(id).await?;
        }
        let revocation = ends.then(|| self.person_revocation(id));
        let account = Versioned { value: account, version: version.saturating_add(1) };
        let (before, after) = (PersonView::of(&stored), PersonView::of(&account));
        let change = self.change("person.edit", "person", id, Some(&before), Some(&after));
        match self.store.edit_account(&account.value, version, revocation.as_ref(), &change).await? {
            true => Ok(after),
            false => Err(self.why_not_edited(id, version, was_admin && !is_admin).await?),
        }
    }

    /// Deletes a person with everything they granted; if they are still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_person(&self, id: &str, version: i64) -> Result<()> {
        let stored = self.stored_account(id).await?;
        if stored.version != version {
            return Err(AdminError::Changed);
        }
        if stored.value.role == Role::Admin {
            self.keep_an_admin(id).await?;
        }
        let change = self.change("person.delete", "person", id, Some(&PersonView::of(&stored)), NOTHING);
        match self.store.delete_account(id, version, &self.person_revocation(id), &change).await? {
            true => Ok(()),
            false => Err(self.why_not_edited(id, version, stored.value.role == Role::Admin).await?),
        }
    }

    /// Ends every session of a person and revokes every token they gave.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn sign_out_everywhere(&self, id: &str) -> Result<()> {
        let stored = self.stored_account(id).await?;
        let change = self.change("person.sign_out", "person", id, NOTHING, NOTHING);
        let revocation = self.person_revocation(id);
        match self.store.edit_account(&stored.value, stored.version, Some(&revocation), &change).await? {
            true => Ok(()),
            false => Err(AdminError::Changed),
        }
    }

    /// Takes a person's authenticator app away, for somebody who lost it, and with the last factor their recovery codes.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn remove_factor(&self, id: &str) -> Result<()> {
        let change = self.change("person.totp.remove", "person", id, NOTHING, NOTHING);
        match self.store.remove_totp(id, &change).await? {
            true => Ok(()),
            false => Err(AdminError::NotFound("authenticator app")),
        }
    }

    /// Takes a person's passkeys away, for somebody who lost them, and with the last factor their recovery codes.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn remove_passkeys(&self, id: &str) -> Result<()> {
        let before = self.stored_account(id).await?.value.passkeys;
        let before = serde_json::json!({ "passkeys": before });
        let change = self.change("person.passkeys.remove", "person", id, Some(&before), NOTHING);
        match self.store.remove_passkeys(id, &change).await? {
            true => Ok(()),
            false => Err(AdminError::NotFound("passkey")),
        }
    }

    async fn stored_account(&self, id: &str) -> Result<Versioned<Account>> {
        self.store.account(id).await?.ok_or(AdminError::NotFound("person"))
    }

    async fn keep_an_admin(&self, id: &str) -> Result<()> {
        if self.store.has_admin(Some(id)).await? {
            return Ok(());
        }
        Err(AdminError::Refused("this is the last administrator; make somebody else one first"))
    }

    async fn why_not_edited(&self, id: &str, version: i64, ends_an_admin: bool) -> Result<AdminError> {
        if ends_an_admin {
            // Another one may have ended at the same moment.
            self.keep_an_admin(id).await?;
        }
        let unchanged = self.store.account(id).await?.is_some_and(|account| account.version == version);
        Ok(if unchanged { AdminError::Exists("user") } else { AdminError::Changed })
    }

    fn person_revocation(&self, id: &str) -> Revocation {
        let cutoff = self.now().saturating_add(DISABLE_MARGIN);
        Revocation::up_to(Subject::Person(id), cutoff, self.now(), self.revoked_until(cutoff))
    }
}

/// Checks a username.
///
/// # Errors
/// [`AdminError::Invalid`].
pub fn check_username(username: &str) -> Result<()> {
    if username.is_empty() || username.len() > 255 || username.trim() != username || username.contains(char::is_control)
    {
        return invalid("username", "1 to 255 bytes, without control characters or space around it");
    }
    Ok(())
}

/// Checks a password.
///
/// # Errors
/// [`AdminError::Invalid`].
pub fn check_password(password: &str) -> Result<()> {
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return invalid("password", format!("at least {SHORTEST} characters, and at most {LONGEST} bytes"));
    }
    Ok(())
}
