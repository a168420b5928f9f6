//! What comes after a request's headers, in a real Envoy: trailers, and the two ways of a WebSocket.

use crate::context::Context;
use crate::gateway::Gateway;
use crate::wire::{Service, before, http2, open, until, until_it_opens, upgrade};
use axum::Router;
use axum::routing::post;
use bearward_tests::demo;
use bearward_tests::issuer::{self, Issuer, claims};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

/// An issuer that is asked about the tokens that it did not sign, as soon as `open` says so.
fn authserver(issuer: &Issuer, open: watch::Receiver<bool>) -> Router {
    let introspect = async move || {
        open.clone().wait_for(|open| *open).await.unwrap();
        let mut answer = claims("", demo::AUDIENCE, "orders:read", "opaque");
        (answer["iss"], answer["active"]) = (Value::Null, true.into());
        ([("content-type", "application/json")], answer.to_string())
    };
    issuer.router().route("/introspect", post(introspect))
}

fn plugin(url: &str) -> Value {
    json!({
        "providers": { "ours": {
            "issuer": url, "audiences": [demo::AUDIENCE],
            "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
            "introspection": { "cluster": "authserver", "path": "/introspect", "client_id": "mesh", "client_secret": "s" },
            "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
        } },
        "rules": [
            { "match": { "path": "/open" }, "allow": "anonymous" },
            { "match": { "prefix": "/orders" }, "require": {} },
        ],
        "forward": { "headers": { "x-auth-subject": "sub" } },
    })
}

/// Identities in trailers do not get to the service, whether the request goes on at once, waits, or needs no token;
/// other trailers do.
pub async fn name_nobody_in_trailers(context: &Context) {
    let (issuer, service) = (Issuer::new().unwrap(), Service::start().await);
    let (release, released) = watch::channel(false);
    let gateway =
        Gateway::start(context, 1, authserver(&issuer, released), plugin, |config| before(&service, config)).await;
    let token = issuer.es256(&issuer::header("ES256", issuer::ES256), &claims(&gateway.url, demo::AUDIENCE, "", "1"));
    let token = token.unwrap();
    until_it_opens(&gateway, &service, &token).await;
    let request = |path: &str, token: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\
             trailer: checksum\r\n\r\n5\r\nhello\r\n0\r\nchecksum: 1\r\nX-Auth-Subject: mallory\r\n\
             x.auth.subject: mallory\r\nx-auth-subject: again\r\n\r\n"
        )
    };
    let bytes = request("/orders/waits", "opaque");
    let waits = open(&gateway, &bytes);
    let others = async {
        for (path, token) in [("/orders/1", token.as_str()), ("/open", "none")] {
            let (_, head) = open(&gateway, &request(path, token)).await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        }
        gateway.envoy.until_stat("bearward.held", |held| held > 0).await.unwrap();
        release.send(true).unwrap();
    };
    let ((_, head), ()) = tokio::join!(waits, others);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    // The same over HTTP/2, where trailers are a frame of their own (RFC 9113 §8.1).
    let url = "http://a/orders/2";
    let request = http::Request::post(url).header("authorization", format!("Bearer {token}")).body(()).unwrap();
    let (answer, mut body) = http2(&gateway).await.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data("hello".into(), false).unwrap();
    let names = [("checksum", "1"), ("x-auth-subject", "mallory"), ("x.auth.subject", "mallory")];
    let trailers = names.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    body.send_trailers(http::HeaderMap::from_iter::<[(http::HeaderName, http::HeaderValue); 3]>(trailers)).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let got = service.got();
    assert_eq!(got.len(), 4, "{got:?}");
    for request in &got {
        assert!(request.contains("\r\nhello\r\n"), "{request}");
        assert!(request.contains("\r\nchecksum: 1\r\n"), "trailers do arrive: {request}");
        assert!(!request.contains("mallory") && !request.contains("again"), "{request}");
    }
    gateway.no_vm_was_replaced().await;
}

/// A WebSocket opens by a good token, also by one that has to be asked about, and then carries bytes both ways; by a bad
/// one the service hears nothing of it.
pub async fn carry_web_sockets(context: &Context) {
    let (issuer, service) = (Issuer::new().unwrap(), Service::start().await);
    let (_open, released) = watch::channel(true);
    let gateway =
        Gateway::start(context, 1, authserver(&issuer, released), plugin, |config| before(&service, config)).await;
    let claims = claims(&gateway.url, demo::AUDIENCE, "", "1");
    let token = issuer.es256(&issuer::header("ES256", issuer::ES256), &claims).unwrap();
    until_it_opens(&gateway, &service, &token).await;
    for (token, subject) in [(token.as_str(), "x-auth-subject: tester"), ("opaque", "x-auth-subject: tester")] {
        let (mut socket, head) = open(&gateway, &upgrade("/orders/socket", token)).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        for said in ["ping", "pong"] {
            socket.write_all(said.as_bytes()).await.unwrap();
            assert_eq!(until(&mut socket, |text| text == said).await, said);
        }
        let request = service.got().pop().unwrap();
        assert!(request.contains(subject) && !request.contains("mallory") && !request.contains(token), "{request}");
    }
    let before = service.got().len();
    let mut bad = token.clone();
    bad.replace_range(token.len() - 8..token.len() - 4, "AAAA");
    for (path, token, status) in [("/orders/socket", bad.as_str(), 401), ("/elsewhere", &token, 403)] {
        let (_, head) = open(&gateway, &upgrade(path, token)).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    }
    assert_eq!(service.got().len(), before);
    gateway.no_vm_was_replaced().await;
}
