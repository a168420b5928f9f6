//! Opaque access tokens from end to end: the filter asks the authserver about them (RFC 7662), once, and hears of it when
//! they are revoked.

use crate::context::{Backend, Context};
use crate::oauth::Oauth;
use bearward_tests::stack::{self, Addresses, local};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{envoy::config, ports, wait};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

pub async fn are_asked_about_once_and_revoked(context: &Context) {
    let stack = context.shared(Backend::Sqlite).await;
    let authserver = &stack.authservers[0];
    let create = |id: &str, more: &[&str]| {
        let said = authserver.cli(&[&["client", "create", id, "--json"], more].concat()).unwrap();
        serde_json::from_str::<Value>(&said).unwrap()["client_secret"].as_str().unwrap().to_owned()
    };
    let may = ["--grant", "client_credentials", "--scope", "orders:read", "--default-scope", "orders:read"];
    let secret = create("opaque", &[&may[..], &["--access-token-format", "opaque", "--claim", "tier=gold"]].concat());
    let mesh = create("mesh", &may);
    let change = |config: &mut Value| {
        let plugin = &mut config::filter(config).unwrap()["configuration"]["value"];
        plugin["providers"]["bearward"]["introspection"] = json!({
            "cluster": "authserver", "path": "/oauth2/introspect", "token_prefix": "bw_at_",
            "client_id": "mesh", "client_secret": mesh,
        });
        plugin["forward"]["headers"]["x-tier"] = "tier".into();
        config["node"] = json!({ "id": "edge-2", "cluster": "edge" });
    };
    let gateway = local(ports::free().unwrap());
    let addresses = Addresses { gateway, authservers: vec![authserver.address()], issuer: stack.url.clone() };
    let dir = TempDir::new().unwrap();
    let (envoy, _echo) = stack::gateway_with(context.parts(), addresses, 8, &dir, change).await.unwrap();
    let call = async |token: &str| {
        let request = stack.http.get(format!("http://{gateway}/orders/1")).bearer_auth(token);
        request.send().await.unwrap()
    };

    let client = Oauth::new(stack, "opaque", Some(&secret));
    let token = client.client_credentials(&["orders:read"]).await.access;
    assert!(token.starts_with("bw_at_"));
    wait::until("an opaque token to open a route", Duration::from_secs(20), async || {
        match call(&token).await.status().as_u16() {
            200 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    })
    .await
    .unwrap();
    let asked = async || authserver.requests("/oauth2/introspect").await.unwrap();
    let before = asked().await;
    for _ in 0..10 {
        let seen: Value = call(&token).await.error_for_status().unwrap().json().await.unwrap();
        let headers = &seen["headers"];
        assert_eq!((&headers["x-auth-client"], &headers["x-tier"]), (&"opaque".into(), &"gold".into()));
        assert!(headers.get("authorization").is_none());
    }
    assert!(asked().await < before + 1.0, "known from the first time");
    // Junk of this shape is refused by its checksum, without a question.
    let junk = format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { 'B' } else { 'A' });
    let refused = call(&junk).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
    assert!(asked().await < before + 1.0);
    // A scope that it has not: its own answer, not that of a token that is unknown.
    let post = stack.http.post(format!("http://{gateway}/orders/1")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(post.status(), 403);

    // Many at once, in whichever worker, and one question.
    let other = client.client_credentials(&["orders:read"]).await.access;
    let before = asked().await;
    let mut calls = JoinSet::new();
    for _ in 0..32 {
        // A connection of its own.
        let http = stack::client().unwrap();
        calls.spawn(http.get(format!("http://{gateway}/orders/1")).bearer_auth(&other).send());
    }
    for answer in calls.join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert!((asked().await - before - 1.0).abs() < 0.5, "{} questions", asked().await - before);
    client.revoke_access(&token).await;
    wait::until("a revoked opaque token to be refused", Duration::from_secs(5), async || {
        match call(&token).await.status().as_u16() {
            401 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    })
    .await
    .unwrap();
    assert_eq!(call(&other).await.status(), 200, "and no other with it");
    assert_eq!(envoy.stat("vm_reload").await.unwrap(), 0);
    // Two Envoys at one address follow the feed: they are told apart, and this one by its node id too.
    wait::until("both Envoys to be noted", Duration::from_secs(20), async || {
        let overview: Value = serde_json::from_str(&authserver.cli(&["overview", "--json"]).unwrap()).unwrap();
        let followers = overview["followers"].as_array().unwrap();
        let ids: BTreeSet<_> = followers.iter().map(|one| one["id"].as_str().unwrap()).collect();
        let nodes: Vec<_> = followers.iter().filter_map(|one| one["node"].as_str()).collect();
        let told = ids.len() == 2 && ids.iter().all(|id| id.len() == 32) && nodes == ["edge-2"];
        if told { Ok(()) } else { Err(format!("{followers:?}")) }
    })
    .await
    .unwrap();
}
