//! Invariant 2: no input can stop the filter's VM.

use crate::oauth::Oauth;
use bearward_tests::stack::Stack;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub async fn harm_nobody(stack: &Stack) {
    let token = Oauth::service(stack).client_credentials(&[]).await.access;
    let vms = stack.envoy.stat("wasm.envoy.wasm.runtime.v8.created").await.unwrap();
    let good = |value: &str| format!("authorization: {}\r\n", value.replace("TOKEN", &token)).into_bytes();
    let refused: &[(&str, Vec<u8>)] = &[
        ("not UTF-8", b"authorization: Bearer \xff\xfe\x80\r\n".to_vec()),
        ("not UTF-8 after a good token", [&good("Bearer TOKEN")[..], b"authorization: \xff\r\n"].concat()),
        ("not UTF-8, no scheme", b"authorization: \xc3\x28\r\n".to_vec()),
        ("twice the same", [good("Bearer TOKEN"), good("Bearer TOKEN")].concat()),
        ("twice, the second junk", [good("Bearer TOKEN"), good("Bearer junk")].concat()),
        ("twice, the second another scheme", [good("Bearer TOKEN"), good("Basic eDp5")].concat()),
        ("joined by a comma", good("Bearer TOKEN,Bearer TOKEN")),
        ("joined by a comma and a space", good("Bearer TOKEN, Bearer TOKEN")),
        ("a comma at the end", good("Bearer TOKEN,")),
        ("huge", good(&format!("Bearer {}", "a".repeat(50_000)))),
        ("huge, three parts", good(&format!("Bearer {0}.{0}.{0}", "a".repeat(15_000)))),
        ("huge scheme", good(&"B".repeat(50_000))),
        ("a good token with a tail", good("Bearer TOKEN x")),
        ("a good token with two spaces before", good("Bearer  TOKEN.")),
        ("a scheme alone", good("Bearer")),
        ("empty", good("")),
        ("another scheme", good("Basic eDp5")),
        ("dots", good("Bearer ..")),
        ("many dots", good(&format!("Bearer {}", ".".repeat(8000)))),
        ("base64 of nothing JSON", good("Bearer AAAA.AAAA.AAAA")),
        ("deep JSON", good(&format!("Bearer {}.e30.AAAA", "W1tb".repeat(1500)))),
    ];
    for (name, headers) in refused {
        let status = raw(stack, b"/orders/1", headers).await;
        assert!(matches!(status, 400 | 401), "{name}: {status}");
    }
    // Larger than Envoy takes headers at all.
    assert_eq!(raw(stack, b"/orders/1", &good(&"a".repeat(100_000))).await, 431);
    // Hostile bytes elsewhere than in the credential.
    assert_eq!(
        raw(stack, b"/orders/1", &[&good("Bearer TOKEN")[..], b"x-auth-subject: \xff\xfe\r\n"].concat()).await,
        200
    );
    assert_eq!(raw(stack, b"/orders/1", &[&good("Bearer TOKEN")[..], b"x-other: \xff\xfe\r\n"].concat()).await, 200);
    let status = raw(stack, b"/orders/\xff\xfe", &good("Bearer TOKEN")).await;
    assert!((400..500).contains(&status), "a path that is not UTF-8: {status}");
    // The scheme's case does not matter, RFC 9110 §11.1.
    assert_eq!(raw(stack, b"/orders/1", &good("bearer TOKEN")).await, 200);

    assert_eq!(stack.status("/orders/1", &token).await.unwrap(), 200);
    assert_eq!(stack.envoy.stat("vm_reload").await.unwrap(), 0, "a VM crashed");
    assert_eq!(stack.envoy.stat("wasm.envoy.wasm.runtime.v8.created").await.unwrap(), vms, "a VM was replaced");
    let log = stack.envoy.child.tail(1000);
    assert!(!log.contains("panicked") && !log.contains("Proxy-Wasm plugin in-VM backtrace"), "{log}");
}

/// The status of a request written byte by byte.
async fn raw(stack: &Stack, path: &[u8], headers: &[u8]) -> u16 {
    let host = stack.url.strip_prefix("http://").unwrap();
    let start = [b"GET ", path, b" HTTP/1.1\r\nhost: ", host.as_bytes(), b"\r\nconnection: close\r\n"].concat();
    let request = [&start[..], headers, b"\r\n"].concat();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let exchange = async {
        // Envoy may answer and close before it has read all of it.
        let _ = stream.write_all(&request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), exchange).await.expect("an answer");
    let text = String::from_utf8_lossy(&answer);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.unwrap_or_else(|| panic!("not an answer: {text:?}"))
}
