//! Opaque tokens of the real authserver, explained in signed answers (RFC 9701).

use crate::context::Context;
use crate::oauth::Oauth;
use bearward_tests::envoy::config;
use bearward_tests::{demo, wait};
use serde_json::{Value, json};
use std::time::Duration;

pub async fn by_signed_answers(context: &Context) {
    let stack = context.stack_behind(asking).await;
    let create = ["client", "create", "opaque", "--grant", "client_credentials", "--scope", "orders:read", "--json"];
    let more = ["--default-scope", "orders:read", "--access-token-format", "opaque"];
    let created: Value =
        serde_json::from_str(&stack.authservers[0].cli(&[&create[..], &more].concat()).unwrap()).unwrap();
    let client = Oauth::new(&stack, "opaque", created["client_secret"].as_str());
    let token = client.client_credentials(&[]).await.access;
    assert!(token.starts_with("bw_at_"));
    let seen = stack.echo("/orders/1", &token).await.unwrap();
    assert_eq!(
        (seen.headers["x-auth-client"].as_str(), seen.headers["x-auth-scope"].as_str()),
        ("opaque", "orders:read")
    );
    assert_eq!(stack.authservers[0].requests("/oauth2/introspect").await.unwrap(), 1.0);
    // What nobody issued is said to be inactive, in an answer that is signed as well.
    let other = format!("{}x", &token[..token.len() - 1]);
    assert_eq!(stack.status("/orders/1", &other).await.unwrap(), 401);
    client.revoke_access(&token).await;
    wait::until("the revoked token to be refused", Duration::from_secs(5), async || {
        match stack.status("/orders/1", &token).await.map_err(|error| error.to_string())? {
            401 => Ok(()),
            status => Err(format!("it gets {status}")),
        }
    })
    .await
    .unwrap();
    stack.envoy.until_stat("introspect.active", |count| count == 1).await.unwrap();
    assert_eq!(stack.envoy.stat("introspect.fail").await.unwrap(), 0);
}

fn asking(config: &mut Value) {
    config::filter(config).unwrap()["configuration"]["value"]["providers"]["bearward"]["introspection"] = json!({
        "cluster": "authserver", "path": "/oauth2/introspect", "token_prefix": "bw_at_", "answers": "signed",
        "client_id": demo::SERVICE, "client_secret": demo::SERVICE_SECRET,
    });
}
