//! How often passwords and codes may be tried: for each account, for each network address, for each browser that has
//! signed in to the account before.
//!
//! Names that nobody has are counted like those that somebody has, so nothing shows who is known here. A browser that once
//! signed in to an account carries a cookie that says so and is counted on its own: whoever guesses from elsewhere uses up
//! the tries of strangers, not those of the person.

use super::App;
use super::address::Address;
use crate::model::Digest;
use crate::storage::StoreError;

/// A bucket: how many at once, and how long one takes to come back, in milliseconds.
struct Bucket {
    burst: i64,
    every_ms: i64,
}

/// Strangers to an account.
const STRANGERS: Bucket = Bucket { burst: 10, every_ms: 30_000 };
/// One browser that knows it.
const KNOWN: Bucket = Bucket { burst: 10, every_ms: 10_000 };
/// One network address, whatever the account: an office behind one address still gets in.
const ADDRESS: Bucket = Bucket { burst: 60, every_ms: 2_000 };
/// The second factor of one account; guessing it takes the password first.
const CODES: Bucket = Bucket { burst: 5, every_ms: 30_000 };

/// Who tries.
pub(super) struct Trier<'a> {
    pub(super) username: &'a str,
    pub(super) address: Address,
    /// The digest of the browser's cookie, if it signed in to this account before.
    pub(super) device: Option<&'a str>,
}

impl Trier<'_> {
    /// One more try of a password. `Some` seconds to wait if it is one too many.
    pub(super) async fn password(&self, app: &App) -> Result<Option<i64>, StoreError> {
        if let Some(wait) = address(app, self.address).await? {
            return Ok(Some(wait));
        }
        let (key, bucket) = self.account();
        take(app, &key, bucket).await
    }

    /// One more try of a code.
    pub(super) async fn code(&self, app: &App) -> Result<Option<i64>, StoreError> {
        take(app, &format!("code:{}", self.account().0), &CODES).await
    }

    /// It was right: the tries before do not count any more.
    pub(super) async fn right(&self, app: &App) -> Result<(), StoreError> {
        let (key, _) = self.account();
        app.store.refill(&format!("code:{key}")).await?;
        app.store.refill(&key).await
    }

    fn account(&self) -> (String, &'static Bucket) {
        let account = name_of(self.username);
        match self.device {
            Some(device) => (format!("device:{account}:{device}"), &KNOWN),
            None => (format!("account:{account}"), &STRANGERS),
        }
    }
}

/// One more try from this address of what cannot be guessed, but costs work to check. `Some` seconds to wait if it is one
/// too many.
pub(super) async fn address(app: &App, address: Address) -> Result<Option<i64>, StoreError> {
    take(app, &format!("address:{}", address.network()), &ADDRESS).await
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
