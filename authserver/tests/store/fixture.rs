//! A database for one test, and things to put into it.

use super::Server;
use bearward::config;
use bearward::confirmation::Confirmation;
use bearward::model::{
    AuthorizationCode, Client, ClientAuthMethod, ClientOptions, Digest, Grant, GrantDetails, GrantType,
    NewRefreshToken, Person, Revocation, SigningKey, Versioned,
};
use bearward::storage::{self, Changes, Store};
use bearward_tests::pg::Postgres;
use bearward_token::feed::{Entry, Subject};
use bearward_token::scope::ScopeSet;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use zeroize::Zeroizing;

pub(crate) const NOW: i64 = 1_800_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// A new thing whose version begins at 1.
pub(crate) fn first<T>(value: T) -> Versioned<T> {
    Versioned { value, version: 1 }
}

pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) url: String,
}

impl Fixture {
    pub(crate) fn new(database: Database, server: &Server) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let url = match database {
            Database::Sqlite => format!("sqlite://{}/db", dir.path().display()),
            Database::Postgres => {
                let server = server.get_or_init(|| Postgres::start().map_err(|e| e.to_string()));
                server.as_ref()?.database().map_err(|e| e.to_string())?
            }
        };
        Ok(Self { dir, url })
    }

    /// A replica of its own: another process would see no more.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        let url = config::Secret(Zeroizing::new(self.url.clone()));
        storage::open(&config::Database { url, max_connections: Some(8) }).await.unwrap()
    }

    /// A replica with a client `web` and a person `alice`.
    pub(crate) async fn open_with_people(&self) -> Arc<dyn Store> {
        let store = self.open().await;
        store.create_client(&client("web")).await.unwrap();
        store.create_person(&person("alice", "Alice")).await.unwrap();
        store
    }
}

pub(crate) fn digest(name: &str) -> Digest {
    Digest::of(name)
}

pub(crate) fn scope(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

pub(crate) fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        name: format!("The client {id}"),
        auth_method: ClientAuthMethod::ClientSecret,
        secret: Some(digest("secret")),
        sealed_secret: None,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        redirect_uris: vec!["https://app.example/cb".to_owned(), "com.example:/\"quoted\"".to_owned()],
        scopes: scope("a b c"),
        default_scopes: scope("a"),
        audience: vec!["https://api.example".to_owned()],
        options: ClientOptions::default(),
        disabled_at: None,
        created_at: NOW,
    }
}

pub(crate) fn person(id: &str, username: &str) -> Person {
    Person {
        id: id.to_owned(),
        username: username.to_owned(),
        password_hash: "$argon2id$old".to_owned(),
        disabled_at: None,
        created_at: NOW,
    }
}

pub(crate) fn authorization(grant: &str) -> AuthorizationCode {
    AuthorizationCode {
        grant: Grant {
            id: grant.to_owned(),
            client_id: "web".to_owned(),
            person_id: "alice".to_owned(),
            scope: scope("a b"),
            auth_time: NOW - 5,
            acr: "pwd".to_owned(),
            details: GrantDetails::default(),
            created_at: NOW,
            revoked_at: None,
        },
        redirect_uri: Some("https://app.example/cb".to_owned()),
        code_challenge: Some("challenge".to_owned()),
        expires_at: NOW + 60,
        used_at: None,
    }
}

pub(crate) fn refresh(name: &str) -> NewRefreshToken {
    NewRefreshToken {
        digest: digest(name),
        issued_at: NOW,
        expires_at: NOW + 1000,
        confirmation: Confirmation { jkt: Some(format!("key of {name}")), x5t_s256: None },
    }
}

pub(crate) fn signing_key(kid: &str, activates_at: Option<i64>) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        alg: "ES256".to_owned(),
        public_jwk: format!("{{\"kid\":\"{kid}\"}}"),
        sealed_private: vec![1, 2, 3],
        published_at: NOW,
        activates_at,
        line: String::new(),
        ended_at: None,
    }
}

/// The revocation of a token of this name, and the entry that the feed has for it.
pub(crate) fn revocation(name: &str) -> Revocation {
    Revocation::always(Subject::Token(name), NOW, NOW + 600)
}

pub(crate) fn entry(revocation: &Revocation) -> Entry {
    Entry { key: revocation.key, cutoff: revocation.cutoff, expires_at: revocation.expires_at }
}

pub(crate) fn grant_revocation(grant: &str) -> Revocation {
    Revocation::always(Subject::Grant(grant), NOW, NOW + 600)
}

/// A follower as the filter is one: the greater cutoff and expiry of a key hold.
#[derive(Default)]
pub(crate) struct Follower {
    pub(crate) cursor: Option<String>,
    pub(crate) held: BTreeMap<u64, Entry>,
    pub(crate) resets: u32,
}

impl Follower {
    /// Reads until there is no more; how many pages it took.
    pub(crate) async fn catch_up(&mut self, store: &dyn Store, limit: u32) -> u32 {
        let mut pages = 0;
        while self.page(store, limit).await {
            pages += 1;
        }
        pages + 1
    }

    /// Reads a page; whether there is more.
    pub(crate) async fn page(&mut self, store: &dyn Store, limit: u32) -> bool {
        let read = store.feed(self.cursor.as_deref(), limit, NOW).await.unwrap();
        assert!(read.entries.len() <= limit as usize);
        if read.reset {
            self.held.clear();
            self.resets += 1;
        }
        for entry in read.entries {
            let held = self.held.entry(entry.key).or_insert(entry);
            held.cutoff = held.cutoff.max(entry.cutoff);
            held.expires_at = held.expires_at.max(entry.expires_at);
        }
        self.cursor = Some(read.cursor);
        read.more
    }

    pub(crate) fn holds(&self, revocation: &Revocation) -> bool {
        self.held.get(&revocation.key) == Some(&entry(revocation))
    }
}

/// Waits until the receiver shows another value than it did.
pub(crate) async fn woken(receiver: &mut watch::Receiver<u64>) {
    tokio::time::timeout(Duration::from_secs(10), receiver.changed()).await.expect("nobody was woken").unwrap();
}

/// The receivers with everything so far seen.
pub(crate) fn seen(store: &dyn Store) -> Changes {
    let mut changes = store.changes();
    changes.registry.mark_unchanged();
    changes.revocations.mark_unchanged();
    changes
}

/// Runs all at once, and gives what each came to.
pub(crate) async fn at_once<T, F>(tasks: Vec<F>) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(tasks.len()));
    let running: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let gate = gate.clone();
            tokio::spawn(async move {
                gate.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for one in running {
        results.push(one.await.unwrap());
    }
    results
}
