//! The server's configuration, by file (TOML) and environment.
//!
//! `BEARWARD_DATABASE__URL` sets `database.url`: the prefix, then the path with `__` between its parts. The
//! environment wins over the file. Unknown keys are refused. Every secret can be given as `<name>_file` instead.

mod load;
mod reference;
mod show;
#[cfg(test)]
mod tests;
mod value;

pub use load::ConfigError;
pub use reference::reference;

use std::net::SocketAddr;
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// Everything an operator can set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `issuer`: the URL clients see, normally Envoy's; no query, no fragment, no trailing slash. `https`, or `http` on
    /// a loopback address. Every URL the server hands out is built from it.
    pub issuer: Url,
    /// `listen`: where the server answers. Default `127.0.0.1:9000`.
    pub listen: SocketAddr,
    /// `management_listen`: where `/healthz`, `/readyz` and `/metrics` answer. Default `127.0.0.1:9090`.
    pub management_listen: SocketAddr,
    /// `[database]`.
    pub database: Database,
    /// `master_key` or `master_key_file`: 32 bytes as base64. Seals signing keys; cookies and links derive from it.
    pub master_key: MasterKey,
    /// `[tokens]`.
    pub tokens: Tokens,
    /// `[keys]`.
    pub keys: KeyPolicy,
    /// `[sessions]`.
    pub sessions: Sessions,
    /// `[passwords]`.
    pub passwords: Passwords,
    /// `[log]`.
    pub log: Log,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// `url` or `url_file`: `sqlite:///path/to/file.db` or `postgres://user:password@host/name`. Never logged.
    pub url: Secret,
    /// `max_connections`. Default 16 (PostgreSQL), readers beside the one writer (SQLite, default 4).
    pub max_connections: Option<u32>,
}

/// `[tokens]`
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `access_lifetime`. Default 10 minutes; at most a day.
    pub access_lifetime: Duration,
    /// `refresh_lifetime`: since a refresh token was issued, so renewed by each rotation. Default 30 days.
    pub refresh_lifetime: Duration,
    /// `refresh_grace`: how long a spent refresh token still gives its successor again. Default 10 seconds; 0 turns it off.
    pub refresh_grace: Duration,
    /// `code_lifetime`. Default 60 seconds.
    pub code_lifetime: Duration,
    /// `audience`: the `aud` of tokens whose client names none. Default: the issuer.
    pub audience: Vec<String>,
}

/// `[keys]`
#[derive(Debug, Clone)]
pub struct KeyPolicy {
    /// `rotate_every`. Default 30 days; 0 leaves it to the command.
    pub rotate_every: Duration,
    /// `publish_ahead`: how long a key is published before it signs. Default 10 minutes.
    pub publish_ahead: Duration,
}

/// `[sessions]`
#[derive(Debug, Clone)]
pub struct Sessions {
    /// `lifetime`: since sign-in. Default 12 hours.
    pub lifetime: Duration,
    /// `trusted_proxies`: how many proxies in front say by `X-Forwarded-For` where a request came from. Default 1.
    pub trusted_proxies: u32,
}

/// `[passwords]`
#[derive(Debug, Clone)]
pub struct Passwords {
    /// `max_concurrent_hashes`: each takes 19 MiB and a core for a while. Default: the number of cores.
    pub max_concurrent_hashes: usize,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    /// `format`: `text` (default) or `json`.
    pub json: bool,
    /// `filter`: as in `RUST_LOG`. Default `info`.
    pub filter: String,
}

/// A text that must not be shown; its `Debug` shows nothing.
#[derive(Clone)]
pub struct Secret(pub Zeroizing<String>);

/// The master key; its `Debug` shows nothing.
#[derive(Clone)]
pub struct MasterKey(pub Zeroizing<[u8; 32]>);

/// Whether a URL's host is this machine: an address of 127.0.0.0/8, `::1`, or `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}
