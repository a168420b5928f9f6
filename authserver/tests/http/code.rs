//! The authorization code grant, RFC 6749 §4.1.3 and RFC 7636.

use crate::support::{CALLBACK, CHALLENGE, Pairs, Server, VERIFIER, WEB, claims, client};
use bearward::model::GrantType;
use http::StatusCode;

const GRANT: (&str, &str) = ("grant_type", "authorization_code");

#[tokio::test]
async fn a_code_gives_tokens_about_the_person() {
    let server = Server::start().await;
    let json = server.web_tokens().await;
    assert_eq!(json["scope"], "orders:read orders:write");
    assert!(json["refresh_token"].as_str().unwrap().starts_with("bw_rt_"));
    let claims = claims(json["access_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["client_id"]), (&"person-alice".into(), &"demo-web".into()));
    assert_eq!((claims["acr"].as_str(), claims["auth_time"].as_i64()), (Some("pwd"), Some(server.now() - 5)));
    assert!(claims["gid"].as_str().is_some_and(|gid| gid.len() >= 22));
}

#[tokio::test]
async fn a_client_not_registered_for_refreshing_gets_no_refresh_token() {
    let server = Server::start().await;
    let once = client("once", None, &[GrantType::AuthorizationCode]);
    server.app.store.create_client(&once).await.unwrap();
    let answer = server.redeem("once", &server.code("once", Some(CHALLENGE)).await).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn a_public_client_proves_itself_with_its_verifier() {
    let server = Server::start().await;
    let code = server.code("demo-spa", Some(CHALLENGE)).await;
    let with = |verifier: Option<&'static str>| {
        let mut pairs: Pairs<'_> = vec![GRANT, ("code", &code), ("redirect_uri", CALLBACK), ("client_id", "demo-spa")];
        pairs.extend(verifier.map(|v| ("code_verifier", v)));
        pairs
    };
    server.token(None, with(None)).await.is_error(400, "invalid_grant");
    server.token(None, with(Some(CHALLENGE))).await.is_error(400, "invalid_grant");
    server.token(None, with(Some("short"))).await.is_error(400, "invalid_grant");
    // What was refused spent nothing.
    assert_eq!(server.token(None, with(Some(VERIFIER))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_confidential_clients_challenge_counts_too_and_cannot_be_invented_later() {
    let server = Server::start().await;
    let code = server.code("demo-web", Some(CHALLENGE)).await;
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
    let code = server.code("demo-web", None).await;
    let downgrade = vec![GRANT, ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    server.token(WEB, downgrade).await.is_error(400, "invalid_grant");
    assert_eq!(server.redeem("demo-web", &code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_for_one_client_one_uri_and_one_minute() {
    let server = Server::start().await;
    let other = client("other", Some("s"), &[GrantType::AuthorizationCode]);
    server.app.store.create_client(&other).await.unwrap();
    let code = server.code("demo-web", None).await;
    let pairs = |uri: Option<&'static str>| {
        let mut pairs: Pairs<'_> = vec![GRANT, ("code", &code)];
        pairs.extend(uri.map(|uri| ("redirect_uri", uri)));
        pairs
    };
    server.token(Some(("other", "s")), pairs(Some(CALLBACK))).await.is_error(400, "invalid_grant");
    for uri in [None, Some("http://127.0.0.1:8401/callback"), Some("http://127.0.0.1:8400/callback/")] {
        server.token(WEB, pairs(uri)).await.is_error(400, "invalid_grant");
    }
    server.token(WEB, vec![GRANT]).await.is_error(400, "invalid_request");
    server.token(WEB, vec![GRANT, ("code", "junk")]).await.is_error(400, "invalid_grant");
    server.clock.advance(59);
    assert_eq!(server.token(WEB, pairs(Some(CALLBACK))).await.status, StatusCode::OK);
    let code = server.code("demo-web", None).await;
    server.clock.advance(60);
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_uri_that_was_left_out_is_left_out_again() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let asked = browser.authorize(vec![("response_type", "code"), ("client_id", "demo-web")]).await;
    let code = browser.allow(&asked).await.returned()["code"].clone();
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
    assert_eq!(server.token(WEB, vec![GRANT, ("code", &code)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_used_twice_takes_back_what_it_gave() {
    let server = Server::start().await;
    let code = server.code("demo-web", None).await;
    let first = server.redeem("demo-web", &code).await.json();
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
    let refresh = first["refresh_token"].as_str().unwrap();
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    server.token(WEB, pairs).await.is_error(400, "invalid_grant");
    let token = first["access_token"].as_str().unwrap();
    let introspected = server.post("/oauth2/introspect", WEB, vec![("token", token)]).await;
    assert_eq!(introspected.json(), serde_json::json!({ "active": false }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_at_most_gets_tokens() {
    let server = Server::start().await;
    let code = server.code("demo-web", None).await;
    let (a, b, c, d) = tokio::join!(
        server.redeem("demo-web", &code),
        server.redeem("demo-web", &code),
        server.redeem("demo-web", &code),
        server.redeem("demo-web", &code),
    );
    let won: Vec<_> = [a, b, c, d].into_iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert!(won.len() <= 1);
    for answer in won {
        let json = answer.json();
        let refresh = json["refresh_token"].as_str().unwrap();
        let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
        server.token(WEB, pairs).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn what_the_client_may_no_longer_have_is_not_given() {
    let server = Server::start().await;
    let code = server.code("demo-web", None).await;
    let grant = server.app.store.code(&bearward::model::Digest::of(&code)).await.unwrap().unwrap().grant;
    assert_eq!(grant.scope.to_string(), "orders:read orders:write");
    let now = server.now();
    let ended = bearward::model::Revocation::always(bearward_token::feed::Subject::Grant(&grant.id), now, now + 900);
    server.app.store.revoke_grant(&grant.id, &ended).await.unwrap();
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
}
