//! Two listeners of one Envoy, each with a filter of its own configuration and feed: what Envoy measures is of both.

use crate::context::Context;
use crate::gateway::Gateway;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use bearward_tests::envoy::config;
use bearward_tests::issuer::Issuer;
use bearward_tests::{demo, ports, wait};
use bearward_token::feed::Subject;
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::Duration;
use tokio::sync::watch;

const AGE: &str = "bearward.feed.age_seconds";
const PATIENCE: Duration = Duration::from_secs(20);

fn plugin(url: &str, feed: &str) -> Value {
    json!({
        "providers": { "ours": {
            "issuer": url, "audiences": [demo::AUDIENCE],
            "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
            "revocations": { "cluster": "authserver", "path": feed },
        } },
        "rules": [{ "match": { "path": "/orders" }, "require": {} }],
    })
}

/// A feed that answers while it is open.
struct Feed {
    issuer: Issuer,
    open: watch::Sender<bool>,
    revoked: Cell<u64>,
}

impl Feed {
    fn new() -> Self {
        Self { issuer: Issuer::new().unwrap(), open: watch::Sender::new(true), revoked: Cell::default() }
    }

    fn router(&self) -> Router {
        let opened = self.open.subscribe();
        self.issuer.router().layer(middleware::from_fn(move |request: Request, next: Next| {
            let mut opened = opened.clone();
            async move {
                opened.wait_for(|open| *open).await.unwrap();
                next.run(request).await
            }
        }))
    }

    /// Revokes one more.
    fn revoke(&self) {
        self.revoked.set(self.revoked.get() + 1);
        self.issuer.revoke(Subject::Token(&self.revoked.get().to_string()));
    }
}

/// Neither hides what the other measures: revocations are added up, and the age that is shown is that of the stalest feed.
pub async fn are_measured_together(context: &Context) {
    let feeds = [Feed::new(), Feed::new()];
    let authserver = Router::new().nest("/second", feeds[1].router()).merge(feeds[0].router());
    let port = ports::free().unwrap();
    let gateway = Gateway::start(
        context,
        2,
        authserver,
        |url| plugin(url, "/mesh/revocations"),
        |all| {
            let listener = all["static_resources"]["listeners"][0].clone();
            let filter = config::filter(all).unwrap();
            filter["vm_config"]["vm_id"] = "second".into();
            filter["configuration"]["value"] = plugin("https://second.example", "/second/mesh/revocations");
            let listeners = all["static_resources"]["listeners"].as_array_mut().unwrap();
            listeners[0]["name"] = "second".into();
            listeners[0]["address"]["socket_address"]["port_value"] = port.into();
            listeners.insert(0, listener);
        },
    )
    .await;
    let all_are_counted = async || {
        let all = feeds.iter().map(|feed| feed.revoked.get()).sum::<u64>();
        gateway.envoy.until_stat("bearward.feed.entries", |entries| entries == all).await.unwrap();
    };
    (0..3).for_each(|_| feeds[0].revoke());
    (0..2).for_each(|_| feeds[1].revoke());
    all_are_counted().await;
    gateway.envoy.until_stat("bearward.feed.generation", |generation| generation == 2).await.unwrap();

    for (silent, talks) in [(&feeds[1], &feeds[0]), (&feeds[0], &feeds[1])] {
        silent.open.send_replace(false);
        silent.revoke(); // ends the poll that waits, and the next gets no answer
        all_are_counted().await;
        let mut oldest = 0;
        wait::until("one to be silent for four seconds", PATIENCE, async || {
            talks.revoke();
            let age = gateway.envoy.stat(AGE).await.unwrap();
            assert!(age + 1 >= oldest, "{age} after {oldest}");
            oldest = oldest.max(age);
            if age >= 4 { Ok(()) } else { Err(format!("it is {age}")) }
        })
        .await
        .unwrap();
        silent.open.send_replace(true);
        wait::until("both to be fresh", PATIENCE, async || {
            feeds.iter().for_each(Feed::revoke);
            match gateway.envoy.stat(AGE).await.unwrap() {
                0 | 1 => Ok(()),
                age => Err(format!("it is {age}")),
            }
        })
        .await
        .unwrap();
        all_are_counted().await;
    }
    gateway.no_vm_was_replaced().await;
}
