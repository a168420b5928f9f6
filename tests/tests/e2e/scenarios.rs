//! The table of what the filter answers (tests/scenarios), which the filter's own tests run in a fake Envoy, in real ones.

use crate::context::Context;
use crate::gateway::Gateway;
use bearward_scenarios::{ES256, Key, Outcome, RS256, Scenario, Sign, concerns};
use bearward_tests::envoy::{binary, config};
use bearward_tests::issuer::{self, Issuer};
use bearward_tests::{echo, wait};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// In the Envoy that everything else runs in.
pub async fn in_envoy(context: &Context) {
    run(context, &context.parts().envoy).await;
}

/// In the oldest one that is supported.
pub async fn in_the_oldest_envoy(context: &Context) {
    if let Some(oldest) = binary::oldest(&|_| {}).unwrap() {
        run(context, &oldest).await;
    }
}

async fn run(context: &Context, envoy: &Path) {
    assert_eq!((ES256, RS256), (issuer::ES256, issuer::RS256));
    let keys = Keys { issuer: Issuer::new().unwrap(), stranger: Issuer::new().unwrap() };
    let authserver = keys.issuer.router();
    let gateway = Gateway::in_this(envoy, context, 2, authserver, bearward_scenarios::config, |config| {
        // A header that ends in no upstream is dropped by the filter, not by Envoy before it.
        let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        let options = format!("{manager}/common_http_protocol_options");
        config.pointer_mut(&options).unwrap()["headers_with_underscores_action"] = "ALLOW".into();
        assert!(config::filter(config).is_ok());
    })
    .await;
    let now = || i64::try_from(issuer::unix_now()).unwrap();
    let first = bearward_scenarios::all().remove(0);
    wait::until("the gateway to have keys", Duration::from_secs(20), async || {
        let answer = send(&gateway, &first, &first.token.make(&keys, &gateway.url, now())).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("it answers {}", answer.status)) }
    })
    .await
    .unwrap();
    let vms = gateway.envoy.stat("wasm.envoy.wasm.runtime.v8.created").await.unwrap();

    // The same token again is the same token, so that the cache is asked as well.
    let mut made = HashMap::new();
    for row in bearward_scenarios::all() {
        let name = row.name;
        let token = made.entry(format!("{:?}", row.token));
        let token = token.or_insert_with(|| row.token.make(&keys, &gateway.url, now()));
        let answer = send(&gateway, &row, token).await;
        match &row.outcome {
            Outcome::Passed(expected) => {
                assert_eq!(answer.status, 200, "{name}: {}", answer.body);
                let echo: echo::Echo = serde_json::from_str(&answer.body).unwrap();
                let seen = echo.headers.iter().filter(|(name, _)| concerns(name));
                let seen: Vec<_> = seen.map(|(name, value)| (name.as_str(), value.as_str())).collect();
                assert_eq!(seen, *expected, "{name}");
            }
            Outcome::Refused(refused) => {
                let expected = (refused.status, refused.challenges(&gateway.url), refused.body());
                assert_eq!((answer.status, answer.all("www-authenticate"), answer.body.clone()), expected, "{name}");
                assert_eq!(answer.all("cache-control"), ["no-store"], "{name}");
            }
            Outcome::Status(status) => assert_eq!(answer.status, *status, "{name}"),
        }
    }
    gateway.no_vm_was_replaced().await;
    assert_eq!(gateway.envoy.stat("wasm.envoy.wasm.runtime.v8.created").await.unwrap(), vms, "a VM was replaced");
    let log = gateway.envoy.child.tail(1000);
    assert!(!log.contains("panicked") && !log.contains("Proxy-Wasm plugin in-VM backtrace"), "{log}");
}

struct Keys {
    issuer: Issuer,
    stranger: Issuer,
}

impl Sign for Keys {
    fn sign(&self, key: Key, input: &[u8]) -> Vec<u8> {
        match key {
            Key::Rs256 => self.issuer.sign_rs256(input).unwrap(),
            Key::Stranger => self.stranger.sign_es256(input).unwrap(),
            _ => self.issuer.sign_es256(input).unwrap(),
        }
    }

    fn public(&self) -> Vec<u8> {
        self.issuer.public_der().unwrap()
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn all(&self, name: &str) -> Vec<String> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
    }
}

/// Sends a row byte by byte: no client library would.
async fn send(gateway: &Gateway, row: &Scenario, token: &str) -> Answer {
    let host = gateway.url.strip_prefix("http://").unwrap();
    let mut request = [row.method.as_bytes(), b" ", row.path, b" HTTP/1.1\r\nhost: ", host.as_bytes()].concat();
    for (name, value) in row.headers(token) {
        request.extend([b"\r\n", name.as_bytes(), b": ", &value].concat());
    }
    request.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
    let exchange = async {
        let mut stream = TcpStream::connect(host).await.unwrap();
        // Envoy may answer before it has read all of it.
        let _ = stream.write_all(&request).await;
        let mut answer = Vec::new();
        while !is_whole(&String::from_utf8_lossy(&answer)) && stream.read_buf(&mut answer).await.unwrap() > 0 {}
        String::from_utf8_lossy(&answer).into_owned()
    };
    let text = tokio::time::timeout(Duration::from_secs(10), exchange).await.expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{}: not an answer: {text:?}", row.name));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).unwrap();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}

/// Whether all of an answer is here; Envoy keeps a connection open for a while that it will close.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}
