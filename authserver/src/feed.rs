//! `GET /mesh/revocations?after=<cursor>&wait=<seconds>`: the revocation feed, as a long poll.
//!
//! It answers as soon as there is something after the cursor, or with an empty page when the wait is over. Without
//! `after` it is a snapshot of all that is live. The page is described byte by byte in [`bearward_token::feed`].
//! A thousand followers at the same cursor cost one reading of the database for each change.

use crate::activity::Counters;
use crate::env::Env;
use crate::http::Refusal;
use crate::model::FollowerName;
use crate::storage::{Store, StoreError};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bearward_token::feed::{FOLLOWER_HEADER, MAX_CURSOR, MEDIA_TYPE, NODE_HEADER, Page, capacity};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, watch};
use tokio::time::{Instant, timeout_at};

/// Where the feed is.
pub const PATH: &str = "/mesh/revocations";
/// The longest wait: under the idle timeouts of what may be in between.
const MAX_WAIT: u64 = 30;
/// The longest name that a follower may give itself, and its operator it, in bytes.
const MAX_ID: usize = 64;
const MAX_NODE: usize = 256;
/// How many pages are kept for followers at the same cursor: at most 4 MiB.
const PAGES_KEPT: usize = 128;

/// The feed's answers.
pub struct Feed {
    store: Arc<dyn Store>,
    env: Env,
    counters: Arc<Counters>,
    revocations: watch::Receiver<u64>,
    shutdown: watch::Receiver<bool>,
    pages: Mutex<Pages>,
    #[cfg(test)]
    reads: std::sync::atomic::AtomicUsize,
}

/// The pages read since the last change, by cursor.
#[derive(Default)]
struct Pages {
    version: u64,
    by_cursor: HashMap<Option<String>, Arc<OnceCell<Arc<Page>>>>,
}

struct Params {
    after: Option<String>,
    wait: Duration,
}

impl Feed {
    /// The feed of this database; when `shutdown` becomes true, everyone who waits is answered at once.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, env: Env, counters: Arc<Counters>, shutdown: watch::Receiver<bool>) -> Arc<Self> {
        let revocations = store.changes().revocations;
        Arc::new(Self {
            store,
            env,
            counters,
            revocations,
            shutdown,
            pages: Mutex::default(),
            #[cfg(test)]
            reads: Default::default(),
        })
    }

    /// The route, to be merged into the server's.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().route(PATH, get(answer)).with_state(self)
    }

    /// The page after a cursor, once it holds something or the time is up.
    async fn follow(&self, params: Params) -> Result<Arc<Page>, StoreError> {
        let deadline = Instant::now() + params.wait;
        let mut revocations = self.revocations.clone();
        let mut shutdown = self.shutdown.clone();
        loop {
            // Marked as seen before reading: a change during the reading is not waited for, it is there.
            let version = *revocations.borrow_and_update();
            let page = self.page(&params.after, version).await?;
            let news = !page.entries.is_empty() || page.more || page.reset || params.after.is_none();
            if news || *shutdown.borrow() {
                return Ok(page);
            }
            let change = async {
                tokio::select! {
                    changed = revocations.changed() => changed.is_ok(),
                    _ = shutdown.wait_for(|down| *down) => false,
                }
            };
            if !matches!(timeout_at(deadline, change).await, Ok(true)) {
                return Ok(page);
            }
        }
    }

    /// Reads the page once for all who ask for it before the next change.
    async fn page(&self, after: &Option<String>, version: u64) -> Result<Arc<Page>, StoreError> {
        let cell = {
            let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            if pages.version != version || pages.by_cursor.len() >= PAGES_KEPT {
                pages.by_cursor.clear();
                pages.version = version;
            }
            pages.by_cursor.entry(after.clone()).or_default().clone()
        };
        let page = cell.get_or_try_init(|| async {
            metrics::counter!("bearward_feed_reads_total").increment(1);
            #[cfg(test)]
            self.reads.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let limit = u32::try_from(entries_at_once()).unwrap_or(u32::MAX);
            let read = self.store.feed(after.as_deref(), limit, self.env.now()).await?;
            let reset = read.reset || after.is_none();
            Ok(Arc::new(Page { more: read.more, reset, now_ms: 0, cursor: read.cursor, entries: read.entries }))
        });
        page.await.cloned()
    }
}

async fn answer(
    State(feed): State<Arc<Feed>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let params = match Params::parse(query.as_deref().unwrap_or_default()) {
        Ok(params) => params,
        Err(problem) => return Refusal::new("invalid_request", problem).into_response(),
    };
    let goes_on = params.after.is_some();
    let page = match feed.follow(params).await {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, "the revocation feed could not be read");
            return Refusal::new("temporarily_unavailable", "The feed cannot be read at the moment.").into_response();
        }
    };
    let (id, node) = name(&headers);
    // Whoever only looks, as the doctor does, follows nothing: it has no name, and goes on from nowhere.
    if let Some(Extension(ConnectInfo(peer))) = peer.filter(|_| goes_on || !id.is_empty()) {
        // A page after which there is no more: the follower has everything as soon as it has this.
        let name = FollowerName { address: peer.ip().to_canonical().to_string(), id };
        feed.counters.follower(name, node, feed.env.now(), !page.more);
    }
    let page = Page { now_ms: feed.env.clock.now_ms(), ..Page::clone(&page) };
    let Some(bytes) = page.encode() else {
        tracing::error!(cursor = page.cursor.len(), entries = page.entries.len(), "a page does not fit its own format");
        return Refusal::server_error().into_response();
    };
    metrics::counter!("bearward_feed_entries_sent_total").increment(u64::try_from(page.entries.len()).unwrap_or(0));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, bytes).into_response()
}

/// Half of what fits beside the longest cursor: whoever takes a page is busy with it for as long as it is large, and a worker
/// of Envoy should not be for a millisecond.
fn entries_at_once() -> usize {
    capacity(MAX_CURSOR) / 2
}

/// What a follower calls itself, and its operator calls it. Nobody checks either, so they are shown and nothing else;
/// what is too long or not fit to be shown is left out.
fn name(headers: &HeaderMap) -> (String, Option<String>) {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let fits = |id: &&str| id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = text(FOLLOWER_HEADER).filter(fits).unwrap_or_default().to_owned();
    let node = text(NODE_HEADER).map(|node| percent_decode_str(node).decode_utf8_lossy().into_owned());
    (id, node.filter(|node| !node.is_empty() && node.len() <= MAX_NODE && !node.contains(char::is_control)))
}

impl Params {
    fn parse(query: &str) -> Result<Self, &'static str> {
        let (mut after, mut wait) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "after" => &mut after,
                "wait" => &mut wait,
                // RFC 6749 §3.1 of its parameters: unknown ones are ignored.
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err("A parameter is there more than once.");
            }
        }
        // No cursor is empty: a follower that has none leaves it out, or sends nothing.
        let after = after.filter(|cursor| !cursor.is_empty());
        if after.as_ref().is_some_and(|c| c.len() > MAX_CURSOR || !c.bytes().all(|b| b.is_ascii_graphic())) {
            return Err("The cursor is none: too long, or not printable ASCII.");
        }
        let wait = match wait {
            Some(text) => text.parse::<u64>().map_err(|_| "The wait has to be a number of seconds.")?,
            None => 0,
        };
        Ok(Self { after, wait: Duration::from_secs(wait.min(MAX_WAIT)) })
    }
}

#[cfg(test)]
mod tests;
