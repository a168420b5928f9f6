//! The endpoint on a real SQLite file.

use super::*;
use crate::model::Revocation;
use crate::storage::sqlite::SqliteStore;
use crate::testing::{TestClock, env};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use bearward_token::feed::{Entry, MAX_PAGE, PageRef, Subject};
use std::sync::atomic::Ordering;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

const NOW: u64 = 1_800_000_000;

struct Fixture {
    _dir: tempfile::TempDir,
    store: Arc<dyn Store>,
    feed: Arc<Feed>,
    stop: watch::Sender<bool>,
}

/// What a follower takes from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    more: bool,
    reset: bool,
    now_ms: u64,
    cursor: String,
    entries: Vec<Entry>,
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&dir.path().join("db"), None).await.unwrap());
        let (stop, stopping) = watch::channel(false);
        let feed = Feed::new(store.clone(), env(&TestClock::at(NOW)), Arc::default(), stopping);
        Self { _dir: dir, store, feed, stop }
    }

    async fn revoke(&self, name: &str) {
        self.store.revoke(&revocation(name)).await.unwrap();
    }

    async fn get(&self, query: &str) -> Answer {
        get(self.feed.clone(), query.to_owned()).await
    }

    fn ask(&self, query: &str) -> JoinHandle<Answer> {
        tokio::spawn(get(self.feed.clone(), query.to_owned()))
    }

    /// Until so many have asked for a page and wait.
    async fn until_waiting(&self, followers: usize) {
        // Each holds a receiver beside the feed's own.
        while self.stop.receiver_count() < followers + 1 {
            tokio::task::yield_now().await;
        }
    }
}

fn revocation(name: &str) -> Revocation {
    let now = NOW.cast_signed();
    Revocation::always(Subject::Token(name), now, now + 600)
}

async fn get(feed: Arc<Feed>, query: String) -> Answer {
    let request = Request::get(format!("{PATH}?{query}")).body(Body::empty()).unwrap();
    let response = feed.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let bytes = to_bytes(response.into_body(), MAX_PAGE).await.unwrap();
    let page = PageRef::parse(&bytes).unwrap();
    let PageRef { more, reset, now_ms, cursor, .. } = page;
    Answer { more, reset, now_ms, cursor: cursor.to_owned(), entries: page.entries().collect() }
}

async fn soon<T>(answer: JoinHandle<T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), answer).await.expect("no answer").unwrap()
}

