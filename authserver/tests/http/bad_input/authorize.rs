//! The authorization endpoint: where a mistake is told, and to whom (RFC 6749 §3.1, §4.1.2.1; RFC 9700 §2.1, §4.1).

use crate::support::{CALLBACK, CHALLENGE, Server, client, encode, request};
use bearward::model::GrantType;
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
    ("an encoded user", "http://127.0.0.1:8400%40evil.example/callback"),
    ("a path parameter", "http://127.0.0.1:8400/callback;x"),
    ("a dot behind", "http://127.0.0.1:8400/callback/."),
    ("a backslash for a slash", "http://127.0.0.1:8400\\callback"),
    ("one slash", "http:/127.0.0.1:8400/callback"),
    ("three slashes", "http:///127.0.0.1:8400/callback"),
    ("loopback in version 4 within version 6", "http://[::ffff:127.0.0.1]:8400/callback"),
    ("full-width dots", "http://127\u{3002}0\u{3002}0\u{3002}1:8400/callback"),
    ("a character without width", "http://127.0.0.1:8400/callback\u{200b}"),
    ("space behind", "http://127.0.0.1:8400/callback "),
    ("an encoded NUL", "http://127.0.0.1:8400/callback%00"),
    ("encoded once more", "http%3A%2F%2F127.0.0.1%3A8400%2Fcallback"),
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
    ("6749 §3.1.1: no two response_types at once", ("response_type", "code token"), "unsupported_response_type"),
    ("6749 §3.1.1: in no order", ("response_type", "token code"), "unsupported_response_type"),
    ("6749 §3.1.1: nor one twice", ("response_type", "code code"), "unsupported_response_type"),
    ("6749 §3.1.1: response_types have case", ("response_type", "Code"), "unsupported_response_type"),
    ("6749 §3.1.1: and no space", ("response_type", "code "), "unsupported_response_type"),
    ("6749 §3.3: no control character", ("scope", "orders:read\u{1}"), "invalid_scope"),
    ("6749 §3.3: visible ASCII", ("scope", "orders:r\u{e9}ad"), "invalid_scope"),
    ("6749 §3.3: a scope nobody has", ("scope", "admin"), "invalid_scope"),
    ("6749 §3.3: no scope at all in it", ("scope", "a\\b"), "invalid_scope"),
    ("7636 §4.4.1: a challenge is required", ("code_challenge", ""), "invalid_request"),
    ("7636 §4.4.1: S256, not plain", ("code_challenge_method", "plain"), "invalid_request"),
    ("7636 §4.3: no method means plain", ("code_challenge_method", ""), "invalid_request"),
    ("7636 §4.3: methods have case", ("code_challenge_method", "s256"), "invalid_request"),
    ("7636 §4.3: a method there is not", ("code_challenge_method", "S512"), "invalid_request"),
    ("7636 §4.2: 43 characters", ("code_challenge", "abc"), "invalid_request"),
    ("7636 §4.2: not 42", ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c"), "invalid_request"),
    ("7636 §4.2: not 44", ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMA"), "invalid_request"),
    ("7636 §4.2: no padding", ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="), "invalid_request"),
    ("7636 §4.2: base64url", ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), "invalid_request"),
    ("7636 §4.2: 256 bits", ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"), "invalid_request"),
];

/// RFC 6749 §4.1.2.1: what is wrong beside client and redirect_uri is told to the client, state and all.
#[tokio::test]
async fn what_is_told_to_the_client() {
    let server = Server::start().await;
    for (rule, change, error) in TOLD {
        let answer = server.get(&asking(CALLBACK, &[*change])).await.returned();
        assert_eq!((answer["error"].as_str(), answer["state"].as_str()), (*error, "s"), "{rule}");
        let allowed = |b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(answer["error_description"].bytes().all(allowed), "{rule}: RFC 6749 §4.1.2.1");
        let explained = answer["error_description"].contains("code_challenge");
        assert!(explained || !rule.starts_with("7636"), "{rule}: RFC 7636 §4.4.1");
        assert!(!answer.contains_key("code"), "{rule}");
    }
}

/// A rule, and what breaks it behind a good request.
pub(super) const UNREADABLE: &[(&str, &str)] = &[
    ("6749 §3.1: client_id twice", "&client_id=demo-spa"),
    ("6749 §3.1: redirect_uri twice", "&redirect_uri=https://evil.example/"),
    ("6749 §3.1: state twice", "&state=s"),
    ("6749 §3.1: response_type twice", "&response_type=code"),
    ("6749 §3.1: scope twice", "&scope=orders:read&scope=orders:write"),
    ("6749 §3.1: twice, however written", "&%73tate=s"),
    ("6749 §3.1: twice, one without a value", "&state="),
    ("6749 §3.1: twice, known or not", "&x=1&x=1"),
    ("7636 §4.3: code_challenge twice", "&code_challenge=x"),
    ("6749 app. B: UTF-8", "&x=%ff"),
    ("6749 app. B: whole escapes", "&x=%"),
    ("6749 app. A: no NUL", "&x=%00"),
];

/// RFC 6749 §3.1: no parameter twice; whom to tell is not known then.
#[tokio::test]
async fn what_cannot_be_read_is_told_to_nobody() {
    let server = Server::start().await;
    let good = asking(CALLBACK, &[]);
    for (rule, query) in UNREADABLE {
        let answer = server.get(&format!("{good}{query}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{rule}");
    }
    // Nor by POST: there the body is the request, whatever the query says.
    let posted = server.post(&good, None, vec![]).await;
    assert_eq!((posted.status, posted.header("location")), (StatusCode::BAD_REQUEST, ""));
}

#[tokio::test]
async fn get_and_post_and_nothing_else() {
    let server = Server::start().await;
    let good = asking(CALLBACK, &[]);
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = server.send(request(method, &good, &[], b"")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let unknown = server.get(&format!("{good}&unknown=1")).await;
    assert!(unknown.location().starts_with("/login?"), "6749 §3.1: unknown parameters are ignored");
    let empty = server.get(&asking(CALLBACK, &[("scope", ""), ("prompt", ""), ("response_mode", "")])).await;
    assert!(empty.location().starts_with("/login?"), "6749 §3.1: without a value they are omitted");
}

/// RFC 6749 §3.1.2 and §3.1.2.3.
#[tokio::test]
async fn a_redirect_uri_keeps_its_query_and_is_named_if_there_are_several() {
    let server = Server::start().await;
    let mut one = client("one", Some("s"), &[GrantType::AuthorizationCode]);
    one.redirect_uris = vec!["https://one.example/cb?tenant=a%20b&x".to_owned()];
    let mut two = client("two", Some("s"), &[GrantType::AuthorizationCode]);
    two.redirect_uris = vec!["https://two.example/a".to_owned(), "https://two.example/b".to_owned()];
    for client in [&one, &two] {
        server.app.store.create_client(client).await.unwrap();
    }
    let mut browser = server.browser_of_alice().await;
    let asked = browser.authorize(vec![("response_type", "code"), ("client_id", "one"), ("state", "s")]).await;
    let location = browser.allow(&asked).await.location();
    assert!(location.starts_with("https://one.example/cb?tenant=a%20b&x&code=bw_ac_"), "{location}");
    let unnamed = browser.authorize(vec![("response_type", "code"), ("client_id", "two")]).await;
    assert_eq!((unnamed.status, unnamed.header("location")), (StatusCode::BAD_REQUEST, ""));
    for uri in ["https://two.example/a", "https://two.example/b"] {
        let named = vec![("response_type", "code"), ("client_id", "two"), ("redirect_uri", uri), ("scope", "admin")];
        let told = browser.authorize(named).await;
        assert!(told.location().starts_with(&format!("{uri}?error=invalid_scope")));
        assert!(!told.location().contains("state="), "6749 §4.1.2.1: no state came, so none goes back");
    }
}

/// RFC 6749 §4.1.2.1: what came as `state` goes back as it was, whatever it holds, also with an error.
#[tokio::test]
async fn state_goes_back_as_it_came() {
    let server = Server::start().await;
    let long = "s".repeat(8192);
    for state in ["a b+c&d=e#f", "%41%zz", "\u{e9}\u{1f600}", "a\r\nset-cookie: x=y", "\"<script>'\\", long.as_str()] {
        let returned = server.get(&asking(CALLBACK, &[("state", state), ("scope", "admin")])).await;
        assert_eq!((returned.returned()["state"].as_str(), returned.header("set-cookie")), (state, ""));
        assert_eq!((returned.header("cache-control"), returned.header("pragma")), ("no-store", "no-cache"));
    }
    let mut browser = server.browser_of_alice().await;
    let page = browser.authorize(vec![
        ("response_type", "code"),
        ("client_id", "demo-web"),
        ("response_mode", "form_post"),
        ("state", "\"><script>alert(1)</script>"),
        ("scope", "admin"),
    ]);
    let page = page.await;
    assert!(page.body.contains("invalid_scope") && !page.body.contains("<script>alert"), "{}", page.body);
}
