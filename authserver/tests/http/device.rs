//! The device grant, RFC 8628.

use crate::support::{Answer, Browser, ISSUER, Server, claims, client};
use bearward::model::GrantType;
use http::StatusCode;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn server() -> Server {
    let server = Server::start().await;
    for id in ["tv", "other"] {
        let client = client(id, None, &[GrantType::DeviceCode, GrantType::RefreshToken]);
        server.app.store.create_client(&client).await.unwrap();
    }
    server
}

/// The device's code and the person's.
async fn start(server: &Server) -> (String, String) {
    let pairs = vec![("client_id", "tv"), ("scope", "orders:read orders:write admin")];
    let answer = server.post("/oauth2/device_authorization", None, pairs).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{}", answer.body);
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    assert_eq!((json["expires_in"].as_i64(), json["interval"].as_i64()), (Some(600), Some(5)));
    assert_eq!(text("verification_uri"), format!("{ISSUER}/device"));
    assert_eq!(text("verification_uri_complete"), format!("{ISSUER}/device?user_code={}", text("user_code")));
    (text("device_code"), text("user_code"))
}

async fn poll(server: &Server, code: &str) -> Answer {
    server.token(None, vec![("grant_type", GRANT), ("client_id", "tv"), ("device_code", code)]).await
}

/// Types the code on the page; the answer to that.
async fn type_code(browser: &mut Browser<'_>, typed: &str) -> Answer {
    let page = browser.get("/device").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    browser.post("/device", vec![("user_code", typed), ("csrf", &page.field("csrf"))]).await
}

async fn decide(browser: &mut Browser<'_>, typed: &str, decision: &str) -> Answer {
    let answer = type_code(browser, typed).await;
    let page = browser.follow(&answer).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("The device that shows the code"), "{}", page.body);
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    browser.post("/consent", vec![("continue", &sealed), ("csrf", &csrf), ("decision", decision)]).await
}

