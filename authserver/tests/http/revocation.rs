//! RFC 7009, RFC 7662 and token info.

use crate::support::{CHALLENGE, SERVICE, Server, WEB, claims};
use bearward::model::Revocation;
use bearward_token::feed::{ALWAYS, Subject};
use http::StatusCode;
use serde_json::{Value, json};

async fn introspect(server: &Server, token: &str) -> Value {
    let answer = server.post("/oauth2/introspect", WEB, vec![("token", token)]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    answer.json()
}

async fn token_info(server: &Server, token: &str) -> crate::support::Answer {
    server.post("/oauth2/tokeninfo", None, vec![("access_token", token)]).await
}

#[tokio::test]
async fn introspection_tells_what_a_good_token_says() {
    let server = Server::start().await;
    let tokens = server.web_tokens().await;
    let token = tokens["access_token"].as_str().unwrap();
    let mut expected = claims(token);
    expected["active"] = true.into();
    expected["token_type"] = "Bearer".into();
    assert_eq!(introspect(&server, token).await, expected);
    let refresh = introspect(&server, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!((&refresh["active"], &refresh["client_id"]), (&true.into(), &"demo-web".into()));
    assert_eq!(refresh["scope"], "orders:read orders:write");
}

#[tokio::test]
async fn introspection_tells_nothing_else() {
    let server = Server::start().await;
    let tokens = server.web_tokens().await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let inactive = json!({ "active": false });
    for junk in ["junk", "a.b.c", "bw_rt_x", &access[..access.len() - 2]] {
        assert_eq!(introspect(&server, junk).await, inactive, "{junk}");
    }
    // A refresh token concerns its client alone.
    let other = server.post("/oauth2/introspect", SERVICE, vec![("token", refresh)]).await;
    assert_eq!(other.json(), inactive);
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    server.token(WEB, pairs).await;
    assert_eq!(introspect(&server, refresh).await, inactive, "spent");
    server.clock.advance(600);
    assert_eq!(introspect(&server, access).await, inactive, "expired");
}

#[tokio::test]
async fn introspection_is_for_clients_that_authenticate() {
    let server = Server::start().await;
    let token = server.service_token().await;
    server.post("/oauth2/introspect", None, vec![("token", &token)]).await.is_error(401, "invalid_client");
    let public = vec![("token", token.as_str()), ("client_id", "demo-spa")];
    server.post("/oauth2/introspect", None, public).await.is_error(401, "invalid_client");
    server.post("/oauth2/introspect", WEB, vec![]).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn token_info_answers_for_good_tokens_only() {
    let server = Server::start().await;
    let token = server.service_token().await;
    server.clock.advance(100);
    let answer = token_info(&server, &token).await;
    let expected = json!({
        "audience": "demo-service", "client_id": "demo-service", "user_id": "demo-service", "scope": "orders:read",
        "expires_in": 500,
    });
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected));
    server.post("/oauth2/tokeninfo", None, vec![]).await.is_error(400, "invalid_request");
    token_info(&server, "junk").await.is_error(400, "invalid_token");
    server.clock.advance(500);
    token_info(&server, &token).await.is_error(400, "invalid_token");
}

#[tokio::test]
async fn a_revoked_access_token_is_dead_and_the_feed_knows_its_jti() {
    let server = Server::start().await;
    let (token, other) = (server.service_token().await, server.service_token().await);
    let answer = server.post("/oauth2/revoke", SERVICE, vec![("token", &token), ("token_type_hint", "x")]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(introspect(&server, &token).await, json!({ "active": false }));
    token_info(&server, &token).await.is_error(400, "invalid_token");
    assert_eq!(introspect(&server, &other).await["active"], true);
    let said = claims(&token);
    let key = Subject::Token(said["jti"].as_str().unwrap()).key();
    let entries = server.app.store.feed(None, 100, server.now()).await.unwrap().entries;
    let entry = entries.iter().find(|e| e.key == key).unwrap();
    assert_eq!(entry.cutoff, ALWAYS);
    assert!(u64::from(entry.expires_at) > said["exp"].as_u64().unwrap());
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_all_that_came_from_it() {
    let server = Server::start().await;
    let code = server.code("demo-spa", Some(CHALLENGE)).await;
    let tokens = server.redeem("demo-spa", &code).await.json();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    // A public client may revoke what is its own; the hint may be wrong.
    let pairs = vec![("token", refresh), ("token_type_hint", "access_token"), ("client_id", "demo-spa")];
    assert_eq!(server.post("/oauth2/revoke", None, pairs).await.status, StatusCode::OK);
    assert_eq!(introspect(&server, access).await, json!({ "active": false }));
    let again = vec![("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "demo-spa")];
    server.token(None, again).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_client_revokes_only_its_own_tokens_and_must_prove_itself() {
    let server = Server::start().await;
    let tokens = server.web_tokens().await;
    for kind in ["access_token", "refresh_token"] {
        let token = tokens[kind].as_str().unwrap();
        server.post("/oauth2/revoke", SERVICE, vec![("token", token)]).await.is_error(400, "invalid_grant");
        server.post("/oauth2/revoke", None, vec![("token", token)]).await.is_error(401, "invalid_client");
        assert_eq!(introspect(&server, token).await["active"], true, "{kind}");
    }
    server.post("/oauth2/revoke", WEB, vec![]).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn revoking_what_is_no_token_succeeds() {
    let server = Server::start().await;
    let expired = server.service_token().await;
    server.clock.advance(601);
    for token in ["junk", "a.b.c", expired.as_str()] {
        let answer = server.post("/oauth2/revoke", SERVICE, vec![("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{token}");
    }
    assert!(server.app.store.feed(None, 100, server.now()).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn a_client_or_a_person_that_was_revoked_takes_older_tokens_along() {
    let server = Server::start().await;
    let tokens = server.web_tokens().await;
    let before = tokens["access_token"].as_str().unwrap();
    let service = server.service_token().await;
    let now = server.now();
    for subject in [Subject::Client("demo-service"), Subject::Person("person-alice")] {
        server.app.store.revoke(&Revocation::up_to(subject, now, now, now + 900)).await.unwrap();
    }
    assert_eq!(introspect(&server, before).await, json!({ "active": false }));
    assert_eq!(introspect(&server, &service).await, json!({ "active": false }));
    server.clock.advance(1);
    assert_eq!(introspect(&server, &server.service_token().await).await["active"], true, "issued after the cutoff");
}
