//! What goes on when its token does not, in a real Envoy: it ends.

use crate::context::Context;
use crate::gateway::Gateway;
use crate::wire::{LONG, MANAGER, PATIENCE, SILENT, Service, before, http2, open, until, until_it_opens, upgrade};
use bearward_tests::issuer::{self, Issuer, claims, unix_now};
use bearward_tests::{demo, wait};
use bearward_token::feed::Subject;
use h2::client::{ResponseFuture, SendRequest};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

fn plugin(url: &str, open_streams: &Value) -> Value {
    json!({
        "providers": { "ours": {
            "issuer": url, "audiences": [demo::AUDIENCE], "clock_skew": 0,
            "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
            "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
        } },
        "rules": [{ "match": { "prefix": "/orders" }, "require": {} }],
        "open_streams": open_streams,
    })
}

/// A gateway before a service, and tokens for it.
struct Parts {
    issuer: Issuer,
    service: Service,
    gateway: Gateway,
}

impl Parts {
    async fn start(context: &Context, open_streams: Value, change: impl FnOnce(&mut Value)) -> Self {
        let (issuer, service) = (Issuer::new().unwrap(), Service::start().await);
        let plugin = |url: &str| plugin(url, &open_streams);
        let gateway = Gateway::start(context, 2, issuer.router(), plugin, |config| {
            before(&service, config);
            change(config);
        })
        .await;
        let parts = Self { issuer, service, gateway };
        until_it_opens(&parts.gateway, &parts.service, &parts.token("0", 600)).await;
        parts
    }

    /// One that lives so many seconds.
    fn token(&self, id: &str, lifetime: u64) -> String {
        let mut claims = claims(&self.gateway.url, demo::AUDIENCE, "", id);
        claims["exp"] = (unix_now() + lifetime).into();
        self.issuer.es256(&issuer::header("ES256", issuer::ES256), &claims).unwrap()
    }

    async fn web_socket(&self, token: &str) -> TcpStream {
        let (socket, head) = open(&self.gateway, &upgrade("/orders/socket", token)).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        socket
    }

    async fn revoke(&self, id: &str, token: &str) {
        self.issuer.revoke(Subject::Token(id));
        wait::until("the revocation", PATIENCE, async || {
            let (_, head) = open(&self.gateway, &upgrade("/orders/again", token)).await;
            if head.starts_with("HTTP/1.1 401 ") { Ok(()) } else { Err(head) }
        })
        .await
        .unwrap();
    }
}

async fn lives(socket: &mut TcpStream) {
    socket.write_all(b"ping").await.unwrap();
    assert_eq!(until(socket, |text| text == "ping").await, "ping");
}

async fn ask(client: &SendRequest<bytes::Bytes>, path: &str, token: &str, content_type: &str) -> ResponseFuture {
    let request = http::Request::post(format!("http://a{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", content_type)
        .body(())
        .unwrap();
    let (answer, _body) = client.clone().ready().await.unwrap().send_request(request, true).unwrap();
    answer
}

/// WebSockets, answers that have begun and answers that have not; over HTTP/1.1 and HTTP/2. Those of other tokens go on, also
/// on the same connection.
pub async fn come_with_a_revocation(context: &Context) {
    let parts = Parts::start(context, json!({ "grace": "100ms" }), |_| {}).await;
    let [token, other] = ["1", "2"].map(|id| parts.token(id, 600));
    let mut socket = parts.web_socket(&token).await;
    let mut another = parts.web_socket(&other).await;
    let client = http2(&parts.gateway).await;
    let mut long = ask(&client, LONG, &token, "text/plain").await.await.unwrap().into_body();
    let mut longer = ask(&client, LONG, &other, "text/plain").await.await.unwrap().into_body();
    for body in [&mut long, &mut longer] {
        assert_eq!(body.data().await.unwrap().unwrap(), "hello");
    }
    let silent = ask(&client, SILENT, &token, "text/plain").await;
    let grpc = ask(&client, SILENT, &token, "application/grpc").await;
    wait::until("all to get there", PATIENCE, async || match parts.service.got().len() {
        6 => Ok(()),
        number => Err(format!("{number} did")),
    })
    .await
    .unwrap();
    lives(&mut socket).await;

    parts.revoke("1", &token).await;
    let ends = async {
        assert_eq!(until(&mut socket, |_| false).await, "", "the connection is closed");
        let reset = long.data().await.unwrap().unwrap_err();
        assert!(reset.is_remote() && reset.is_reset(), "{reset}");
        let silent = silent.await.unwrap();
        assert_eq!(silent.status(), 401);
        assert!(silent.headers()["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
        let grpc = grpc.await.unwrap();
        assert_eq!((grpc.status().as_u16(), grpc.headers()["grpc-status"].to_str().unwrap()), (200, "16"));
    };
    tokio::time::timeout(PATIENCE, ends).await.expect("all to end");
    parts.gateway.envoy.until_stat("bearward.closed.revoked", |count| count >= 4).await.unwrap();
    wait::until("the service to know", PATIENCE, async || {
        let mut broken_off = parts.service.broken_off();
        broken_off.retain(|path| !["/orders/again", "/orders/ready"].contains(&path.as_str()));
        broken_off.sort();
        if broken_off == [LONG, SILENT, SILENT, "/orders/socket"] { Ok(()) } else { Err(format!("{broken_off:?}")) }
    })
    .await
    .unwrap();

    lives(&mut another).await;
    let again = ask(&client, LONG, &other, "text/plain").await.await.unwrap();
    assert_eq!(again.status(), 200, "the connection is as good as before");
    assert!(tokio::time::timeout(std::time::Duration::ZERO, longer.data()).await.is_err(), "and goes on");
    parts.gateway.no_vm_was_replaced().await;
}

/// One whose token expires ends then, if that is wanted; one that is to be kept is.
pub async fn come_with_expiry(context: &Context) {
    let parts = Parts::start(context, json!({ "on_revoked": "keep", "on_expired": "close", "grace": 0 }), |_| {}).await;
    let [soon, later] = [("1", 2), ("2", 600)].map(|(id, lifetime)| parts.token(id, lifetime));
    let mut another = parts.web_socket(&later).await;
    let expires_at = unix_now() + 2;
    let mut socket = parts.web_socket(&soon).await;
    parts.revoke("2", &later).await;
    assert_eq!(until(&mut socket, |_| false).await, "");
    assert!(unix_now() + 1 >= expires_at, "not long before it expired");
    parts.gateway.envoy.until_stat("bearward.closed.expired", |count| count == 1).await.unwrap();
    lives(&mut another).await;
    parts.gateway.no_vm_was_replaced().await;
}

/// What is to be kept open stays open when its token is revoked, and nothing new opens; how long it may stay is for Envoy to say.
pub async fn come_when_envoy_says(context: &Context) {
    let parts = Parts::start(context, json!({ "on_revoked": "keep" }), |config| {
        let routes = config.pointer_mut(&format!("{MANAGER}/route_config/virtual_hosts/0/routes")).unwrap();
        let route = &mut routes.as_array_mut().unwrap().last_mut().unwrap()["route"];
        route["max_stream_duration"] = json!({ "max_stream_duration": "5s" });
    })
    .await;
    let token = parts.token("1", 600);
    let mut socket = parts.web_socket(&token).await;
    parts.revoke("1", &token).await;
    lives(&mut socket).await;
    assert_eq!(until(&mut socket, |_| false).await, "", "and ends by max_stream_duration");
    parts.gateway.no_vm_was_replaced().await;
}
