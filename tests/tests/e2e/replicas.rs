//! Two authservers on one PostgreSQL.

use crate::context::{Backend, Context};
use crate::oauth::Oauth;
use crate::revocation::{new_client, refused, statuses};
use bearward_tests::demo;
use bearward_tests::stack;
use std::time::Duration;

/// What is done at one replica is known at the other, and at the gateway whichever of the two its feed comes from.
pub async fn hear_of_each_other(context: &Context) {
    let mut stack = context.stack(Backend::Postgres, 2).await;
    let url = format!("{}/orders/1", stack.url);
    // Each replica in turn is the only one to hear of a revocation by request.
    for server in [0, 1] {
        let token = Oauth::service(&stack).client_credentials(&[]).await.access;
        assert_eq!(statuses(&url, &token).await, [200; 8]);
        revoke_at(&format!("http://{}", stack.authservers[server].address()), &token).await;
        refused(&stack, &[&token], Duration::from_secs(1)).await;
    }
    // A client that the command line made is known to both; keys that one rotated sign at both.
    let (id, secret) = new_client(&stack);
    stack.authservers[1].cli(&["keys", "rotate", "--now"]).unwrap();
    let client = Oauth::new(&stack, &id, Some(&secret));
    let mut tokens = Vec::new();
    for _ in 0..8 {
        let token = client.client_credentials(&[]).await.access;
        assert_eq!(stack.status("/orders/1", &token).await.unwrap(), 200);
        tokens.push(token);
    }
    // One replica dies: requests go on at the other.
    stack.authservers[0].kill();
    for _ in 0..8 {
        let token = client.client_credentials(&[]).await.access;
        assert_eq!(stack.status("/orders/1", &token).await.unwrap(), 200);
        tokens.push(token);
    }
    stack.authservers[1].cli(&["client", "disable", &id]).unwrap();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    // The filter may first have to find out that its feed's replica is gone.
    refused(&stack, &tokens, Duration::from_secs(10)).await;
}

async fn revoke_at(authserver: &str, token: &str) {
    let request = stack::client().unwrap().post(format!("{authserver}/oauth2/revoke")).form(&[("token", token)]);
    let answer = request.basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