#[test]
fn only_clean_parameters_are_taken() {
    let parse = |query| Params::parse(query).map(|p| (p.after, p.wait.as_secs()));
    assert_eq!(parse(""), Ok((None, 0)));
    assert_eq!(parse("after=&wait=5&x=1"), Ok((None, 5)));
    assert_eq!(parse("after=s1.a%3Ab&wait=31"), Ok((Some("s1.a:b".to_owned()), 30)));
    for bad in ["wait=-1", "wait=x", "wait=", "wait=1&wait=1", "after=a&after=b", "after=%20", "after=%C3%A9"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(Params::parse(&format!("after={}", "a".repeat(MAX_CURSOR))).is_ok());
    assert!(Params::parse(&format!("after={}", "a".repeat(MAX_CURSOR + 1))).is_err());
}

#[test]
fn what_a_follower_says_of_itself_is_taken_only_if_it_can_be_shown() {
    let named = |id: &str, node: &str| {
        let headers = [(FOLLOWER_HEADER, id), (NODE_HEADER, node)];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        name(&HeaderMap::from_iter(headers))
    };
    let node = |text: &str| Some(text.to_owned());
    assert_eq!(named("00ff", "sidecar~10.0.0.1~a.b"), ("00ff".to_owned(), node("sidecar~10.0.0.1~a.b")));
    assert_eq!(named("", "caf%C3%A9%20%3Cb%3E"), (String::new(), node("café <b>")));
    assert_eq!(name(&HeaderMap::new()), (String::new(), None));
    for (id, node) in [("a b", "%0A"), ("a/b", "%00"), (&*"a".repeat(65), &*"n".repeat(257)), ("é", "")] {
        assert_eq!(named(id, node), (String::new(), None), "{id} {node}");
    }
}

#[tokio::test]
async fn who_only_looks_follows_nothing() {
    let fixture = Fixture::new().await;
    let cursor = fixture.get("").await.cursor;
    let follower = [(FOLLOWER_HEADER, "00ff")];
    for (after, headers, follows) in
        [("", &[][..], 0), ("", &follower[..], 1), (&*cursor, &[], 2), (&*cursor, &follower[..], 2)]
    {
        let mut request = Request::get(format!("{PATH}?after={after}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1)));
        let request = request.extension(peer).body(Body::empty()).unwrap();
        let response = fixture.feed.clone().router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        fixture.feed.counters.flush(&*fixture.store, &fixture.feed.env).await.unwrap();
        let now = NOW.cast_signed();
        assert_eq!(fixture.store.follower_counts(now, now).await.unwrap().all, follows, "{after} {headers:?}");
    }
}

#[tokio::test]
async fn malformed_parameters_are_an_error() {
    let fixture = Fixture::new().await;
    let request = Request::get(format!("{PATH}?wait=soon")).body(Body::empty()).unwrap();
    let response = fixture.feed.clone().router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_snapshot_comes_at_once_and_begins_anew() {
    let fixture = Fixture::new().await;
    let empty = fixture.get("wait=30").await;
    assert_eq!((empty.more, empty.reset, empty.now_ms, empty.entries.len()), (false, true, NOW * 1000, 0));
    fixture.revoke("a").await;
    let page = fixture.get(&format!("after={}", empty.cursor)).await;
    assert_eq!((page.reset, page.entries.len()), (false, 1));
    let unknown = fixture.get("after=unknown&wait=30").await;
    assert_eq!((unknown.reset, unknown.entries), (true, page.entries));
}

#[tokio::test]
async fn a_snapshot_of_many_comes_in_pages_that_fit() {
    let fixture = Fixture::new().await;
    let count = entries_at_once() + 5;
    for i in 0..count {
        fixture.revoke(&i.to_string()).await;
    }
    let first = fixture.get("").await;
    assert_eq!((first.more, first.reset, first.entries.len()), (true, true, entries_at_once()));
    let second = fixture.get(&format!("after={}&wait=30", first.cursor)).await;
    assert_eq!((second.more, second.reset, second.entries.len()), (false, false, 5));
}

#[tokio::test]
async fn who_waits_is_answered_when_something_is_revoked() {
    let fixture = Fixture::new().await;
    let start = fixture.get("").await.cursor;
    let waiting = fixture.ask(&format!("after={start}&wait=30"));
    fixture.until_waiting(1).await;
    fixture.revoke("a").await;
    assert_eq!(soon(waiting).await.entries.len(), 1);
}

#[tokio::test]
async fn who_waits_in_vain_gets_an_empty_page_at_the_end() {
    let fixture = Fixture::new().await;
    let start = fixture.get("").await;
    let began = Instant::now();
    let page = fixture.get(&format!("after={}&wait=1", start.cursor)).await;
    assert_eq!((page.entries.len(), page.reset, page.cursor), (0, false, start.cursor));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn many_at_the_same_cursor_cost_one_reading_for_each_change() {
    let fixture = Fixture::new().await;
    let start = fixture.get("").await.cursor;
    let before = fixture.feed.reads.load(Ordering::SeqCst);
    let waiting: Vec<_> = (0..500).map(|_| fixture.ask(&format!("after={start}&wait=30"))).collect();
    fixture.until_waiting(500).await;
    fixture.revoke("a").await;
    let mut answers = Vec::new();
    for one in waiting {
        answers.push(soon(one).await);
    }
    assert!(answers.iter().all(|a| *a == answers[0]) && answers[0].entries.len() == 1);
    let reads = fixture.feed.reads.load(Ordering::SeqCst) - before;
    assert!((1..=2).contains(&reads), "{reads}: one before they waited, if it was needed, and one after the change");
}

#[tokio::test]
async fn who_waits_is_answered_when_the_server_stops() {
    let fixture = Fixture::new().await;
    let start = fixture.get("").await.cursor;
    let waiting = fixture.ask(&format!("after={start}&wait=30"));
    fixture.until_waiting(1).await;
    fixture.stop.send(true).unwrap();
    assert!(soon(waiting).await.entries.is_empty());
}
