//! Inline like a JWT, revocable like a session.

use crate::oauth::Oauth;
use crate::person::{self, Hands};
use bearward_tests::stack::Stack;
use bearward_tests::wait;
use serde_json::Value;
use std::time::Duration;

/// What is promised.
const WITHIN: Duration = Duration::from_secs(1);
/// Each on a connection of its own, so that every worker of Envoy gets some.
const CONNECTIONS: usize = 8;

pub async fn of_an_access_token(stack: &Stack) {
    let introspections = introspections(stack).await;
    let service = Oauth::service(stack);
    let token = service.client_credentials(&[]).await.access;
    let other = service.client_credentials(&[]).await.access;
    let url = format!("{}/orders/1", stack.url);
    let status = async |token: &str| statuses(&url, token).await;
    assert_eq!(status(&token).await, [200; CONNECTIONS]);

    service.revoke_access(&token).await;
    refused(stack, &[&token], WITHIN).await;
    assert_eq!(status(&other).await, [200; CONNECTIONS], "only that one");
    let answer = stack.get("/orders/1", &token).await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");

    assert_eq!(self::introspections(stack).await, introspections, "nobody asked the authserver");
    // The count does count.
    let request = stack.http.post(format!("{}/oauth2/introspect", stack.url)).form(&[("token", token.as_str())]);
    let request = request.basic_auth(bearward_tests::demo::SERVICE, Some(bearward_tests::demo::SERVICE_SECRET));
    request.send().await.unwrap();
    assert_eq!(self::introspections(stack).await, introspections + 1.0);
}

/// Whoever has the gateway's secret follows; the gateway leads nobody there.
pub async fn is_told_to_gateways_alone(stack: &Stack) {
    let feed = format!("http://{}/mesh/revocations", stack.authservers[0].address());
    let answer = stack.http.get(feed).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let body: Value = answer.json().await.unwrap();
    assert!(body["error_description"].as_str().unwrap().contains("revocations.gateway_secret"), "{body}");
    let outside = stack.http.get(format!("{}/mesh/revocations", stack.url)).send().await.unwrap();
    assert_eq!(outside.status(), 403);
    assert!(!outside.text().await.unwrap().contains("gateway_secret"), "it was the filter: no rule is for this path");
}

pub async fn of_a_refresh_token(stack: &Stack) {
    let introspections = introspections(stack).await;
    let client = Oauth::web(stack);
    let first = person::authorize(stack, &client, &["orders:read"], Hands::Keyboard).await.tokens;
    let second = client.refresh(first.refresh.as_ref().unwrap()).await;
    let third = client.refresh(second.refresh.as_ref().unwrap()).await;
    let url = format!("{}/orders/1", stack.url);
    for token in [&first.access, &second.access, &third.access] {
        assert_eq!(statuses(&url, token).await, [200; CONNECTIONS]);
    }
    let refresh = third.refresh.unwrap();
    client.revoke_refresh(&refresh).await;
    refused(stack, &[&first.access, &second.access, &third.access], WITHIN).await;
    assert!(client.refresh_is_refused(&refresh).await);
    assert_eq!(self::introspections(stack).await, introspections, "nobody asked the authserver");
}

pub async fn of_a_client(stack: &Stack) {
    let introspections = introspections(stack).await;
    let (id, secret) = new_client(stack);
    let doomed = Oauth::new(stack, &id, Some(&secret));
    let tokens = [doomed.client_credentials(&[]).await.access, doomed.client_credentials(&[]).await.access];
    let other = Oauth::service(stack).client_credentials(&[]).await.access;
    let url = format!("{}/orders/1", stack.url);
    for token in [&tokens[0], &tokens[1], &other] {
        assert_eq!(statuses(&url, token).await, [200; CONNECTIONS]);
    }
    stack.authservers[0].cli(&["client", "disable", &id]).unwrap();
    refused(stack, &[&tokens[0], &tokens[1]], WITHIN).await;
    assert_eq!(statuses(&url, &other).await, [200; CONNECTIONS], "only that client's");
    assert_eq!(self::introspections(stack).await, introspections, "nobody asked the authserver");
}

/// A confidential client made by the command line: its id and its secret.
pub fn new_client(stack: &Stack) -> (String, String) {
    let created = stack.authservers[0].cli(&[
        "client",
        "create",
        "--name",
        "Doomed",
        "--grant",
        "client_credentials",
        "--scope",
        "orders:read",
        "--default-scope",
        "orders:read",
        "--json",
    ]);
    let created: Value = serde_json::from_str(&created.unwrap()).unwrap();
    (created["client_id"].as_str().unwrap().to_owned(), created["client_secret"].as_str().unwrap().to_owned())
}

/// Waits until every one of these tokens is refused at every worker.
pub async fn refused(stack: &Stack, tokens: &[&str], within: Duration) {
    let url = format!("{}/orders/1", stack.url);
    wait::until("every worker to refuse", within, async || {
        for token in tokens {
            let statuses = statuses(&url, token).await;
            if statuses != [401; CONNECTIONS] {
                return Err(format!("the answers are {statuses:?}"));
            }
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// The answers to the same request on several connections at once.
pub async fn statuses(url: &str, token: &str) -> [u16; CONNECTIONS] {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (url, token) = (url.to_owned(), token.to_owned());
        requests.spawn(async move {
            // A client of its own has a connection of its own.
            let http = bearward_tests::stack::client().unwrap();
            http.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
        });
    }
    requests.join_all().await.try_into().unwrap()
}

async fn introspections(stack: &Stack) -> f64 {
    let mut count = 0.0;
    for server in &stack.authservers {
        count += server.requests("/oauth2/introspect").await.unwrap();
    }
    count
}
