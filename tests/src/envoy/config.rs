//! `envoy/envoy.yaml`, the file that compose mounts, moved to this machine: addresses, ports, file names and the
//! issuer change, and nothing else, so that what is tested is what is shipped.

use crate::error::{Error, Result};
use crate::workspace;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the parts are.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Where Envoy's admin interface listens.
    pub admin: SocketAddr,
    /// Every replica of the authserver.
    pub authservers: Vec<SocketAddr>,
    /// The upstream.
    pub echo: SocketAddr,
    /// The filter.
    pub wasm: PathBuf,
    /// The issuer whose tokens are taken.
    pub issuer: String,
}

/// The shipped configuration, as JSON (which Envoy reads as well).
///
/// # Errors
/// [`Error::Config`] if it is not YAML.
pub fn shipped() -> Result<Value> {
    let path = workspace::root().join("envoy/envoy.yaml");
    let text = std::fs::read_to_string(path).map_err(Error::io("reading envoy/envoy.yaml"))?;
    serde_yaml_ng::from_str(&text).map_err(|error| Error::Config(error.to_string()))
}

/// The configuration with its parts in other places.
///
/// # Errors
/// [`Error::Config`] if a part that is to move is not there.
pub fn moved(mut config: Value, places: &Places) -> Result<Value> {
    *at(&mut config, "/admin/address")? = address(places.admin);
    *at(&mut config, "/static_resources/listeners/0/address")? = address(places.gateway);
    *endpoints(&mut config, "authserver")? = places.authservers.iter().copied().map(endpoint).collect();
    *endpoints(&mut config, "echo")? = json!([endpoint(places.echo)]);
    let filter = filter(&mut config)?;
    *at(filter, "/vm_config/code/local/filename")? = json!(places.wasm);
    *at(filter, "/configuration/value/providers/bearward/issuer")? = json!(places.issuer);
    Ok(config)
}

/// The `PluginConfig` of the filter.
///
/// # Errors
/// [`Error::Config`] if there is none.
pub fn filter(config: &mut Value) -> Result<&mut Value> {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    at(named(at(config, &format!("{manager}/http_filters"))?, "bearward")?, "/typed_config/config")
}

fn endpoints<'a>(config: &'a mut Value, cluster: &str) -> Result<&'a mut Value> {
    let cluster = named(at(config, "/static_resources/clusters")?, cluster)?;
    at(cluster, "/load_assignment/endpoints/0/lb_endpoints")
}

fn named<'a>(list: &'a mut Value, name: &str) -> Result<&'a mut Value> {
    let items = list.as_array_mut().ok_or_else(|| Error::Config(format!("no list that could hold {name}")))?;
    let found = items.iter_mut().find(|item| item.get("name").and_then(Value::as_str) == Some(name));
    found.ok_or_else(|| Error::Config(format!("nothing is named {name}")))
}

fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    value.pointer_mut(pointer).ok_or_else(|| Error::Config(format!("nothing at {pointer}")))
}

fn endpoint(to: SocketAddr) -> Value {
    json!({ "endpoint": { "address": address(to) } })
}

fn address(of: SocketAddr) -> Value {
    json!({ "socket_address": { "address": of.ip().to_string(), "port_value": of.port() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All places in the file differ from these, so whatever is equal afterwards was moved.
    fn elsewhere() -> Places {
        Places {
            gateway: ([127, 0, 0, 1], 1).into(),
            admin: ([127, 0, 0, 1], 2).into(),
            authservers: vec![([127, 0, 0, 1], 3).into(), ([127, 0, 0, 1], 4).into()],
            echo: ([127, 0, 0, 1], 5).into(),
            wasm: "/there/filter.wasm".into(),
            issuer: "http://127.0.0.1:1".to_owned(),
        }
    }

    #[test]
    fn only_places_change() {
        let shipped = shipped().unwrap();
        let mut moved = moved(shipped.clone(), &elsewhere()).unwrap();
        let mut changed = 0;
        for pointer in [
            "/admin/address",
            "/static_resources/listeners/0/address",
            "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints",
            "/static_resources/clusters/1/load_assignment/endpoints/0/lb_endpoints",
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/vm_config/code",
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/configuration/value/providers/bearward/issuer",
        ] {
            let before = shipped.pointer(pointer).unwrap();
            let after = moved.pointer_mut(pointer).unwrap();
            assert_ne!(before, after, "{pointer}");
            *after = before.clone();
            changed += 1;
        }
        assert_eq!(changed, 6);
        assert_eq!(moved, shipped);
    }
}
