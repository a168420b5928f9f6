//! The configurations that docs/envoy.md hands out: the filter accepts each of them.

use crate::context::Context;
use bearward_tests::envoy::{Envoy, config};
use bearward_tests::stack::local;
use bearward_tests::tempdir::TempDir;
use bearward_tests::workspace;
use serde::Deserialize as _;
use serde_json::{Value, json};

pub async fn are_accepted(context: &Context) {
    let istio = ["/spec/wasm/pluginConfig", "/spec/pluginConfig"];
    accepts(context, "envoy/istio/traffic-extension.yaml", istio[0]).await;
    accepts(context, "envoy/istio/wasm-plugin.yaml", istio[1]).await;
    accepts(context, "envoy/gateway/envoy-extension-policy.yaml", "/spec/wasm/0/config").await;
}

/// A mistake is one line that begins with the path to it, and Envoy does not start.
pub async fn mistakes_are_refused(context: &Context) {
    let mut plugin = config::shipped().unwrap();
    let plugin = config::filter(&mut plugin).unwrap().pointer_mut("/configuration/value").unwrap();
    plugin["providers"]["bearward"]["audience"] = json!("https://api.example");
    let said = check(context, plugin).await.expect_err("an unknown key");
    assert!(said.contains("providers.bearward.audience"), "{said}");
}

async fn accepts(context: &Context, file: &str, pointer: &str) {
    let text = std::fs::read_to_string(workspace::root().join(file)).unwrap();
    let documents = serde_yaml_ng::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    let found: Vec<Value> = documents.filter_map(|document| document.pointer(pointer).cloned()).collect();
    assert_eq!(found.len(), 1, "{file}: {pointer}");
    check(context, &found[0]).await.unwrap_or_else(|said| panic!("{file}: {said}"));
}

/// Has Envoy load the filter with this configuration; what it said if it did not.
async fn check(context: &Context, plugin: &Value) -> Result<(), String> {
    let parts = context.parts();
    let dir = TempDir::new().unwrap();
    let places = config::Places {
        gateway: local(1),
        admin: local(1),
        authservers: vec![local(1)],
        echo: local(1),
        wasm: parts.filter.clone(),
        issuer: "http://127.0.0.1".to_owned(),
    };
    let mut config = config::moved(config::shipped().unwrap(), &places).unwrap();
    config::filter(&mut config).unwrap()["configuration"]["value"] = plugin.clone();
    Envoy::validate(&parts.envoy, &config, dir.path()).map_err(|error| error.to_string())
}
