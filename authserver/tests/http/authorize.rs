//! The authorization endpoint, RFC 6749 §3.1 and §4.1.1, RFC 9207, RFC 7636 §4.4.1.

use crate::support::{CALLBACK, CHALLENGE, ISSUER, Pairs, Server, client, encode, request};
use bearward::model::GrantType;
use http::{Method, StatusCode};

fn pairs<'a>(change: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "demo-spa"),
        ("redirect_uri", CALLBACK),
        ("scope", "orders:read"),
        ("state", "a b&c=\u{e9}"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in change {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name, value));
    }
    pairs
}

#[tokio::test]
async fn the_person_signs_in_agrees_and_goes_back_with_a_code() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let asked = browser.authorize(pairs(&[])).await;
    assert!(asked.location().starts_with("/consent?continue="));
    let returned = browser.allow(&asked).await.returned();
    assert!(returned["code"].starts_with("bw_ac_"));
    assert_eq!((returned["state"].as_str(), returned["iss"].as_str()), ("a b&c=\u{e9}", ISSUER));
    assert_eq!(returned.len(), 3);
}

#[tokio::test]
async fn a_post_is_as_good_as_a_get() {
    let server = Server::start().await;
    let answer = server.post("/oauth2/authorize", None, pairs(&[])).await;
    assert!(answer.location().starts_with("/login?continue="));
    let answer = server.get(&format!("/oauth2/authorize?{}", encode(&pairs(&[])))).await;
    assert!(answer.location().starts_with("/login?continue="));
}

#[tokio::test]
async fn a_wrong_client_or_redirect_uri_is_a_page_never_a_redirect() {
    let server = Server::start().await;
    let mut two = client("two", Some("s"), &[GrantType::AuthorizationCode]);
    two.redirect_uris.push("https://b.example/cb".into());
    server.app.store.create_client(&two).await.unwrap();
    let wrong = [
        [("client_id", ""), ("x", "")],
        [("client_id", "nobody"), ("x", "")],
        [("redirect_uri", "https://evil.example/"), ("x", "")],
        [("redirect_uri", "http://127.0.0.1:8400/callback/../x"), ("x", "")],
        [("redirect_uri", "http://127.0.0.1:8400/callback#x"), ("x", "")],
        [("redirect_uri", "http://127.0.0.1:8400@evil.example/callback"), ("x", "")],
        [("redirect_uri", "http://localhost:8400/callback"), ("x", "")],
        [("redirect_uri", "//evil.example/callback"), ("x", "")],
        [("redirect_uri", "javascript:alert(1)"), ("x", "")],
        [("client_id", "two"), ("redirect_uri", "")],
        [("client_id", "demo-service"), ("redirect_uri", "")],
    ];
    for change in wrong {
        let answer = server.get(&format!("/oauth2/authorize?{}", encode(&pairs(&change)))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change:?}");
        assert_eq!(answer.header("location"), "", "{change:?}");
        assert!(answer.body.contains("Reference"), "{change:?}");
        assert!(!answer.body.contains("evil"), "nothing of the request is repeated");
    }
    for query in ["client_id=demo-spa&client_id=demo-spa", "client_id=%ff", "client_id=%00", ""] {
        let answer = server.get(&format!("/oauth2/authorize?{query}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{query}");
    }
    let json = request(Method::POST, "/oauth2/authorize", &[("content-type", "application/json")], b"{}");
    assert_eq!(server.send(json).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_port_of_a_loopback_address_is_free_and_comes_back() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let uri = "http://127.0.0.1:51234/callback";
    let asked = browser.authorize(pairs(&[("redirect_uri", uri)])).await;
    let answer = browser.allow(&asked).await;
    assert!(answer.location().starts_with("http://127.0.0.1:51234/callback?code="));
}

#[tokio::test]
async fn other_mistakes_are_told_to_the_client() {
    let server = Server::start().await;
    let service = client("no-code", Some("s"), &[GrantType::ClientCredentials]);
    let service = bearward::model::Client { redirect_uris: vec![CALLBACK.into()], ..service };
    server.app.store.create_client(&service).await.unwrap();
    let long = "x".repeat(4097);
    let mistakes = [
        (vec![("response_type", "code token")], "unsupported_response_type"),
        (vec![("response_type", "")], "invalid_request"),
        (vec![("response_mode", "web_message")], "invalid_request"),
        (vec![("client_id", "no-code")], "unauthorized_client"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge", "short")], "invalid_request"),
        (vec![("client_id", "demo-web"), ("code_challenge", "")], "invalid_request"),
        (vec![("scope", "admin")], "invalid_scope"),
        (vec![("scope", "a\"b")], "invalid_scope"),
        (vec![("prompt", "none")], "login_required"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("prompt", "dance")], "invalid_request"),
        (vec![("state", long.as_str())], "invalid_request"),
    ];
    for (change, error) in mistakes {
        let answer = server.get(&format!("/oauth2/authorize?{}", encode(&pairs(&change)))).await;
        let returned = answer.returned();
        assert_eq!(returned["error"], error, "{change:?}");
        assert_eq!(returned["iss"], ISSUER);
        let state = if change[0].0 == "state" { change[0].1 } else { "a b&c=\u{e9}" };
        assert_eq!(returned["state"], state);
        assert!(!returned.contains_key("code"));
    }
}

#[tokio::test]
async fn consent_is_remembered_where_the_client_is_certain() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let web = |scope: &'static str, prompt: &'static str| {
        pairs(&[("client_id", "demo-web"), ("scope", scope), ("prompt", prompt)])
    };
    assert_eq!(browser.authorize(web("orders:read", "none")).await.returned()["error"], "consent_required");
    let asked = browser.authorize(web("orders:read", "")).await;
    browser.allow(&asked).await;
    assert!(browser.authorize(web("orders:read", "")).await.returned().contains_key("code"));
    assert!(browser.authorize(web("orders:read", "none")).await.returned().contains_key("code"));
    assert!(browser.authorize(web("orders:read", "consent")).await.location().starts_with("/consent?"));
    let more = browser.authorize(web("orders:read orders:write", "")).await;
    assert!(more.location().starts_with("/consent?"), "asked again for what is new");
    // RFC 8252 §8.6: any program on the device could pose as this client.
    let asked = browser.authorize(pairs(&[])).await;
    browser.allow(&asked).await;
    assert!(browser.authorize(pairs(&[])).await.location().starts_with("/consent?"));
}

#[tokio::test]
async fn prompt_login_means_signing_in_again() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let to_login = browser.authorize(pairs(&[("prompt", "login")])).await;
    assert!(to_login.location().starts_with("/login?"));
    // Going around the sign-in page leads back to it.
    let around = to_login.location().replace("/login?", "/consent?");
    assert!(browser.get(&around).await.location().starts_with("/login?"));
}

#[tokio::test]
async fn a_session_that_ended_and_a_person_that_was_disabled_are_signed_out() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    server.clock.advance(43_200);
    assert!(browser.authorize(pairs(&[])).await.location().starts_with("/login?"));
    browser.cookies.insert("bearward".into(), "bw_ss_junk".into());
    assert!(browser.authorize(pairs(&[])).await.location().starts_with("/login?"));
}
