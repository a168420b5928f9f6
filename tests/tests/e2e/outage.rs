//! The authserver dies, and comes back, while Envoy runs on.

use crate::context::{Backend, Context};
use crate::oauth::Oauth;
use crate::revocation::{refused, statuses};
use bearward_tests::stack::{self, Stack};
use bearward_tests::{demo, wait};
use serde_json::Value;
use std::time::Duration;

pub async fn of_the_authserver(context: &Context, backend: Backend) {
    let mut stack = context.stack(backend, 1).await;
    let url = format!("{}/orders/1", stack.url);
    let token = Oauth::service(&stack).client_credentials(&[]).await.access;
    let revoked = Oauth::service(&stack).client_credentials(&[]).await.access;
    let envoy = stack.envoy.child.pid();

    // What was acknowledged before the end survives it, even when nobody had the time to hear of it.
    Oauth::service(&stack).revoke_access(&revoked).await;
    stack.authservers[0].kill();

    assert_eq!(statuses(&url, &token).await, [200; 8], "tokens are checked without the authserver");
    refuses_clearly(&stack).await;
    assert_eq!(statuses(&url, &token).await, [200; 8]);

    stack.authservers[0].up().await.unwrap();
    wait::until("tokens to be issued and to open again", Duration::from_secs(10), async || {
        stack::first_call(&stack.http, &stack.url).await
    })
    .await
    .unwrap();
    assert_eq!(stack.status("/orders/1", &token).await.unwrap(), 200, "the same keys");
    refused(&stack, &[&revoked], Duration::from_secs(10)).await;
    // The feed is followed again: revocations arrive as fast as ever.
    Oauth::service(&stack).revoke_access(&token).await;
    refused(&stack, &[&token], Duration::from_secs(1)).await;
    stack.envoy.child.check().unwrap();
    assert_eq!(stack.envoy.child.pid(), envoy);
    assert_eq!(stack.envoy.stat("vm_reload").await.unwrap(), 0);
}

async fn refuses_clearly(stack: &Stack) {
    let token = stack.http.post(format!("{}/oauth2/token", stack.url)).form(&[("grant_type", "client_credentials")]);
    let answer = token.basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET)).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
    assert!(!body["error_description"].as_str().unwrap().is_empty());

    let page = stack.http.get(format!("{}/oauth2/authorize?client_id=x", stack.url)).header("accept", "text/html,*/*");
    let answer = page.send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"].to_str().unwrap()[..9]),
        (503, "text/html")
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");

    let metadata = stack.http.get(format!("{}/.well-known/oauth-authorization-server", stack.url));
    assert_eq!(metadata.send().await.unwrap().status(), 503);
}
