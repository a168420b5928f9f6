//! Followers of the feed that are no Envoys: each hangs on its long poll, and asks again as soon as it is answered.

use bearward_tests::{Error, Result, wait};
use bearward_token::feed::PageRef;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Followers, gone with their handle.
pub(crate) struct Followers {
    _tasks: JoinSet<Result<()>>,
}

impl Followers {
    /// Starts so many, and waits until each has its answer and hangs on the next.
    pub(crate) async fn start(feed: SocketAddr, count: usize) -> Result<Self> {
        let mut tasks = JoinSet::new();
        if count > 0 {
            let http = reqwest::Client::builder().timeout(Duration::from_secs(40)).no_proxy().build()?;
            // One reads the snapshot for all: what is measured is what comes after it.
            let mut cursor = None;
            while let (next, true) = poll(&http, feed, cursor.as_deref(), 0).await? {
                cursor = Some(next);
            }
            let cursor = poll(&http, feed, cursor.as_deref(), 0).await?.0;
            let hanging = Arc::new(AtomicUsize::new(0));
            for _ in 0..count {
                let (http, cursor, hanging) = (http.clone(), cursor.clone(), Arc::clone(&hanging));
                tasks.spawn(async move {
                    let mut cursor = poll(&http, feed, Some(&cursor), 0).await?.0;
                    hanging.fetch_add(1, Ordering::Relaxed);
                    loop {
                        cursor = poll(&http, feed, Some(&cursor), 20).await?.0;
                    }
                });
            }
            wait::until("the followers to follow", Duration::from_secs(20), async || {
                let there = hanging.load(Ordering::Relaxed);
                if there == count { Ok(()) } else { Err(format!("{there} do")) }
            })
            .await?;
        }
        Ok(Self { _tasks: tasks })
    }
}

/// One poll: the cursor to go on from, and whether there is more.
async fn poll(http: &reqwest::Client, feed: SocketAddr, after: Option<&str>, wait: u64) -> Result<(String, bool)> {
    let mut url = format!("http://{feed}/mesh/revocations?wait={wait}");
    if let Some(cursor) = after {
        url.push_str("&after=");
        url.push_str(cursor);
    }
    let body = http.get(url).send().await?.error_for_status()?.bytes().await?;
    let page = PageRef::parse(&body);
    let page = page.map_err(|error| Error::Failed { what: "the feed".to_owned(), output: error.to_string() })?;
    Ok((page.cursor.to_owned(), page.more))
}
