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
    /// `[authorization]`.
    pub authorization: Authorization,
    /// `[dpop]`.
    pub dpop: Dpop,
    /// `[registration]`.
    pub registration: Registration,
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
    /// `max_access_lifetime`: the longest that a client's registration may ask for. Default `access_lifetime`; at most a
    /// day. Revocations and retired keys are kept for so long.
    pub max_access_lifetime: Duration,
    /// `refresh_lifetime`: since a refresh token was issued, so renewed by each rotation. Default 30 days.
    pub refresh_lifetime: Duration,
    /// `refresh_grace`: how long a spent refresh token still gives its successor again. Default 10 seconds; 0 turns it off.
    pub refresh_grace: Duration,
    /// `code_lifetime`. Default 60 seconds.
    pub code_lifetime: Duration,
    /// `audience`: the `aud` of tokens whose client names none. Default: the issuer.
    pub audience: Vec<String>,
}

/// `[authorization]`
#[derive(Debug, Clone)]
pub struct Authorization {
    /// `require_pushed_requests`: every client has to push its authorization requests (RFC 9126 §5). Default false.
    pub require_pushed_requests: bool,
    /// `pushed_request_lifetime`. Default 90 seconds (RFC 9126 §2.2).
    pub pushed_request_lifetime: Duration,
}

/// `[dpop]`
#[derive(Debug, Clone)]
pub struct Dpop {
    /// `require_nonce`: proofs hold a nonce of this server (RFC 9449 §8). Default false.
    pub require_nonce: bool,
}

/// `[registration]`
#[derive(Debug, Clone)]
pub struct Registration {
    /// `enabled`: clients can be registered at `/oauth2/register` with an initial access token (RFC 7591). Default false.
    pub enabled: bool,
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
