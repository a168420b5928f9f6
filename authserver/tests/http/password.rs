//! Resource owner password credentials, RFC 6749 §4.3.

use crate::support::{Answer, ISSUER, PASSWORD, Server, claims, client};
use bearward::config::{Gateway, Secret};
use bearward::gateway;
use bearward::model::{GrantType, RefreshMode};
use http::{Method, StatusCode};
use zeroize::Zeroizing;

const CLIENT: Option<(&str, &str)> = Some(("ropc", "s"));

async fn server() -> Server {
    let server = Server::start().await;
    let grants = [GrantType::Password, GrantType::RefreshToken];
    server.app.store.create_client(&client("ropc", Some("s"), &grants)).await.unwrap();
    server
}

async fn ask(server: &Server, username: &str, password: &str) -> Answer {
    server.token(CLIENT, vec![("grant_type", "password"), ("username", username), ("password", password)]).await
}

#[tokio::test]
async fn a_password_gives_tokens_of_the_person() {
    let server = server().await;
    let answer = ask(&server, " Alice ", PASSWORD).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{}", answer.body);
    let json = answer.json();
    let token = claims(json["access_token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["acr"], &token["iss"]), (&"person-alice".into(), &"pwd".into(), &ISSUER.into()));
    assert_eq!((&json["scope"], &token["client_id"]), (&"orders:read".into(), &"ropc".into()));
    assert!(token["gid"].is_string() && token["auth_time"].is_number());
    let refresh = json["refresh_token"].as_str().unwrap();
    let again = server.token(CLIENT, vec![("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    assert_eq!(claims(again.json()["access_token"].as_str().unwrap())["gid"], token["gid"]);
    // Nobody was asked, so nothing was consented to.
    assert!(server.app.store.consent("person-alice", "ropc").await.unwrap().is_empty());
    let scope = vec![("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("scope", "admin")];
    server.token(CLIENT, scope).await.is_error(400, "invalid_scope");
}

#[tokio::test]
async fn unknown_people_and_wrong_passwords_get_the_same_answer() {
    let server = server().await;
    let (wrong, unknown) = (ask(&server, "alice", "wrong").await, ask(&server, "nobody", PASSWORD).await);
    wrong.is_error(400, "invalid_grant");
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(format!("{:?}", wrong.headers), format!("{:?}", unknown.headers));
    server
        .token(CLIENT, vec![("grant_type", "password"), ("username", "alice")])
        .await
        .is_error(400, "invalid_request");
    server.token(CLIENT, vec![("grant_type", "password"), ("password", "x")]).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn guesses_are_limited_by_account_whether_or_not_it_exists() {
    let server = server().await;
    for name in ["alice", "nobody"] {
        for _ in 0..10 {
            ask(&server, name, "wrong").await.is_error(400, "invalid_grant");
        }
        // Also the right one; and however the name is written.
        let answer = ask(&server, &name.to_uppercase(), PASSWORD).await;
        answer.is_error(429, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), "90");
    }
    server.clock.advance(900);
    assert_eq!(ask(&server, "alice", PASSWORD).await.status, StatusCode::OK);
    for _ in 0..9 {
        ask(&server, "alice", "wrong").await.is_error(400, "invalid_grant");
    }
    assert_eq!(ask(&server, "alice", PASSWORD).await.status, StatusCode::OK, "the last attempt, and it was right");
    ask(&server, "alice", "wrong").await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn guesses_at_the_page_and_at_the_grant_are_counted_together() {
    let server = Server::start().await;
    server.app.store.create_client(&client("ropc", Some("s"), &[GrantType::Password])).await.unwrap();
    for _ in 0..10 {
        ask(&server, "alice", "wrong").await.is_error(400, "invalid_grant");
    }
    let mut browser = server.browser();
    let to_login = browser.get("/account").await;
    let page = browser.follow(&to_login).await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    assert_eq!(browser.post("/login", form).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn guesses_are_limited_by_the_address_that_the_gateway_vouches_for() {
    let secret = "a secret of more than 32 characters";
    let server = Server::with(|config| {
        config.gateway = Gateway { secret: Some(Secret(Zeroizing::new(secret.into()))), ..Gateway::default() };
        config.passwords.attempts_per_address = 2;
    })
    .await;
    server.app.store.create_client(&client("ropc", Some("s"), &[GrantType::Password])).await.unwrap();
    let from = async |name: &str, address: &str, proof_for: &str| {
        let proof = gateway::vouch(secret, server.now(), &Method::POST, "/oauth2/token", "", proof_for);
        let headers = [(gateway::CLIENT_ADDRESS, address), (gateway::VOUCH, proof.as_str())];
        let pairs = vec![("grant_type", "password"), ("username", name), ("password", "wrong")];
        server.post_with("/oauth2/token", CLIENT, pairs, &headers).await
    };
    from("a", "192.0.2.7", "192.0.2.7").await.is_error(400, "invalid_grant");
    from("b", "192.0.2.7", "192.0.2.7").await.is_error(400, "invalid_grant");
    from("c", "192.0.2.7", "192.0.2.7").await.is_error(429, "temporarily_unavailable");
    from("d", "192.0.2.8", "192.0.2.8").await.is_error(400, "invalid_grant");
    // An address that nobody vouches for counts for nothing.
    from("e", "192.0.2.7", "192.0.2.9").await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_can_be_kept_and_lives_as_the_client_is_registered() {
    let server = Server::start().await;
    let mut keeps = client("ropc", Some("s"), &[GrantType::Password, GrantType::RefreshToken]);
    keeps.options.refresh_mode = RefreshMode::Preserve;
    (keeps.options.refresh_lifetime, keeps.options.refresh_absolute_lifetime) = (Some(1000), Some(2500));
    server.app.store.create_client(&keeps).await.unwrap();
    let first = ask(&server, "alice", PASSWORD).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let refresh = async || server.token(CLIENT, vec![("grant_type", "refresh_token"), ("refresh_token", &first)]).await;
    for _ in 0..2 {
        server.clock.advance(900);
        let answer = refresh().await;
        assert_eq!(answer.json()["refresh_token"], first.as_str(), "{}", answer.body);
    }
    server.clock.advance(699);
    assert_eq!(refresh().await.status, StatusCode::OK);
    server.clock.advance(1);
    refresh().await.is_error(400, "invalid_grant");

    // Idle: not used for as long as it lives.
    let second = ask(&server, "alice", PASSWORD).await.json()["refresh_token"].as_str().unwrap().to_owned();
    server.clock.advance(1000);
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", second.as_str())];
    server.token(CLIENT, pairs).await.is_error(400, "invalid_grant");

    // Revoked, it gives nothing; nothing brings it back.
    let third = ask(&server, "alice", PASSWORD).await.json()["refresh_token"].as_str().unwrap().to_owned();
    server.clock.advance(500);
    server.post("/oauth2/revoke", CLIENT, vec![("token", &third)]).await;
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", third.as_str())];
    server.token(CLIENT, pairs).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_public_clients_refresh_token_is_always_rotated() {
    let server = Server::start().await;
    let mut public = client("app", None, &[GrantType::Password, GrantType::RefreshToken]);
    public.options.refresh_mode = RefreshMode::Preserve;
    server.app.store.create_client(&public).await.unwrap();
    let pairs = vec![("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("client_id", "app")];
    let first = server.token(None, pairs).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", first.as_str()), ("client_id", "app")];
    assert_ne!(server.token(None, pairs).await.json()["refresh_token"], first.as_str());
}
