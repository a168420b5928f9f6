//! A configuration that changes while Envoy runs.

use crate::context::Context;
use crate::gateway::Gateway;
use crate::revocation::statuses;
use crate::wire::{self, Service, before, open, until_it_opens, upgrade};
use bearward_tests::issuer::{self, Issuer, claims};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{demo, wait};
use bearward_token::feed::Subject;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const WORKERS: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(20);

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
    let (gateway, listener) = watched(context, &issuer, dir.path(), plugin, |_| {}).await;
    let header = issuer::header("ES256", issuer::ES256);
    let token = issuer.es256(&header, &claims(&gateway.url, demo::AUDIENCE, "orders:read", "1")).unwrap();
    let stands = async || {
        assert_eq!(gateway.bearer("/orders/1", &token).await, 200);
        assert_eq!(gateway.get("/orders/1").send().await.unwrap().status(), 401);
        assert_eq!(gateway.bearer("/more", &token).await, 403);
    };
    until(&gateway, "/orders/1", &token, 200).await;
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
    until(&gateway, "/more", &token, 200).await;
    assert_eq!(gateway.bearer("/orders/1", &token).await, 200);
    gateway.no_vm_was_replaced().await;
}

/// What was revoked before a configuration changes, at every moment of the change, and what is revoked afterwards.
pub async fn what_was_revoked_stays_revoked(context: &Context) {
    let issuer = Issuer::new().unwrap();
    let dir = TempDir::new().unwrap();
    let rule = |path: &str| json!({ "match": { "path": path }, "require": {} });
    let plugin = |url: &str| {
        json!({
            "providers": { "keys": {
                "issuer": url,
                "audiences": [demo::AUDIENCE],
                "jwks": { "inline": issuer.jwks() },
                "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
            } },
            "rules": [rule("/orders")],
        })
    };
    let (gateway, listener) = watched(context, &issuer, dir.path(), plugin, |_| {}).await;
    let header = issuer::header("ES256", issuer::ES256);
    let token = |id| issuer.es256(&header, &claims(&gateway.url, demo::AUDIENCE, "orders:read", id)).unwrap();
    let orders = format!("{}/orders", gateway.url);
    let [good, first, second] = ["good", "first", "second"].map(token);
    until(&gateway, "/orders", &first, 200).await;
    issuer.revoke(Subject::Token("first"));
    refused(&orders, &first).await;

    for path in ["/a", "/b", "/c"] {
        let mut next = listener.clone();
        configuration(&mut next)["rules"] = json!([rule("/orders"), rule(path)]);
        publish(dir.path(), &next);
        // At every moment of the change, on whichever worker and in whichever of the two configurations.
        wait::until(path, PATIENCE, async || {
            assert!(statuses(&orders, &first).await.iter().all(|status| *status == 401), "{path}");
            match gateway.bearer(path, &good).await {
                200 => Ok(()),
                status => Err(format!("it answers {status}")),
            }
        })
        .await
        .unwrap();
    }
    assert_eq!(gateway.bearer("/orders", &second).await, 200);
    issuer.revoke(Subject::Token("second"));
    refused(&orders, &second).await;
    assert_eq!(gateway.bearer("/orders", &good).await, 200);
    gateway.no_vm_was_replaced().await;
}

/// What began under the configuration before ends with its token, too.
pub async fn what_began_before_ends_with_its_token(context: &Context) {
    let (issuer, service) = (Issuer::new().unwrap(), Service::start().await);
    let dir = TempDir::new().unwrap();
    let rule = |path: &str| json!({ "match": { "path": path }, "require": {} });
    let plugin = |url: &str| {
        json!({
            "providers": { "keys": {
                "issuer": url,
                "audiences": [demo::AUDIENCE],
                "jwks": { "inline": issuer.jwks() },
                "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
            } },
            "rules": [rule("/orders/ready")],
            "open_streams": { "grace": 0 },
        })
    };
    let (gateway, listener) = watched(context, &issuer, dir.path(), plugin, |config| before(&service, config)).await;
    let header = issuer::header("ES256", issuer::ES256);
    let token = |id| issuer.es256(&header, &claims(&gateway.url, demo::AUDIENCE, "orders:read", id)).unwrap();
    let [token, other] = ["1", "2"].map(token);
    until_it_opens(&gateway, &service, &token).await;
    let (mut socket, head) = open(&gateway, &upgrade("/orders/ready", &token)).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let mut next = listener.clone();
    configuration(&mut next)["rules"] = json!([rule("/orders/next")]);
    publish(dir.path(), &next);
    wait::until("the next configuration", PATIENCE, async || {
        let (_, head) = open(&gateway, &upgrade("/orders/next", &other)).await;
        if head.starts_with("HTTP/1.1 101 ") { Ok(()) } else { Err(head) }
    })
    .await
    .unwrap();
    socket.write_all(b"ping").await.unwrap();
    assert_eq!(wire::until(&mut socket, |text| text == "ping").await, "ping", "it goes on");
    issuer.revoke(Subject::Token("1"));
    assert_eq!(wire::until(&mut socket, |_| false).await, "", "until now");
    gateway.envoy.until_stat("bearward.closed.revoked", |count| count >= 1).await.unwrap();
    gateway.no_vm_was_replaced().await;
}

/// By every worker.
async fn refused(url: &str, token: &str) {
    wait::until("the revocation", PATIENCE, async || {
        let statuses = statuses(url, token).await;
        if statuses.iter().all(|status| *status == 401) { Ok(()) } else { Err(format!("the answers are {statuses:?}")) }
    })
    .await
    .unwrap();
}

async fn until(gateway: &Gateway, path: &str, token: &str, wanted: u16) {
    wait::until(path, PATIENCE, async || match gateway.bearer(path, token).await {
        status if status == wanted => Ok(()),
        status => Err(format!("it answers {status}")),
    })
    .await
    .unwrap();
}

/// A gateway whose listener is in a file that Envoy watches; the listener comes with it.
async fn watched(
    context: &Context,
    issuer: &Issuer,
    dir: &Path,
    plugin: impl FnOnce(&str) -> Value,
    change: impl FnOnce(&mut Value),
) -> (Gateway, Value) {
    let mut listener = Value::Null;
    let gateway = Gateway::start(context, WORKERS, issuer.router(), plugin, |config| {
        change(config);
        listener = config["static_resources"]["listeners"][0].take();
        config["static_resources"]["listeners"] = json!([]);
        config["node"] = json!({ "id": "tests", "cluster": "tests" });
        config["dynamic_resources"] = json!({
            "lds_config": { "resource_api_version": "V3", "path_config_source": { "path": dir.join("lds.json") } },
        });
        publish(dir, &listener);
    })
    .await;
    (gateway, listener)
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
