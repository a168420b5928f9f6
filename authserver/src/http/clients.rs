//! Registered clients, kept in memory for a moment, so that a token request costs no look-up in the steady state.

use crate::env::Env;
use crate::model::Client;
use crate::storage::{Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// How old a remembered client can be, in milliseconds, if no word of a change came through. A token can be issued
/// to a client for this long after another process disabled it, so the revocation that goes with disabling it
/// must reach at least this far.
pub const MAX_AGE_MS: u64 = 1000;
/// The most clients remembered.
const CAPACITY: usize = 65_536;

/// The cache. Unknown clients are not remembered, so made-up names cannot fill it.
pub struct ClientCache {
    registry: watch::Receiver<u64>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    version: u64,
    clients: HashMap<String, Remembered>,
}

struct Remembered {
    client: Arc<Client>,
    read_at_ms: u64,
}

impl ClientCache {
    /// Forgets everything when `registry` changes.
    #[must_use]
    pub fn new(registry: watch::Receiver<u64>) -> Self {
        Self { registry, known: RwLock::default() }
    }

    /// A client as it is, or as it was less than [`MAX_AGE_MS`] ago.
    ///
    /// # Errors
    /// [`StoreError`] if it has to be read and cannot.
    pub async fn get(&self, store: &dyn Store, env: &Env, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        // The version is taken before the row is read: a change in between makes what was read stale at once.
        let (version, now_ms) = (*self.registry.borrow(), env.clock.now_ms());
        if let Some(client) = self.remembered(id, version, now_ms) {
            return Ok(Some(client));
        }
        let Some(client) = store.client(id).await?.map(Arc::new) else { return Ok(None) };
        self.remember(Arc::clone(&client), version, now_ms);
        Ok(Some(client))
    }

    fn remembered(&self, id: &str, version: u64, now_ms: u64) -> Option<Arc<Client>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let entry = known.clients.get(id).filter(|_| known.version == version)?;
        // A clock that went back makes an entry old, not young for ever.
        (now_ms.abs_diff(entry.read_at_ms) < MAX_AGE_MS).then(|| Arc::clone(&entry.client))
    }

    fn remember(&self, client: Arc<Client>, version: u64, now_ms: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.version != version {
            known.clients.clear();
            known.version = version;
        }
        if known.clients.len() >= CAPACITY {
            known.clients.retain(|_, entry| now_ms.abs_diff(entry.read_at_ms) < MAX_AGE_MS);
            if known.clients.len() >= CAPACITY {
                known.clients.clear();
            }
        }
        known.clients.insert(client.id.clone(), Remembered { client, read_at_ms: now_ms });
    }
}
