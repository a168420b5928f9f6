//! Where a sample's person comes back to (RFC 8252 §7.3: loopback, any port).

use crate::error::Result;
use crate::stack::local;
use crate::{echo, ports};
use axum::Router;
use axum::extract::RawQuery;
use axum::response::Html;
use axum::routing::get;
use std::collections::BTreeMap;
use tokio::sync::watch;

/// The parameters of an authorization response.
pub type Answer = BTreeMap<String, String>;

/// The page that a browser comes back to. What is in the fragment reaches a server only through a script.
const PAGE: &str = "<!doctype html><title>Back at the client</title><p id=done>You are back at the client; this page can be \
    closed.</p><script>if (location.hash.length > 1) fetch('/callback', {method: 'POST', body: location.hash.slice(1)})</script>";

/// A server on loopback that waits for one authorization response: in the query, in the fragment, or posted.
pub struct Callback {
    /// The `redirect_uri`.
    pub url: String,
    answer: watch::Receiver<Answer>,
    _server: echo::Server,
}

impl Callback {
    /// Starts listening on a free port.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io)
    pub async fn start() -> Result<Self> {
        let (sender, answer) = watch::channel(Answer::new());
        let posted = sender.clone();
        let take = |sender: &watch::Sender<Answer>, text: &str| {
            let pairs: Answer = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            if !pairs.is_empty() {
                sender.send_replace(pairs);
            }
            Html(PAGE)
        };
        let route = get(async move |RawQuery(query): RawQuery| take(&sender, &query.unwrap_or_default()))
            .post(async move |body: String| take(&posted, &body));
        let server = echo::Server::start(local(ports::free()?), Router::new().route("/callback", route)).await?;
        Ok(Self { url: format!("http://{}/callback", server.address), answer, _server: server })
    }

    /// Waits for the answer.
    pub(super) async fn answer(&self) -> Answer {
        let mut answer = self.answer.clone();
        let arrived = answer.wait_for(|answer| !answer.is_empty()).await;
        arrived.map(|answer| answer.clone()).unwrap_or_default()
    }

    pub(super) fn arrived(&self) -> bool {
        !self.answer.borrow().is_empty()
    }
}
