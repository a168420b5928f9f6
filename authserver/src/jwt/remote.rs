//! Keys by URL (`jwks_uri`): fetched with bounds, kept for a while, fetched again when a signature names a new key.

use super::key_set::MAX_SET;
use super::{Jwt, JwtError, KeySet, KeySetError};
use crate::config::is_loopback;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

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
#[derive(Default)]
pub struct RemoteKeys {
    client: Mutex<Option<reqwest::Client>>,
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
    /// Neither `https`, nor `http` on a loopback address; or with a user name or a fragment.
    #[error("not an https URL (http only on a loopback address), without user name and fragment")]
    Url,
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

/// Whether keys may be fetched from a URL.
///
/// # Errors
/// [`FetchError::Url`]
pub fn check_url(url: &str) -> Result<Url, FetchError> {
    let url = Url::parse(url).map_err(|_| FetchError::Url)?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if safe && plain && url.has_host() { Ok(url) } else { Err(FetchError::Url) }
}

impl RemoteKeys {
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
        let url = check_url(url)?;
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
        let mut response = self.client()?.get(url).send().await.map_err(failed)?;
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
    fn client(&self) -> Result<reqwest::Client, FetchError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        let built = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|error| FetchError::Fetch(error.to_string()))?;
        *client = Some(built.clone());
        Ok(built)
    }
}
