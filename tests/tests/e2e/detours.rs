//! Ways round a rule that only a real Envoy has: it chooses a route by what the client sent, and again by what the filter
//! left of that.

use crate::context::Context;
use crate::gateway::Gateway;
use axum::Router;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ROUTES: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";

fn plugin(url: &str) -> Value {
    json!({
        "providers": { "secret": { "issuer": url, "audiences": ["a"], "hmac": { "secret": SECRET } } },
        "rules": [{ "match": { "prefix": "/" }, "require": {} }],
        "policies": { "open": { "allow": "anonymous" } },
        "route_policy": {},
        "oauth": { "cluster": "authserver", "prefixes": ["/oauth2/"], "hosts": ["127.0.0.1"] },
        "forward": { "headers": { "x-auth-subject": "sub" } },
    })
}

/// Paths as they come, and a route that only those can reach who name an identity, and whose policy is weaker than that of the one behind it.
fn with_an_inner_circle(config: &mut Value) {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    config.pointer_mut(manager).unwrap()["normalize_path"] = false.into();
    let routes = config.pointer_mut(ROUTES).unwrap().as_array_mut().unwrap();
    let mut inner = routes.last().unwrap().clone();
    inner["name"] = "inner".into();
    inner["match"] = json!({ "prefix": "/", "headers": [{ "name": "x-auth-subject", "present_match": true }] });
    inner["metadata"] = json!({ "filter_metadata": { "bearward": { "policy": "open" } } });
    routes.insert(0, inner);
    let mut open = routes.last().unwrap().clone();
    open["name"] = "open".into();
    open["match"] = json!({ "prefix": "/open" });
    open["metadata"] = json!({ "filter_metadata": { "bearward": { "policy": "open" } } });
    routes.insert(0, open);
    // Another host, where all paths are a service's.
    let manager = config.pointer_mut(manager).unwrap();
    let hosts = manager["route_config"]["virtual_hosts"].as_array_mut().unwrap();
    let mut other = hosts[0].clone();
    (other["name"], other["domains"]) = ("other".into(), json!(["other.example"]));
    let routes = other["routes"].as_array_mut().unwrap();
    routes.drain(..routes.len() - 1);
    hosts.push(other);
}

/// None of them leads to the service.
pub async fn lead_nowhere(context: &Context) {
    let gateway = Gateway::start(context, 1, Router::new(), plugin, with_an_inner_circle).await;
    let status = async |path: &str, identity: Option<&str>| {
        let request = gateway.get(path);
        let request = identity.into_iter().fold(request, |request, name| request.header(name, "mallory"));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("/open", None).await, 200);
    assert_eq!(status("/orders/1", None).await, 401);
    assert_eq!(status("/orders/1", Some("x-auth-subject")).await, 400, "the weaker policy of a route that it leaves");
    assert_eq!(status("/open", Some("x-auth-subject")).await, 400);
    // The route for the authserver's paths decodes nothing, so this one would lead to the service.
    assert_eq!(status("/%6fauth2/token", None).await, 401);
    // Nor are the authserver's paths open where they are a service's.
    let elsewhere = gateway.get("/oauth2/token").header("host", "other.example").send().await.unwrap();
    assert_eq!(elsewhere.status(), 401);
    gateway.no_vm_was_replaced().await;
}
