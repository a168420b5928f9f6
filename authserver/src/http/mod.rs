//! The server over HTTP: one file per endpoint, each thin: read, call, answer.

mod account;
pub(crate) mod address;
mod answer;
mod api;
mod assets;
mod authorization_request;
mod authorize;
mod browser;
mod clients;
mod consent;
mod console;
mod cookies;
mod csrf;
mod device;
mod device_authorization;
mod error;
mod flow;
mod goal;
mod introspect;
mod jwks;
mod kept;
mod login;
mod metadata;
mod mishap;
mod observe;
mod par;
mod params;
mod pending;
pub(crate) mod presented;
mod redirect_uri;
mod register;
mod request_object;
mod revoke;
mod routes;
mod sender;
pub(crate) mod throttle;
mod token;
mod tokeninfo;

pub use api::openapi;
pub use assets::Assets;
pub use clients::{ClientCache, MAX_AGE_MS as CLIENT_MAX_AGE_MS};
pub use error::Refusal;
pub(crate) use login::sign_in_by_password as sign_in;
pub(crate) use observe::count;
pub use params::{Form, Params, ParamsError, decode};
pub use routes::{Route, Urls};

use crate::activity::Counters;
use crate::config::Config;
use crate::env::Env;
use crate::jwt::{Destinations, RemoteKeys};
use crate::keys::{Keys, Sealer};
use crate::pages;
use crate::passkeys::Passkeys;
use crate::passwords::Passwords;
use crate::storage::Store;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// Everything that answering takes.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The signing keys.
    pub keys: Arc<dyn Keys>,
    /// Time and randomness.
    pub env: Env,
    /// People's passwords.
    pub passwords: Passwords,
    /// Ceremonies of passkeys; none if people reach the server by an address, to which browsers bind no passkey.
    pub passkeys: Option<Passkeys>,
    /// Links.
    pub urls: Urls,
    /// What goes on.
    pub counters: Arc<Counters>,
    /// How long a request may take before it is given up: 30 seconds, but for tests.
    pub time_limit: Duration,
    pub(crate) clients: ClientCache,
    pub(crate) assets: Assets,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) remote_keys: RemoteKeys,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, keys: Arc<dyn Keys>, sealer: Arc<Sealer>, env: Env) -> Self {
        let urls = Urls::new(&config.issuer);
        Self {
            clients: ClientCache::new(store.changes().registry),
            passwords: Passwords::new(config.passwords.max_concurrent_hashes, Arc::clone(&env.random)),
            passkeys: Passkeys::of(&config.issuer),
            counters: Arc::default(),
            time_limit: observe::LIMIT,
            assets: Assets::new(&urls),
            remote_keys: RemoteKeys::new(Destinations::new(&config.assertions.jwks_networks)),
            sealer,
            urls,
            config,
            store,
            keys,
            env,
        }
    }
}

/// The server's routes.
pub fn router(app: Arc<App>) -> Router {
    let path = |route| app.urls.path(route);
    Router::new()
        .route(&path(Route::Authorize), get(authorize::get).post(authorize::post))
        .route(&path(Route::Par), post(par::post).options(answer::preflight))
        .route(&path(Route::Token), post(token::post).options(answer::preflight))
        .route(&path(Route::Revoke), post(revoke::post).options(answer::preflight))
        .route(&path(Route::Introspect), post(introspect::post))
        .route(&path(Route::TokenInfo), post(tokeninfo::post))
        .route(&path(Route::Register), post(register::post))
        .route(&path(Route::Registered), get(register::get).put(register::put).delete(register::delete))
        .route(&path(Route::Jwks), get(jwks::get))
        .route(&path(Route::Metadata), get(metadata::get))
        .route(&path(Route::DeviceAuthorization), post(device_authorization::post))
        .route(&path(Route::Assets), get(assets::get))
        .merge(with_forms(&app))
        .merge(api::router(&app))
        .fallback(pages::not_found)
        .layer(axum::middleware::from_fn_with_state(app.clone(), observe::time_limit))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(axum::middleware::from_fn_with_state(app.clone(), mishap::tell))
        .layer(axum::middleware::from_fn(observe::count))
        .layer(axum::middleware::from_fn_with_state(app.clone(), crate::gateway::believe))
        .with_state(app)
}

/// The pages that people fill in.
fn with_forms(app: &Arc<App>) -> Router<Arc<App>> {
    let path = |route| app.urls.path(route);
    Router::new()
        .route(&path(Route::Login), get(login::get).post(login::post))
        .route(&path(Route::Consent), get(consent::get).post(consent::post))
        .route(&path(Route::Admin), get(console::get).post(console::post))
        .route(&format!("{}/{{*rest}}", path(Route::Admin)), get(console::get).post(console::post))
        .route(&path(Route::Account), get(account::get).post(account::post))
        .route(&path(Route::Device), get(device::get).post(device::post))
        .route_layer(axum::middleware::from_fn_with_state(Arc::clone(app), browser::known))
}

/// A name as one segment of a path.
pub(crate) fn escaped(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
