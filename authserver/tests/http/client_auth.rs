//! RFC 6749 §2.3 at the token endpoint.

use crate::support::{SERVICE, Server, basic_header, client, request};
use bearward::http::{CLIENT_MAX_AGE_MS, ClientCache};
use bearward::model::{ClientAuthMethod, GrantType, Revocation};
use bearward_token::feed::Subject;
use http::{Method, StatusCode};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn basic_and_post_prove_a_client() {
    let server = Server::start().await;
    assert_eq!(server.token(SERVICE, vec![GRANT]).await.status, StatusCode::OK);
    // RFC 6749 §2.3.1: form-url-encoded inside Basic; client_id in the body beside it is no second method.
    let encoded = Some(("demo%2Dservice", "demo-service%2Dsecret"));
    assert_eq!(server.token(encoded, vec![GRANT, ("client_id", "demo-service")]).await.status, StatusCode::OK);
    let body = vec![GRANT, ("client_id", "demo-service"), ("client_secret", "demo-service-secret")];
    assert_eq!(server.token(None, body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_keeps_to_its_method() {
    let server = Server::start().await;
    for (method, by_basic, by_post) in [
        (ClientAuthMethod::ClientSecret, true, true),
        (ClientAuthMethod::ClientSecretBasic, true, false),
        (ClientAuthMethod::ClientSecretPost, false, true),
    ] {
        let id = method.wire_name();
        let mut client = client(id, Some("s"), &[GrantType::ClientCredentials]);
        client.auth_method = method;
        server.app.store.create_client(&client).await.unwrap();
        let basic = server.token(Some((id, "s")), vec![GRANT]).await;
        let post = server.token(None, vec![GRANT, ("client_id", id), ("client_secret", "s")]).await;
        for (answer, right) in [(basic, by_basic), (post, by_post)] {
            if right {
                assert_eq!(answer.status, StatusCode::OK, "{id}: {}", answer.body);
            } else {
                answer.is_error(401, "invalid_client");
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let server = Server::start().await;
    let wrong = [("demo-service", "wrong"), ("nobody", "demo-service-secret"), ("demo-spa", "x"), ("demo-service", "")];
    let mut bodies = Vec::new();
    for (id, secret) in wrong {
        let answer = server.token(Some((id, secret)), vec![GRANT]).await;
        answer.is_error(401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{id}");
        bodies.push(answer.body);
        if !secret.is_empty() {
            let answer = server.token(None, vec![GRANT, ("client_id", id), ("client_secret", secret)]).await;
            answer.is_error(401, "invalid_client");
            assert_eq!(answer.header("www-authenticate"), "", "a form must not open the browser's password box");
            bodies.push(answer.body);
        }
    }
    let confidential_without_secret = server.token(None, vec![GRANT, ("client_id", "demo-service")]).await;
    confidential_without_secret.is_error(401, "invalid_client");
    bodies.push(confidential_without_secret.body);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn one_method_at_a_time() {
    let server = Server::start().await;
    let both = vec![GRANT, ("client_id", "demo-service"), ("client_secret", "demo-service-secret")];
    server.token(SERVICE, both).await.is_error(400, "invalid_request");
    server.token(SERVICE, vec![GRANT, ("client_id", "demo-web")]).await.is_error(400, "invalid_request");
    server.token(None, vec![GRANT]).await.is_error(401, "invalid_client");
    server.token(None, vec![GRANT, ("client_secret", "demo-service-secret")]).await.is_error(401, "invalid_client");
}

#[tokio::test]
async fn a_malformed_header_is_refused_with_a_challenge() {
    let server = Server::start().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for value in ["Bearer abc", "Basic", "Basic ====", "Basic bm9jb2xvbg=="] {
        let headers = [form, ("authorization", value)];
        let answer =
            server.send(request(Method::POST, "/oauth2/token", &headers, b"grant_type=client_credentials")).await;
        answer.is_error(401, "invalid_client");
        assert!(!answer.header("www-authenticate").is_empty());
    }
    let good = basic_header("demo-service", "demo-service-secret");
    let twice = [form, ("authorization", good.as_str()), ("authorization", good.as_str())];
    let answer = server.send(request(Method::POST, "/oauth2/token", &twice, b"grant_type=client_credentials")).await;
    answer.is_error(400, "invalid_request");
}

#[tokio::test]
async fn a_disabled_client_is_refused_at_once_and_the_cache_does_not_hide_it() {
    let server = Server::start().await;
    assert_eq!(server.token(SERVICE, vec![GRANT]).await.status, StatusCode::OK);
    let mut registry = server.app.store.changes().registry;
    let now = server.now();
    let revocation = Revocation::up_to(Subject::Client("demo-service"), now, now, now + 900);
    assert!(server.app.store.set_client_disabled("demo-service", Some(&revocation)).await.unwrap());
    // The clock stands still: only word of the change can empty the cache.
    let refused = async {
        loop {
            let answer = server.token(SERVICE, vec![GRANT]).await;
            if answer.status != StatusCode::OK {
                return answer;
            }
            registry.changed().await.unwrap();
        }
    };
    timeout(Duration::from_secs(10), refused).await.unwrap().is_error(401, "invalid_client");
    assert!(server.app.store.set_client_disabled("demo-service", None).await.unwrap());
    server.clock.advance(2);
    assert_eq!(server.token(SERVICE, vec![GRANT]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_registered_meanwhile_is_known() {
    let server = Server::start().await;
    let new = Some(("new", "secret"));
    server.token(new, vec![GRANT]).await.is_error(401, "invalid_client");
    let client = client("new", Some("secret"), &[GrantType::ClientCredentials]);
    server.app.store.create_client(&client).await.unwrap();
    assert_eq!(server.token(new, vec![GRANT]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_word_of_a_change_a_client_is_remembered_for_a_second() {
    let server = Server::start().await;
    let (store, env) = (server.app.store.as_ref(), &server.app.env);
    let (_silent, registry) = watch::channel(0);
    let cache = ClientCache::new(registry);
    let disabled = async || {
        let client = cache.get(store, env, "demo-service").await.unwrap().unwrap();
        client.disabled_at.is_some()
    };
    assert!(!disabled().await);
    let now = server.now();
    let revocation = Revocation::up_to(Subject::Client("demo-service"), now, now, now + 900);
    store.set_client_disabled("demo-service", Some(&revocation)).await.unwrap();
    assert!(!disabled().await, "no look-up within the second");
    server.clock.advance(CLIENT_MAX_AGE_MS / 1000);
    assert!(disabled().await);
    assert!(cache.get(store, env, "nobody").await.unwrap().is_none());
}
