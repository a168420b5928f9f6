//! Pushed authorization requests, RFC 9126.

use crate::support::{Answer, CALLBACK, CHALLENGE, Pairs, Server, WEB, client, encode};
use bearward::model::GrantType;
use http::StatusCode;

fn pairs<'a>(change: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let mut pairs =
        vec![("response_type", "code"), ("redirect_uri", CALLBACK), ("scope", "orders:read"), ("state", "s")];
    for (name, value) in change {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name, value));
    }
    pairs
}

async fn push(server: &Server, change: &[(&str, &str)]) -> Answer {
    server.post("/oauth2/par", WEB, pairs(change)).await
}

#[track_caller]
fn request_uri(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"), "{}", answer.body);
    assert_eq!(answer.json()["expires_in"], 90);
    let uri = answer.json()["request_uri"].as_str().unwrap().to_owned();
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");
    uri
}

#[tokio::test]
async fn a_pushed_request_is_used_once_by_its_client_in_time() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let uri = request_uri(&push(&server, &[("scope", "orders:write")]).await);
    // Parameters beside it count for nothing (RFC 9126 §4).
    let with = |client_id: &'static str| {
        vec![("client_id", client_id), ("request_uri", uri.as_str()), ("scope", "orders:read"), ("state", "evil")]
    };
    let stolen = browser.authorize(with("demo-spa")).await;
    assert_eq!((stolen.status, stolen.header("location")), (StatusCode::BAD_REQUEST, ""));
    let asked = browser.authorize(with("demo-web")).await;
    let returned = browser.allow(&asked).await.returned();
    assert_eq!(returned["state"], "s");
    let answer = server.redeem("demo-web", &returned["code"]).await.json();
    assert_eq!(answer["scope"], "orders:write");
    let again = browser.authorize(with("demo-web")).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::BAD_REQUEST, ""));
    let late = request_uri(&push(&server, &[]).await);
    server.clock.advance(90);
    let late = browser.authorize(vec![("client_id", "demo-web"), ("request_uri", &late)]).await;
    assert_eq!((late.status, late.header("location")), (StatusCode::BAD_REQUEST, ""));
    for junk in ["urn:ietf:params:oauth:request_uri:x", "https://evil.example/request.jwt", "urn:x"] {
        let answer = server.get(&format!("/oauth2/authorize?client_id=demo-web&request_uri={junk}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{junk}");
        assert!(!answer.body.contains("evil"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_takes_it() {
    let server = Server::start().await;
    let uri = request_uri(&push(&server, &[]).await);
    let target = format!("/oauth2/authorize?{}", encode(&[("client_id", "demo-web"), ("request_uri", &uri)]));
    let (a, b, c) = tokio::join!(server.get(&target), server.get(&target), server.get(&target));
    let won = [a, b, c].iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_to_the_client_at_once() {
    let server = Server::start().await;
    for (change, error) in [
        ([("redirect_uri", "https://evil.example/cb")], "invalid_request"),
        ([("response_type", "")], "invalid_request"),
        ([("response_type", "id_token")], "unsupported_response_type"),
        ([("response_type", "token")], "unauthorized_client"),
        ([("scope", "admin")], "invalid_scope"),
        ([("resource", "https://evil.example")], "invalid_target"),
        ([("authorization_details", "[]")], "invalid_authorization_details"),
        ([("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
        ([("acr_values", "gold")], "unmet_authentication_requirements"),
        ([("client_id", "demo-spa")], "invalid_request"),
    ] {
        push(&server, &change).await.is_error(400, error);
    }
    server.post("/oauth2/par", None, pairs(&[])).await.is_error(401, "invalid_client");
    server.post("/oauth2/par", Some(("demo-web", "wrong")), pairs(&[])).await.is_error(401, "invalid_client");
    assert_eq!(server.get("/oauth2/par").await.status, StatusCode::METHOD_NOT_ALLOWED);
    // A public client has nothing to prove, and PKCE to use.
    let public = [("client_id", "demo-spa")];
    server.post("/oauth2/par", None, pairs(&public)).await.is_error(400, "invalid_request");
    let pkce = [public[0], ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    request_uri(&server.post("/oauth2/par", None, pairs(&pkce)).await);
}

#[tokio::test]
async fn a_client_or_all_can_be_held_to_pushing() {
    let server = Server::start().await;
    let mut strict = client("strict", Some("s"), &[GrantType::AuthorizationCode]);
    strict.options.require_pushed_authorization_requests = true;
    server.app.store.create_client(&strict).await.unwrap();
    let everyone = Server::with(|config| config.authorization.require_pushed_requests = true).await;
    for (server, id, basic) in [(&server, "strict", Some(("strict", "s"))), (&everyone, "demo-web", WEB)] {
        let mut browser = server.browser_of_alice().await;
        let direct = browser.authorize(pairs(&[("client_id", id)])).await;
        assert_eq!(direct.returned()["error"], "invalid_request");
        let uri = request_uri(&server.post("/oauth2/par", basic, pairs(&[])).await);
        let asked = browser.authorize(vec![("client_id", id), ("request_uri", &uri)]).await;
        assert!(browser.allow(&asked).await.returned().contains_key("code"));
    }
}

/// RFC 9126 §2.3: whoever proves nothing stores no more than so much, from one network, of both kinds together.
#[tokio::test]
async fn who_proves_nothing_cannot_fill_the_database() {
    let server = Server::with(|config| config.authorization.stored_requests_per_address = 3).await;
    let device = client("tv", None, &[GrantType::DeviceCode]);
    server.app.store.create_client(&device).await.unwrap();
    let from = async |path: &str, pairs: Pairs<'_>, address: &str| {
        server.post_with(path, None, pairs, &[("x-forwarded-for", address)]).await
    };
    let spa = pairs(&[("client_id", "demo-spa"), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
    let push = async |address| from("/oauth2/par", spa.clone(), address).await;
    let start = async |address| from("/oauth2/device_authorization", vec![("client_id", "tv")], address).await;
    // What is refused anyhow stores nothing and counts for nothing.
    for _ in 0..4 {
        from("/oauth2/par", pairs(&[("client_id", "demo-spa")]), "2001:db8::1").await.is_error(400, "invalid_request");
    }
    assert_eq!(push("2001:db8::1").await.status, StatusCode::CREATED);
    assert_eq!(start("2001:db8::2").await.status, StatusCode::OK);
    assert_eq!(push("2001:db8::3").await.status, StatusCode::CREATED);
    for answer in [push("2001:db8::4").await, start("2001:db8::4").await] {
        answer.is_error(429, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), "300");
    }
    assert_eq!(push("2001:db8:0:1::1").await.status, StatusCode::CREATED, "another network");
    let proven = server.post_with("/oauth2/par", WEB, pairs(&[]), &[("x-forwarded-for", "2001:db8::1")]).await;
    assert_eq!(proven.status, StatusCode::CREATED, "who proves itself answers for itself");
    server.clock.advance(300);
    assert_eq!(start("2001:db8::1").await.status, StatusCode::OK);
}
