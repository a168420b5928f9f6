//! A client and a service that are plain sockets, on both sides of Envoy, so that nothing between them and Envoy tidies up.

use crate::gateway::Gateway;
use bearward_tests::wait;
use bytes::Bytes;
use h2::client::SendRequest;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A service that keeps every byte it gets. It answers a chunked request after its trailers, and takes a WebSocket, where
/// it says each byte back. Of [`LONG`] it begins to send something that has no end; and [`SILENT`] says nothing at all.
pub struct Service {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    got: Vec<String>,
    /// The paths of what went on until it was broken off.
    broken_off: Vec<String>,
}

pub const LONG: &str = "/orders/long";
pub const SILENT: &str = "/orders/silent";

impl Service {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let all = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(Self::serve(socket, all.clone()));
            }
        });
        Self { address, seen, task }
    }

    async fn serve(mut socket: TcpStream, seen: Arc<Mutex<Seen>>) {
        let request = until(&mut socket, |text| {
            text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                goes_on(head).is_some()
                    || (body.starts_with("0\r\n") || body.contains("\r\n0\r\n")) && body.ends_with("\r\n\r\n")
            })
        })
        .await;
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let goes_on = goes_on(&request);
        seen.lock().unwrap().got.push(request);
        let answer = goes_on.unwrap_or("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _gone = socket.write_all(answer.as_bytes()).await;
        let Some(answer) = goes_on else { return };
        let mut bytes = [0; 1024];
        while let Ok(size @ 1..) = socket.read(&mut bytes).await {
            if answer == SWITCHED {
                let _gone = socket.write_all(&bytes[..size]).await;
            }
        }
        seen.lock().unwrap().broken_off.push(path);
    }

    /// What it got so far.
    pub fn got(&self) -> Vec<String> {
        self.seen.lock().unwrap().got.clone()
    }

    /// The paths of what went on until it was broken off, so far.
    pub fn broken_off(&self) -> Vec<String> {
        self.seen.lock().unwrap().broken_off.clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";

/// How the answer begins, if it goes on from then on.
fn goes_on(request: &str) -> Option<&'static str> {
    let path = request.split(' ').nth(1).unwrap_or_default();
    match path {
        LONG => Some("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        SILENT => Some(""),
        _ => request.to_ascii_lowercase().contains("upgrade: websocket").then_some(SWITCHED),
    }
}

/// Reads until there is enough, or no more.
pub async fn until(socket: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
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
pub async fn open(gateway: &Gateway, bytes: &str) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(gateway.url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let head = until(&mut socket, |text| text.contains("\r\n\r\n")).await;
    (socket, head)
}

/// Envoy with trailers and WebSockets, before that service.
pub fn before(service: &Service, config: &mut Value) {
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

/// A connection of HTTP/2.
pub async fn http2(gateway: &Gateway) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(gateway.url.trim_start_matches("http://")).await.unwrap();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    client
}

pub async fn until_it_opens(gateway: &Gateway, service: &Service, token: &str) {
    wait::until("a token to open a route", PATIENCE, async || {
        let (_, head) = open(gateway, &upgrade("/orders/ready", token)).await;
        if head.starts_with("HTTP/1.1 101 ") { Ok(()) } else { Err(head) }
    })
    .await
    .unwrap();
    *service.seen.lock().unwrap() = Seen::default();
}

pub fn upgrade(path: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-auth-subject: mallory\r\n\r\n"
    )
}
