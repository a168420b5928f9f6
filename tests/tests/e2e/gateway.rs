//! A gateway for one scenario: real Envoy and the filter, before an authserver of the scenario's own making.

use crate::context::Context;
use axum::Router;
use bearward_tests::envoy::{Envoy, config};
use bearward_tests::stack::{self, local};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{echo, ports};
use serde_json::Value;
use std::path::Path;

/// An Envoy with a configuration of the filter's own, and whatever it talks to.
pub struct Gateway {
    /// Where it is, as clients write it.
    pub url: String,
    pub envoy: Envoy,
    pub http: reqwest::Client,
    _servers: [echo::Server; 2],
    _dir: TempDir,
}

impl Gateway {
    /// `authserver` answers at the cluster of that name; `change` gets the whole of Envoy's configuration and the filter's.
    pub async fn start(
        context: &Context,
        workers: u32,
        authserver: Router,
        plugin: impl FnOnce(&str) -> Value,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        Self::in_this(&context.parts().envoy, context, workers, authserver, plugin, change).await
    }

    /// In this Envoy.
    pub async fn in_this(
        envoy: &Path,
        context: &Context,
        workers: u32,
        authserver: Router,
        plugin: impl FnOnce(&str) -> Value,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let parts = context.parts();
        let dir = TempDir::new().unwrap();
        let gateway = local(ports::free().unwrap());
        let admin = local(ports::free().unwrap());
        let url = format!("http://{gateway}");
        let authserver = echo::Server::start(local(ports::free().unwrap()), authserver).await.unwrap();
        let echo = echo::Server::start(local(ports::free().unwrap()), echo::router()).await.unwrap();
        let places = config::Places {
            gateway,
            admin,
            authservers: vec![authserver.address],
            echo: echo.address,
            wasm: parts.filter.clone(),
            issuer: url.clone(),
        };
        let mut config = config::moved(config::shipped().unwrap(), &places).unwrap();
        config::filter(&mut config).unwrap()["configuration"]["value"] = plugin(&url);
        change(&mut config);
        let envoy = Envoy::start(envoy, &config, admin, workers, dir.path()).await.unwrap();
        Self { url, envoy, http: stack::client().unwrap(), _servers: [authserver, echo], _dir: dir }
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    pub async fn bearer(&self, path: &str, token: &str) -> u16 {
        self.get(path).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    pub async fn no_vm_was_replaced(&self) {
        assert_eq!(self.envoy.stat("vm_reload").await.unwrap(), 0);
    }
}
