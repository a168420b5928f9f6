//! What comes after a request's headers, in a real Envoy: trailers, and the two ways of a WebSocket. Client and service
//! are plain sockets, so that nothing between them and Envoy tidies up.

use crate::context::Context;
use crate::gateway::Gateway;
use axum::Router;
use axum::routing::post;
use bearward_tests::issuer::{self, Issuer, claims};
use bearward_tests::{demo, wait};
use bearward_token::feed::Subject;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const PATIENCE: Duration = Duration::from_secs(20);

/// A service that keeps every byte it gets. It answers a chunked request after its trailers, and takes a WebSocket, where
/// it says each byte back.
struct Service {
    address: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::<Mutex<Vec<String>>>::default();
        let all = got.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(Self::serve(socket, all.clone()));
            }
        });
        Self { address, got, task }
    }

    async fn serve(mut socket: TcpStream, got: Arc<Mutex<Vec<String>>>) {
        let request = until(&mut socket, |text| {
            text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                is_upgrade(head)
                    || (body.starts_with("0\r\n") || body.contains("\r\n0\r\n")) && body.ends_with("\r\n\r\n")
            })
        })
        .await;
        let upgrade = is_upgrade(&request);
        got.lock().unwrap().push(request);
        let answer = if upgrade {
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        };
        let _gone = socket.write_all(answer.as_bytes()).await;
        let mut bytes = [0; 1024];
        while upgrade && let Ok(size @ 1..) = socket.read(&mut bytes).await {
            let _gone = socket.write_all(&bytes[..size]).await;
        }
    }

    /// What it got so far.
    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn is_upgrade(head: &str) -> bool {
    head.to_ascii_lowercase().contains("upgrade: websocket")
}

/// Reads until there is enough, or no more.
async fn until(socket: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut all = Vec::new();
    let read = async {
        let mut bytes = [0; 1024];
        while let Ok(size @ 1..) = socket.read(&mut bytes).await {
            all.extend_from_slice(&bytes[..size]);
            if enough(&String::from_utf8_lossy(&all)) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("an end");
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends these bytes, and reads the head of what is answered.
async fn open(gateway: &Gateway, bytes: &str) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(gateway.url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let head = until(&mut socket, |text| text.contains("\r\n\r\n")).await;
    (socket, head)
}

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

/// Envoy with trailers and WebSockets, before that service.
fn before(service: &Service, config: &mut Value) {
    let manager = config.pointer_mut(MANAGER).unwrap();
    manager["http_protocol_options"] = json!({ "enable_trailers": true });
    manager["upgrade_configs"] = json!([{ "upgrade_type": "websocket" }]);
    let clusters = config["static_resources"]["clusters"].as_array_mut().unwrap();
    let echo = clusters.iter_mut().find(|cluster| cluster["name"] == "echo").unwrap();
    let port = service.address.port();
    let address = json!({ "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } } });
    echo["load_assignment"]["endpoints"][0]["lb_endpoints"] = json!([{ "endpoint": address }]);
    echo["typed_extension_protocol_options"] = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http_protocol_options": { "enable_trailers": true } },
    } });
}

async fn until_it_opens(gateway: &Gateway, service: &Service, token: &str) {
    wait::until("a token to open a route", PATIENCE, async || {
        let (_, head) = open(gateway, &upgrade("/orders/ready", token)).await;
        if head.starts_with("HTTP/1.1 101 ") { Ok(()) } else { Err(head) }
    })
    .await
    .unwrap();
    service.got.lock().unwrap().clear();
}

fn upgrade(path: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-auth-subject: mallory\r\n\r\n"
    )
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
    let got = service.got();
    assert_eq!(got.len(), 3, "{got:?}");
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

/// What is open when its token is revoked stays open, and nothing new opens; how long it may stay is for Envoy to say.
pub async fn end_when_envoy_says(context: &Context) {
    let (issuer, service) = (Issuer::new().unwrap(), Service::start().await);
    let (_open, released) = watch::channel(true);
    let gateway = Gateway::start(context, 1, authserver(&issuer, released), plugin, |config| {
        before(&service, config);
        let routes = config.pointer_mut(&format!("{MANAGER}/route_config/virtual_hosts/0/routes")).unwrap();
        let route = &mut routes.as_array_mut().unwrap().last_mut().unwrap()["route"];
        route["max_stream_duration"] = json!({ "max_stream_duration": "5s" });
    })
    .await;
    let claims = claims(&gateway.url, demo::AUDIENCE, "", "1");
    let token = issuer.es256(&issuer::header("ES256", issuer::ES256), &claims).unwrap();
    until_it_opens(&gateway, &service, &token).await;
    let (mut socket, head) = open(&gateway, &upgrade("/orders/socket", &token)).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    issuer.revoke(Subject::Token("1"));
    wait::until("the revocation", PATIENCE, async || {
        let (_, head) = open(&gateway, &upgrade("/orders/socket", &token)).await;
        if head.starts_with("HTTP/1.1 401 ") { Ok(()) } else { Err(head) }
    })
    .await
    .unwrap();
    socket.write_all(b"ping").await.unwrap();
    assert_eq!(until(&mut socket, |text| text == "ping").await, "ping", "it was decided when it began");
    assert_eq!(until(&mut socket, |_| false).await, "", "and ends by max_stream_duration");
    gateway.no_vm_was_replaced().await;
}
