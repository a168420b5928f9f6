//! The main job: a token opens a route, and the service learns whose it is.

use crate::oauth::Oauth;
use bearward_tests::demo;
use bearward_tests::stack::Stack;

pub async fn open_a_route(stack: &Stack) {
    let tokens = Oauth::service(stack).client_credentials(&[]).await;
    assert_eq!(tokens.scopes, ["orders:read"], "the default scope");
    assert!(tokens.refresh.is_none(), "RFC 6749 §4.4.3");
    assert!((1..=3600).contains(&tokens.lifetime));

    let seen = stack.echo("/orders/1", &tokens.access).await.unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/orders/1"));
    let header = |name: &str| seen.headers.get(name).map(String::as_str);
    assert_eq!(header("x-auth-subject"), Some(demo::SERVICE));
    assert_eq!(header("x-auth-client"), Some(demo::SERVICE));
    assert_eq!(header("x-auth-scope"), Some("orders:read"));
    assert_eq!(header("authorization"), None, "the credential stays at the gateway");
}

pub async fn a_scope_opens_only_its_routes(stack: &Stack) {
    let service = Oauth::service(stack);
    let read = service.client_credentials(&["orders:read"]).await.access;
    let write = service.client_credentials(&["orders:write"]).await.access;
    let post = async |path: &str, token: &str| {
        let request = stack.http.post(format!("{}{path}", stack.url)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(stack.status("/orders", &read).await.unwrap(), 200);
    assert_eq!(stack.status("/orders/1", &read).await.unwrap(), 200);
    assert_eq!(post("/orders", &read).await, 403);
    assert_eq!(post("/orders", &write).await, 200);
    assert_eq!(post("/orders/1", &write).await, 200);
    assert_eq!(stack.status("/orders/1", &write).await.unwrap(), 403);
    // No rule: denied, whoever asks.
    assert_eq!(stack.status("/elsewhere", &read).await.unwrap(), 403);
    assert_eq!(stack.http.get(format!("{}/healthz", stack.url)).send().await.unwrap().status(), 200);
}
