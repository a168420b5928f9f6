//! How often passwords and codes may be tried, and requests stored by clients that prove nothing: for each account, for each network address, for each browser that has
//! signed in to the account before. Counted in the database, so by all replicas together, at the pages and at the grant that
//! takes passwords.
//!
//! Names that nobody has are counted like those that somebody has, so nothing shows who is known here. A browser that once
//! signed in to an account carries a cookie that says so and is counted on its own: whoever guesses from elsewhere uses up
//! the tries of strangers, not those of the person.

use super::App;
use super::address::Address;
use crate::grants::GrantError;
use crate::model::{Client, ClientAuthMethod, Digest};
use crate::storage::StoreError;

/// A bucket: how many at once, and how long one takes to come back, in milliseconds.
struct Bucket {
    burst: i64,
    every_ms: i64,
}

/// The time in which the tries that the configuration grants come back.
const WINDOW_MS: i64 = 900_000;

impl Bucket {
    /// Of as many tries as the configuration grants in a quarter of an hour.
    fn of(tries: u32) -> Self {
        let tries = i64::from(tries.max(1));
        Self { burst: tries, every_ms: WINDOW_MS / tries }
    }
}

/// One browser that knows it.
const KNOWN: Bucket = Bucket { burst: 10, every_ms: 10_000 };
/// The second factor of one account; guessing it takes the password first.
const CODES: Bucket = Bucket { burst: 5, every_ms: 30_000 };

/// The same in the long run: whoever has the password and guesses without a pause gets it right in one of ten years, not
/// within months.
const CODES_IN_ALL: Bucket = Bucket { burst: 50, every_ms: 900_000 };

/// Codes of devices: of 20^8, that is; by one who is known, and by all who are not, together.
const USER_CODES: u32 = 20;
const USER_CODES_OF_ALL: u32 = 1000;

/// Who tries.
pub(crate) struct Trier<'a> {
    pub(crate) username: &'a str,
    /// `None` where nobody knows: then only the account counts.
    pub(crate) address: Option<Address>,
    /// The digest of the browser's cookie, if it signed in to this account before.
    pub(crate) device: Option<&'a str>,
}

impl Trier<'_> {
    /// One more try of a password. `Some` seconds to wait if it is one too many.
    pub(crate) async fn password(&self, app: &App) -> Result<Option<i64>, StoreError> {
        if let Some(from) = self.address
            && let Some(wait) = address(app, from).await?
        {
            return Ok(Some(wait));
        }
        let bucket = if self.device.is_some() { KNOWN } else { Bucket::of(app.config.passwords.attempts_per_account) };
        take(app, &self.account(), &bucket).await
    }

    /// One more try of a code.
    pub(crate) async fn code(&self, app: &App) -> Result<Option<i64>, StoreError> {
        match take(app, &format!("code:{}", self.account()), &CODES).await? {
            Some(wait) => Ok(Some(wait)),
            None => take(app, &format!("codes:{}", self.account()), &CODES_IN_ALL).await,
        }
    }

    /// It was right: the tries before do not count any more.
    pub(crate) async fn right(&self, app: &App) -> Result<(), StoreError> {
        let key = self.account();
        app.store.refill(&format!("code:{key}")).await?;
        app.store.refill(&format!("codes:{key}")).await?;
        app.store.refill(&key).await
    }

    fn account(&self) -> String {
        let account = name_of(self.username);
        match self.device {
            Some(device) => format!("device:{account}:{device}"),
            None => format!("account:{account}"),
        }
    }
}

/// One more try from this address of what cannot be guessed, but costs work to check. `Some` seconds to wait if it is one
/// too many.
pub(super) async fn address(app: &App, address: Address) -> Result<Option<i64>, StoreError> {
    let bucket = Bucket::of(app.config.passwords.attempts_per_address);
    take(app, &format!("address:{}", address.network()), &bucket).await
}

/// One more try of a device's code (RFC 8628 §5.1), by a person, or from an address, or by somebody. `Some` seconds to
/// wait if it is one too many.
pub(super) async fn user_code(
    app: &App,
    person_id: Option<&str>,
    address: Option<Address>,
) -> Result<Option<i64>, StoreError> {
    match (person_id, address) {
        (Some(person), _) => take(app, &format!("user-code:person:{person}"), &Bucket::of(USER_CODES)).await,
        (None, Some(address)) => {
            take(app, &format!("user-code:address:{}", address.network()), &Bucket::of(USER_CODES)).await
        }
        (None, None) => take(app, "user-code:somebody", &Bucket::of(USER_CODES_OF_ALL)).await,
    }
}

/// One more request that is stored for later (RFC 8628 §3.1, RFC 9126 §2). Who proves nothing could otherwise fill the
/// database.
pub(super) async fn stored_request(app: &App, client: &Client, address: Address) -> Result<(), GrantError> {
    if client.auth_method != ClientAuthMethod::None {
        return Ok(());
    }
    let bucket = Bucket::of(app.config.authorization.stored_requests_per_address);
    match take(app, &format!("stored:{}", address.network()), &bucket).await? {
        None => Ok(()),
        Some(retry_after) => {
            tracing::warn!(client = %client.id, "too many requests to store from one address");
            Err(GrantError::TooMany { retry_after })
        }
    }
}

/// An account's name where it must not be readable.
pub(super) fn name_of(username: &str) -> String {
    Digest::of(&username.to_lowercase()).hex()
}

async fn take(app: &App, key: &str, bucket: &Bucket) -> Result<Option<i64>, StoreError> {
    let now = i64::try_from(app.env.clock.now_ms()).unwrap_or(i64::MAX);
    let burst = bucket.every_ms.saturating_mul(bucket.burst);
    let wait = app.store.take(key, now, bucket.every_ms, burst).await?;
    Ok(wait.map(|ms| ms.saturating_add(999) / 1000))
}
