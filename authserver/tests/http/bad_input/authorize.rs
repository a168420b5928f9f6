//! The authorization endpoint: where a mistake is told, and to whom (RFC 6749 §3.1, §4.1.2.1; RFC 9700 §2.1, §4.1).

use crate::support::{CALLBACK, CHALLENGE, Server, encode, request};
use http::{Method, StatusCode};

fn asking<'a>(redirect_uri: &'a str, more: &[(&'a str, &'a str)]) -> String {
    let mut pairs = vec![("response_type", "code"), ("client_id", "demo-spa"), ("redirect_uri", redirect_uri)];
    pairs.extend([("state", "s"), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
    for (name, value) in more {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name, value));
    }
    format!("/oauth2/authorize?{}", encode(&pairs))
}

/// Registered: `http://127.0.0.1:8400/callback`.
pub(super) const TRICKS: &[(&str, &str)] = &[
    ("another path", "http://127.0.0.1:8400/other"),
    ("case of the path", "http://127.0.0.1:8400/Callback"),
    ("case of the scheme", "HTTP://127.0.0.1:8400/callback"),
    ("another scheme", "https://127.0.0.1:8400/callback"),
    ("a slash more", "http://127.0.0.1:8400/callback/"),
    ("two slashes", "http://127.0.0.1:8400//callback"),
    ("an encoded slash", "http://127.0.0.1:8400%2Fcallback"),
    ("an encoded letter", "http://127.0.0.1:8400/%63allback"),
    ("a parent directory", "http://127.0.0.1:8400/x/../callback"),
    ("an encoded parent directory", "http://127.0.0.1:8400/callback/%2e%2e/x"),
    ("a query", "http://127.0.0.1:8400/callback?next=http://evil.example"),
    ("an empty query", "http://127.0.0.1:8400/callback?"),
    ("a fragment", "http://127.0.0.1:8400/callback#x"),
    ("an empty fragment", "http://127.0.0.1:8400/callback#"),
    ("a user", "http://127.0.0.1:8400@evil.example/callback"),
    ("a user here", "http://evil@127.0.0.1:8400/callback"),
    ("a backslash", "http://127.0.0.1:8400\\@evil.example/callback"),
    ("a host below", "http://127.0.0.1.evil.example:8400/callback"),
    ("a dot at the end of the host", "http://127.0.0.1.:8400/callback"),
    ("another loopback address", "http://127.0.0.2:8400/callback"),
    ("the name of loopback", "http://localhost:8400/callback"),
    ("loopback in version 6", "http://[::1]:8400/callback"),
    ("loopback as a number", "http://2130706433:8400/callback"),
    ("loopback in octal", "http://0177.0.0.1:8400/callback"),
    ("no scheme", "//127.0.0.1:8400/callback"),
    ("a script", "javascript:alert(1)//http://127.0.0.1:8400/callback"),
    ("data", "data:text/html,x"),
    ("space before", " http://127.0.0.1:8400/callback"),
    ("a line end", "http://127.0.0.1:8400/callback\r\nx: y"),
    ("a tab inside", "http://127.0.0.1:8400/call\tback"),
    ("a wildcard", "http://127.0.0.1:8400/*"),
    ("only the beginning", "http://127.0.0.1:8400/call"),
    ("two at once", "http://127.0.0.1:8400/callback http://evil.example"),
    ("a port that is none", "http://127.0.0.1:99999/callback"),
    ("an empty port", "http://127.0.0.1:/callback"),
];

/// Compared exactly, or the person stays here.
#[tokio::test]
async fn no_trick_with_redirect_uri_leads_away() {
    let server = Server::start().await;
    for (trick, uri) in TRICKS {
        let answer = server.get(&asking(uri, &[])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{trick}");
        assert_eq!(answer.header("location"), "", "{trick}");
        assert!(!answer.body.contains("evil"), "{trick}: nothing of the request is repeated");
    }
    let answer = server.get(&asking(CALLBACK, &[])).await;
    assert!(answer.location().starts_with("/login?"), "what is registered");
}

/// A rule, what breaks it, and the error.
pub(super) const TOLD: &[(&str, (&str, &str), &str)] = &[
    ("6749 §4.1.2.1: response_type is required", ("response_type", ""), "invalid_request"),
    ("6749 §3.1.1: a response_type there is not", ("response_type", "magic"), "unsupported_response_type"),
    ("6749 §3.3: a scope nobody has", ("scope", "admin"), "invalid_scope"),
    ("6749 §3.3: no scope at all in it", ("scope", "a\\b"), "invalid_scope"),
    ("7636 §4.4.1: a challenge is required", ("code_challenge", ""), "invalid_request"),
    ("7636 §4.4.1: S256, not plain", ("code_challenge_method", "plain"), "invalid_request"),
    ("7636 §4.3: no method means plain", ("code_challenge_method", ""), "invalid_request"),
    ("7636 §4.3: methods have case", ("code_challenge_method", "s256"), "invalid_request"),
    ("7636 §4.2: 43 characters", ("code_challenge", "abc"), "invalid_request"),
];

/// RFC 6749 §4.1.2.1: what is wrong beside client and redirect_uri is told to the client, state and all.
#[tokio::test]
async fn what_is_told_to_the_client() {
    let server = Server::start().await;
    for (rule, change, error) in TOLD {
        let answer = server.get(&asking(CALLBACK, &[*change])).await.returned();
        assert_eq!((answer["error"].as_str(), answer["state"].as_str()), (*error, "s"), "{rule}");
        assert!(!answer.contains_key("code"), "{rule}");
    }
}

/// RFC 6749 §3.1: no parameter twice; whom to tell is not known then.
#[tokio::test]
async fn what_cannot_be_read_is_told_to_nobody() {
    let server = Server::start().await;
    let good = asking(CALLBACK, &[]);
    for (rule, query) in [
        ("6749 §3.1: client_id twice", "&client_id=demo-spa"),
        ("6749 §3.1: redirect_uri twice", "&redirect_uri=https://evil.example/"),
        ("6749 §3.1: state twice", "&state=s"),
        ("6749 app. B: UTF-8", "&x=%ff"),
        ("6749 app. A: no NUL", "&x=%00"),
    ] {
        let answer = server.get(&format!("{good}{query}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{rule}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = server.send(request(method, &good, &[], b"")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let unknown = server.get(&format!("{good}&unknown=1")).await;
    assert!(unknown.location().starts_with("/login?"), "6749 §3.1: unknown parameters are ignored");
}
