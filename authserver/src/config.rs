//! The server's configuration, by file (TOML) and environment.
//!
//! `BEARWARD_DATABASE__URL` sets `database.url`: the prefix, then the path with `__` between its parts. The
//! environment wins over the file. Unknown keys are refused. Every secret can be given as `<name>_file` instead.

mod grants;
mod load;
mod reference;
mod show;
#[cfg(test)]
mod tests;
mod value;

pub use load::ConfigError;
pub use reference::reference;

/// A duration as settings write it: `90s`, `10m`, `1h30m`, `30d`, or a number of seconds.
///
/// # Errors
/// What it has to be.
pub fn duration(text: &str) -> Result<Duration, String> {
    value::duration(&toml::Value::String(text.to_owned()))
}

use crate::jwt::Algorithm;
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
    /// `other_master_key` or `other_master_key_file`: opens what `master_key` does not, while one takes over from the other.
    pub other_master_key: Option<MasterKey>,
    /// `[tokens]`.
    pub tokens: Tokens,
    /// `[gateway]`.
    pub gateway: Gateway,
    /// `[assertions]`.
    pub assertions: Assertions,
    /// `[device]`.
    pub device: Device,
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
    /// `refresh_absolute_lifetime`: how long a grant can be refreshed at all. Default a year; 0 sets no end.
    pub refresh_absolute_lifetime: Duration,
    /// `refresh_grace`: how long a spent refresh token still gives its successor again. Default 10 seconds; 0 turns it off.
    pub refresh_grace: Duration,
    /// `code_lifetime`. Default 60 seconds.
    pub code_lifetime: Duration,
    /// `audience`: the `aud` of tokens whose client names none. Default: the issuer.
    pub audience: Vec<String>,
}

/// `[gateway]`
#[derive(Debug, Clone, Default)]
pub struct Gateway {
    /// `secret` or `secret_file`: shared with the gateway, which proves with it what it says about a client.
    pub secret: Option<Secret>,
    /// `client_authorities_file`: whose certificates prove a client (`tls_client_auth`).
    pub client_authorities: Vec<rustls_pki_types::CertificateDer<'static>>,
    /// `open_feed`: the revocation feed answers those too that do not have the secret. Default false.
    pub open_feed: bool,
}

/// `[assertions]`
#[derive(Debug, Clone)]
pub struct Assertions {
    /// `audience`: what `aud` may be beside the issuer and the token endpoint. Default none.
    pub audience: Vec<String>,
    /// `leeway`: how far other clocks may be off. Default 30 seconds.
    pub leeway: Duration,
    /// `max_lifetime`: how far ahead `exp` may be. Default an hour.
    pub max_lifetime: Duration,
    /// `text_dates`: whether `exp`, `nbf` and `iat` may be texts. Default false.
    pub text_dates: bool,
    /// `jwks_networks`: where a `jwks_uri` may lead beside the public internet. Default nowhere.
    pub jwks_networks: Vec<ipnet::IpNet>,
}

impl Default for Assertions {
    fn default() -> Self {
        let (leeway, max_lifetime) = (Duration::from_secs(30), Duration::from_secs(3600));
        Self { audience: Vec::new(), leeway, max_lifetime, text_dates: false, jwks_networks: Vec::new() }
    }
}

/// `[device]`
#[derive(Debug, Clone)]
pub struct Device {
    /// `code_lifetime`: how long a person has to type the code. Default 10 minutes.
    pub code_lifetime: Duration,
    /// `interval`: how long a device waits between two polls. Default 5 seconds.
    pub interval: Duration,
}

impl Default for Device {
    fn default() -> Self {
        Self { code_lifetime: Duration::from_secs(600), interval: Duration::from_secs(5) }
    }
}

/// `[authorization]`
#[derive(Debug, Clone)]
pub struct Authorization {
    /// `require_pushed_requests`: every client has to push its authorization requests (RFC 9126 §5). Default false.
    pub require_pushed_requests: bool,
    /// `pushed_request_lifetime`. Default 90 seconds (RFC 9126 §2.2).
    pub pushed_request_lifetime: Duration,
    /// `stored_requests_per_address`: pushed requests and device requests of clients that prove nothing, from one network
    /// address, in a quarter of an hour. Default 1000.
    pub stored_requests_per_address: u32,
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
    /// `algorithm`: what new keys sign with, one of [`crate::keys::ALGORITHMS`]. Default `ES256`.
    pub algorithm: Algorithm,
    /// `more_algorithms`: for which of them there are keys as well, for clients that are registered for one. Default none.
    pub more_algorithms: Vec<Algorithm>,
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
    /// `idle`: since it was last used. Default 2 hours.
    pub idle: Duration,
    /// `trusted_proxies`: how many proxies in front say by `X-Forwarded-For` where a request came from. Default 1.
    pub trusted_proxies: u32,
}

impl Sessions {
    /// When a session must have been used last to be over at `now`, or before.
    #[must_use]
    pub fn idle_since(&self, now: i64) -> i64 {
        now.saturating_sub(crate::grants::seconds(self.idle))
    }
}

/// `[passwords]`
#[derive(Debug, Clone)]
pub struct Passwords {
    /// `attempts_per_account`: of a username, in 15 minutes. Default 10.
    pub attempts_per_account: u32,
    /// `attempts_per_address`: the same, from one address. Default 100.
    pub attempts_per_address: u32,
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