#[tokio::test]
async fn a_person_connects_a_device() {
    let server = server().await;
    let (code, user_code) = start(&server).await;
    poll(&server, &code).await.is_error(400, "authorization_pending");
    let mut browser = server.browser_of_alice().await;
    let done = decide(&mut browser, &user_code.to_lowercase().replace('-', " "), "allow").await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(done.body.contains("Your device is connected"), "{}", done.body);
    let answer = poll(&server, &code).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json = answer.json();
    let token = claims(json["access_token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["client_id"]), (&"person-alice".into(), &"tv".into()));
    assert_eq!(json["scope"], "orders:read orders:write");
    let refresh = vec![
        ("grant_type", "refresh_token"),
        ("client_id", "tv"),
        ("refresh_token", json["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(server.token(None, refresh.clone()).await.status, StatusCode::OK);
    // Redeemed twice: stolen, so what it gave ends.
    poll(&server, &code).await.is_error(400, "invalid_grant");
    server.token(None, refresh).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_first() {
    let server = server().await;
    let (code, user_code) = start(&server).await;
    let mut browser = server.browser();
    // The link that the device shows as a picture: the code is there already, nothing else happens by itself.
    let page = browser.get(&format!("/device?user_code={user_code}")).await;
    assert!(page.body.contains(&format!("value=\"{user_code}\"")), "{}", page.body);
    let consent = browser.post("/device", vec![("user_code", &user_code), ("csrf", &page.field("csrf"))]).await;
    let login = browser.follow(&consent).await;
    let page = browser.follow(&login).await;
    assert!(page.body.contains("Client tv"), "{}", page.body);
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let pairs = vec![
        ("continue", sealed.as_str()),
        ("csrf", csrf.as_str()),
        ("username", "alice"),
        ("password", crate::support::PASSWORD),
    ];
    let signed_in = browser.post("/login", pairs).await;
    let done = browser.allow(&signed_in).await;
    assert!(done.body.contains("connected"), "{}", done.body);
    assert_eq!(poll(&server, &code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_device_that_asks_too_often_waits_longer_each_time() {
    let server = server().await;
    let (code, _) = start(&server).await;
    // RFC 8628 §3.5: five seconds more for this and all that follow.
    for (after, error) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (15, "authorization_pending"),
        (14, "slow_down"),
        (20, "authorization_pending"),
    ] {
        server.clock.advance(after);
        poll(&server, &code).await.is_error(400, error);
    }
}

#[tokio::test]
async fn a_code_is_denied_expires_and_is_its_clients_own() {
    let server = server().await;
    let mut browser = server.browser_of_alice().await;
    let (code, user_code) = start(&server).await;
    let pairs = |client| vec![("grant_type", GRANT), ("client_id", client), ("device_code", code.as_str())];
    server.token(None, pairs("other")).await.is_error(400, "invalid_grant");
    server.token(None, pairs("demo-spa")).await.is_error(400, "unauthorized_client");
    server.token(None, vec![("grant_type", GRANT), ("client_id", "tv")]).await.is_error(400, "invalid_request");
    poll(&server, "junk").await.is_error(400, "invalid_grant");
    // A device code is no authorization code.
    let web = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
    server.token(crate::support::WEB, web).await.is_error(400, "invalid_grant");

    let done = decide(&mut browser, &user_code, "deny").await;
    assert!(done.body.contains("not connected"), "{}", done.body);
    for _ in 0..2 {
        poll(&server, &code).await.is_error(400, "access_denied");
    }
    let again = type_code(&mut browser, &user_code).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "decided is decided");

    let (code, user_code) = start(&server).await;
    server.clock.advance(600);
    poll(&server, &code).await.is_error(400, "expired_token");
    assert_eq!(type_code(&mut browser, &user_code).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Agreed to at the last moment: there is time for a poll.
    let (code, user_code) = start(&server).await;
    server.clock.advance(599);
    decide(&mut browser, &user_code, "allow").await;
    server.clock.advance(30);
    assert_eq!(poll(&server, &code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_is_not_fooled() {
    let server = server().await;
    let (_, user_code) = start(&server).await;
    let mut browser = server.browser_of_alice().await;
    // A consent given before does not count here.
    decide(&mut browser, &user_code, "allow").await;
    let (_, user_code) = start(&server).await;
    let asked = type_code(&mut browser, &user_code).await;
    assert!(browser.follow(&asked).await.body.contains("It asks for your permission"));
    // Without the page's own form, or from another site, nothing happens.
    let posted = browser.post("/device", vec![("user_code", &user_code), ("csrf", "x")]).await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    let headers = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let page = browser.get("/device").await;
    let csrf = page.field("csrf");
    let posted = browser.post_with("/device", vec![("user_code", &user_code), ("csrf", &csrf)], &headers).await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    // What is no code is not shown again.
    let page = browser.get("/device?user_code=%3Cscript%3E").await;
    assert!(!page.body.contains("script"), "{}", page.body);
    assert_eq!(page.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn guesses_at_user_codes_are_limited() {
    let server = server().await;
    let (_, user_code) = start(&server).await;
    let mut browser = server.browser_of_alice().await;
    for _ in 0..20 {
        assert_eq!(type_code(&mut browser, "BBBB-BBBB").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(type_code(&mut browser, &user_code).await.status, StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance(900);
    let (_, user_code) = start(&server).await;
    assert_eq!(type_code(&mut browser, &user_code).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_endpoint_is_for_clients_registered_for_it() {
    let server = server().await;
    let path = "/oauth2/device_authorization";
    server.post(path, None, vec![]).await.is_error(401, "invalid_client");
    server.post(path, None, vec![("client_id", "nobody")]).await.is_error(401, "invalid_client");
    server.post(path, None, vec![("client_id", "demo-spa")]).await.is_error(400, "unauthorized_client");
    server.post(path, None, vec![("client_id", "tv"), ("scope", "admin")]).await.is_error(400, "invalid_scope");
    let answer = server.post(path, None, vec![("client_id", "tv")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn polls_that_race_get_one_token() {
    let server = server().await;
    let mut browser = server.browser_of_alice().await;
    let (code, user_code) = start(&server).await;
    decide(&mut browser, &user_code, "allow").await;
    let ask = || poll(&server, &code);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let won = [a, b, c, d].iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(won, 1);
}
