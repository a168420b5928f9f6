//! Keys by URL (`jwks_uri`): fetched with bounds, kept for a while, fetched again when a signature names a new key.

use super::destinations::{Lookup, Resolver, SystemLookup};
use super::key_set::MAX_SET;
use super::{Destinations, Jwt, JwtError, KeySet, KeySetError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use url::{Host, Url};

/// How long keys are used before they are fetched anew, in seconds.
const FRESH: i64 = 600;
/// How long they are used beyond that while their URL does not answer, in seconds.
const STALE: i64 = 86_400;
/// The least time between two fetches of one URL, in seconds, whatever is asked for: nobody can make this server
/// knock at another's door with made-up key names.
const PAUSE: i64 = 30;
/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most URLs remembered.
const CAPACITY: usize = 4096;

/// Key sets by URL, kept in memory.
pub struct RemoteKeys {
    destinations: Destinations,
    lookup: Arc<dyn Lookup>,
    /// For `https`, and for `http`, which goes to fewer addresses.
    clients: [OnceCell<reqwest::Client>; 2],
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

/// What is known of one URL. Its lock is held while it is fetched, so that many requests make one fetch.
#[derive(Default)]
struct Known {
    keys: Option<(Arc<KeySet>, i64)>,
    tried_at: Option<i64>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Neither `https`, nor `http` in a network that is named for it; or with a user name or a fragment.
    #[error("not an https URL (http only in assertions.jwks_networks), without user name and fragment")]
    Url,
    /// The host's address is one that only this server might reach.
    #[error(
        "the host's address is not public; if it is to be reached all the same, name it in assertions.jwks_networks"
    )]
    Address,
    /// The URL does not answer with 200, in time, in 256 KiB; redirects are not followed. The text is for the log.
    #[error("the keys could not be fetched: {0}")]
    Fetch(String),
    /// It answers with something else than keys.
    #[error(transparent)]
    Keys(#[from] KeySetError),
    /// They are there, and did not sign.
    #[error(transparent)]
    Jwt(#[from] JwtError),
}

impl RemoteKeys {
    /// Fetches from where it may.
    #[must_use]
    pub fn new(destinations: Destinations) -> Self {
        Self::with(destinations, Arc::new(SystemLookup))
    }

    pub(super) fn with(destinations: Destinations, lookup: Arc<dyn Lookup>) -> Self {
        Self { destinations, lookup, clients: Default::default(), known: Mutex::default() }
    }

    /// Whether keys may be fetched from a URL, as far as can be said now. A host that cannot be looked up is no reason to
    /// refuse: it is looked up again for each fetch.
    ///
    /// # Errors
    /// [`FetchError::Url`], [`FetchError::Address`].
    pub async fn check(&self, url: &str) -> Result<(), FetchError> {
        let url = self.destinations.check(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let found = tokio::time::timeout(TIMEOUT, self.lookup.addresses(name.to_owned())).await;
        match found {
            Ok(Ok(ips)) if !self.destinations.permits_all(&ips, is_secure(&url)) => Err(FetchError::Address),
            _ => Ok(()),
        }
    }

    /// The payload (JSON) of a JWT that one of the keys at the URL signed. `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`FetchError`]
    pub async fn verify<'j>(&self, jwt: &'j Jwt<'_>, url: &str, now: i64) -> Result<&'j [u8], FetchError> {
        let (keys, read_at) = self.keys(url, now, FRESH).await?;
        match jwt.verify(&keys) {
            // A key that was published since: looked for once, and not too often.
            Err(JwtError::NoKey) if read_at < now => {
                let (keys, _) = self.keys(url, now, PAUSE).await?;
                Ok(jwt.verify(&keys)?)
            }
            result => Ok(result?),
        }
    }

    /// The keys at the URL and when they were fetched: less than `max_age` seconds ago, if the URL answers.
    async fn keys(&self, url: &str, now: i64, max_age: i64) -> Result<(Arc<KeySet>, i64), FetchError> {
        let url = self.destinations.check(url)?;
        let entry = self.entry(url.as_str());
        let mut known = entry.lock().await;
        let age = |since: i64| now.saturating_sub(since).max(0);
        if let Some((keys, at)) = &known.keys
            && age(*at) < max_age
        {
            return Ok((keys.clone(), *at));
        }
        let failed = if known.tried_at.is_some_and(|at| age(at) < PAUSE) {
            FetchError::Fetch("it failed a moment ago".to_owned())
        } else {
            known.tried_at = Some(now);
            match self.fetch(url).await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    known.keys = Some((keys.clone(), now));
                    return Ok((keys, now));
                }
                Err(error) => error,
            }
        };
        match &known.keys {
            Some((keys, at)) if age(*at) < STALE => {
                tracing::warn!(error = %failed, "keys of another party could not be fetched anew; those held stay in use");
                Ok((keys.clone(), *at))
            }
            _ => Err(failed),
        }
    }

    fn entry(&self, url: &str) -> Arc<tokio::sync::Mutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY && !known.contains_key(url) {
            known.clear();
        }
        known.entry(url.to_owned()).or_default().clone()
    }

    async fn fetch(&self, url: Url) -> Result<KeySet, FetchError> {
        // Why a fetch failed may quote the URL, which is no secret, and nothing of the answer.
        let failed = |error: reqwest::Error| FetchError::Fetch(error.to_string());
        let mut response = self.client(is_secure(&url)).await?.get(url).send().await.map_err(failed)?;
        if response.status() != http::StatusCode::OK {
            return Err(FetchError::Fetch(format!("status {}", response.status().as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_SET {
                return Err(KeySetError::TooLarge.into());
            }
        }
        Ok(KeySet::from_jwks(&body)?)
    }

    /// Made when it is first needed: it reads the machine's certificate authorities.
    async fn client(&self, secure: bool) -> Result<&reqwest::Client, FetchError> {
        let [https, http] = &self.clients;
        let build = || async {
            let resolver =
                Resolver { destinations: self.destinations.clone(), lookup: Arc::clone(&self.lookup), secure };
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
                .no_proxy()
                // A connection that is kept would be to an address that was checked long ago.
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(resolver))
                .build()
        };
        let client = if secure { https } else { http };
        client.get_or_try_init(build).await.map_err(|error| FetchError::Fetch(error.to_string()))
    }
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}
