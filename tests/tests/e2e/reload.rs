//! A configuration that changes while Envoy runs.

use crate::context::Context;
use crate::gateway::Gateway;
use axum::Router;
use bearward_tests::issuer::{self, Issuer, claims};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{demo, wait};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// One that is bad changes nothing; one that is good takes over, and no VM is lost over either.
pub async fn a_bad_one_leaves_the_old_one_in_force(context: &Context) {
    let issuer = Issuer::new().unwrap();
    let dir = TempDir::new().unwrap();
    let plugin = |url: &str| {
        json!({
            "providers": { "keys": { "issuer": url, "audiences": [demo::AUDIENCE], "jwks": { "inline": issuer.jwks() } } },
            "rules": [{ "match": { "prefix": "/orders" }, "require": {} }],
        })
    };
    let mut listener = Value::Null;
    let gateway = Gateway::start(context, 2, Router::new(), plugin, |config| {
        listener = config["static_resources"]["listeners"][0].take();
        config["static_resources"]["listeners"] = json!([]);
        config["node"] = json!({ "id": "tests", "cluster": "tests" });
        config["dynamic_resources"] = json!({
            "lds_config": { "resource_api_version": "V3", "path_config_source": { "path": dir.path().join("lds.json") } },
        });
        publish(dir.path(), &listener);
    })
    .await;
    let header = issuer::header("ES256", issuer::ES256);
    let token = issuer.es256(&header, &claims(&gateway.url, demo::AUDIENCE, "orders:read", "1")).unwrap();
    let until = async |path: &str, wanted: u16| {
        wait::until(path, Duration::from_secs(20), async || match gateway.bearer(path, &token).await {
            status if status == wanted => Ok(()),
            status => Err(format!("it answers {status}")),
        })
        .await
        .unwrap();
    };
    let stands = async || {
        assert_eq!(gateway.bearer("/orders/1", &token).await, 200);
        assert_eq!(gateway.get("/orders/1").send().await.unwrap().status(), 401);
        assert_eq!(gateway.bearer("/more", &token).await, 403);
    };
    until("/orders/1", 200).await;
    stands().await;
    for (number, (name, value, said)) in [
        (0, ("rulez", json!([]), "configuration refused: rulez: is not known")),
        (1, ("rules", json!([{ "match": {} }]), "configuration refused: rules[0].match")),
        (2, ("providers", json!(7), "configuration refused: providers: must be an object")),
    ] {
        let mut bad = listener.clone();
        configuration(&mut bad)[name] = value;
        publish(dir.path(), &bad);
        gateway.envoy.until_stat("listener_manager.lds.update_rejected", |count| count > number).await.unwrap();
        let log = gateway.envoy.child.tail(200);
        assert!(log.contains(said), "{said}: {log}");
        stands().await;
    }
    let mut good = listener.clone();
    configuration(&mut good)["rules"] =
        json!([{ "match": { "prefix": "/orders" }, "require": {} }, { "match": { "path": "/more" }, "require": {} }]);
    publish(dir.path(), &good);
    until("/more", 200).await;
    assert_eq!(gateway.bearer("/orders/1", &token).await, 200);
    gateway.no_vm_was_replaced().await;
}

/// What the filter in a listener is told.
fn configuration(listener: &mut Value) -> &mut Value {
    let filter = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/configuration/value";
    listener.pointer_mut(filter).unwrap()
}

/// Has Envoy see the listener: it watches for a file that is moved there.
fn publish(dir: &Path, listener: &Value) {
    let mut resource = listener.clone();
    resource["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener".into();
    let draft = dir.join("lds.json.new");
    std::fs::write(&draft, json!({ "resources": [resource] }).to_string()).unwrap();
    std::fs::rename(draft, dir.join("lds.json")).unwrap();
}
