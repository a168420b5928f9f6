//! File and environment become one table, the table becomes a [`Config`]. The first thing that is wrong ends it.

use super::reference::{SETTINGS, variable};
use super::{
    Authorization, Config, Database, Dpop, KeyPolicy, Log, MasterKey, Passwords, Registration, Secret, Sessions,
    Tokens, is_loopback, value,
};
use crate::jwt::Algorithm;
use crate::keys::ALGORITHMS;
use crate::storage::Location;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};
use url::Url;
use zeroize::Zeroizing;

const PREFIX: &str = "BEARWARD_";
/// Names the file; not a setting itself.
const FILE_VARIABLE: &str = "BEARWARD_CONFIG";
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// What is wrong with the configuration: one line that says where and what to do, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    place: String,
    problem: String,
}

impl ConfigError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

impl Config {
    /// Reads the file, if one is named here or by `BEARWARD_CONFIG`, and these variables, which win.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut variables: BTreeMap<String, String> = variables
            .into_iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !is_service_link(name, value))
            .collect();
        let named = variables.remove(FILE_VARIABLE).map(PathBuf::from);
        let mut settings = Settings::default();
        if let Some(file) = file.map(Path::to_owned).or(named) {
            settings.add_file(&file)?;
        }
        for (name, text) in variables {
            settings.add_variable(&name, text)?;
        }
        settings.config()
    }
}

/// Each setting that was given, by path, with the place that gave it.
#[derive(Default)]
pub(super) struct Settings(BTreeMap<String, (Value, String)>);

impl Settings {
    fn add_file(&mut self, file: &Path) -> Result<(), ConfigError> {
        let place = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::new(place.as_str(), e.to_string()))?;
        let table: Table = text.parse().map_err(|e: toml::de::Error| {
            // Only the first line: the rest quotes the file, and with it perhaps a secret.
            let line =
                e.span().map_or(0, |span| text.get(..span.start).map_or(0, |before| before.matches('\n').count()) + 1);
            ConfigError::new(format!("{place}, line {line}"), e.message().lines().next().unwrap_or("not TOML"))
        })?;
        self.add_table(&table, "", &place)
    }

    fn add_table(&mut self, table: &Table, above: &str, place: &str) -> Result<(), ConfigError> {
        for (key, value) in table {
            let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
            match value {
                Value::Table(inner) => {
                    if !SETTINGS.iter().any(|s| s.path.starts_with(&format!("{path}."))) {
                        return Err(unknown(&path, &format!("{place}: {path}"), |p| p.to_owned()));
                    }
                    self.add_table(inner, &path, place)?;
                }
                value => {
                    if !is_known(&path) {
                        return Err(unknown(&path, &format!("{place}: {path}"), |p| p.to_owned()));
                    }
                    self.0.insert(path.clone(), (value.clone(), format!("{place}: {path}")));
                }
            }
        }
        Ok(())
    }

    fn add_variable(&mut self, name: &str, text: String) -> Result<(), ConfigError> {
        let path = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase().replace("__", ".");
        if !is_known(&path) || variable(&path) != name {
            return Err(unknown(&path, name, variable));
        }
        // The environment wins also over the other spelling of a secret in the file.
        let twin = path.strip_suffix("_file").map_or_else(|| format!("{path}_file"), ToOwned::to_owned);
        if self.0.get(&twin).is_some_and(|(_, place)| !place.starts_with(PREFIX)) {
            self.0.remove(&twin);
        }
        self.0.insert(path, (Value::String(text), name.to_owned()));
        Ok(())
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let issuer = self.issuer()?;
        let config = Config {
            listen: self.address("listen", SocketAddr::from(([127, 0, 0, 1], 9000)))?,
            management_listen: self.address("management_listen", SocketAddr::from(([127, 0, 0, 1], 9090)))?,
            database: Database {
                url: self.database_url()?,
                max_connections: self.number("database.max_connections", 1..=1000)?.map(|n| n as u32),
            },
            master_key: self.master_key("master_key")?,
            other_master_key: match self.is_set("other_master_key") {
                true => Some(self.master_key("other_master_key")?),
                false => None,
            },
            tokens: self.tokens(&issuer)?,
            gateway: self.gateway()?,
            assertions: self.assertions()?,
            device: self.device()?,
            authorization: Authorization {
                require_pushed_requests: self.flag("authorization.require_pushed_requests")?,
                pushed_request_lifetime: self.duration(
                    "authorization.pushed_request_lifetime",
                    Duration::from_secs(90),
                    Duration::from_secs(5)..=MINUTE * 10,
                )?,
                stored_requests_per_address: self
                    .number("authorization.stored_requests_per_address", 1..=1_000_000)?
                    .unwrap_or(1000) as u32,
            },
            dpop: Dpop { require_nonce: self.flag("dpop.require_nonce")? },
            registration: Registration { enabled: self.flag("registration.enabled")? },
            keys: KeyPolicy {
                algorithm: self.algorithm()?,
                more_algorithms: self.more_algorithms()?,
                rotate_every: self.duration("keys.rotate_every", DAY * 30, Duration::ZERO..=DAY * 3650)?,
                publish_ahead: self.duration("keys.publish_ahead", MINUTE * 10, Duration::ZERO..=DAY * 30)?,
            },
            sessions: Sessions {
                lifetime: self.duration("sessions.lifetime", DAY / 2, MINUTE..=DAY * 90)?,
                idle: self.duration("sessions.idle", MINUTE * 120, MINUTE * 5..=DAY * 90)?,
                trusted_proxies: self.number("sessions.trusted_proxies", 0..=16)?.map_or(1, |n| n as u32),
            },
            passwords: Passwords {
                max_concurrent_hashes: self.hashes()?,
                attempts_per_account: self.number("passwords.attempts_per_account", 1..=1000)?.unwrap_or(10) as u32,
                attempts_per_address: self.number("passwords.attempts_per_address", 1..=100_000)?.unwrap_or(100) as u32,
            },
            log: self.log()?,
            issuer,
        };
        if config.listen == config.management_listen && config.listen.port() != 0 {
            return Err(self.wrong("management_listen", "has to differ from listen"));
        }
        let KeyPolicy { rotate_every, publish_ahead, .. } = config.keys;
        if !rotate_every.is_zero() && rotate_every <= publish_ahead {
            return Err(self.wrong("keys.rotate_every", "has to be longer than keys.publish_ahead"));
        }
        Ok(config)
    }

    fn algorithm(&self) -> Result<Algorithm, ConfigError> {
        let path = "keys.algorithm";
        let Some(name) = self.get(path, value::text)? else { return Ok(Algorithm::ES256) };
        self.one_that_signs(path, &name)
    }

    fn more_algorithms(&self) -> Result<Vec<Algorithm>, ConfigError> {
        let path = "keys.more_algorithms";
        let names = self.get(path, value::list)?.unwrap_or_default();
        let more = names.iter().map(|name| self.one_that_signs(path, name)).collect::<Result<Vec<_>, _>>()?;
        let twice = more.iter().enumerate().any(|(at, one)| more.iter().skip(at + 1).any(|other| other == one));
        if twice || more.contains(&self.algorithm()?) {
            return Err(self.wrong(path, "names one twice, or that of keys.algorithm"));
        }
        Ok(more)
    }

    fn one_that_signs(&self, path: &'static str, name: &str) -> Result<Algorithm, ConfigError> {
        let known = ALGORITHMS.into_iter().find(|algorithm| algorithm.name() == name);
        let names = ALGORITHMS.map(Algorithm::name).join(", ");
        known.ok_or_else(|| self.wrong(path, &format!("has to be one of {names}")))
    }

    fn issuer(&self) -> Result<Url, ConfigError> {
        let path = "issuer";
        let text = self.required(path, "the URL that clients see, such as https://auth.example.com")?;
        let wrong = |problem: &str| Err(self.wrong(path, problem));
        let Ok(url) = Url::parse(&text) else { return wrong("is not a URL") };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("must not hold a user name or a password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("must not have a query or a fragment (RFC 8414 section 2)");
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return wrong("has to be https; plain http is for a loopback address only"),
            _ => return wrong("has to begin with https://"),
        }
        if text.ends_with('/') {
            return wrong("must not end with a slash");
        }
        let normal = url.as_str().trim_end_matches('/');
        if normal != text {
            return Err(self.wrong(path, &format!("has to be written as {normal}: it is compared letter by letter")));
        }
        Ok(url)
    }

    fn tokens(&self, issuer: &Url) -> Result<Tokens, ConfigError> {
        let second = Duration::from_secs(1);
        let access_lifetime = self.duration("tokens.access_lifetime", MINUTE * 10, second..=DAY)?;
        let max_access_lifetime =
            self.duration("tokens.max_access_lifetime", access_lifetime, access_lifetime..=DAY)?;
        let audience = match self.get("tokens.audience", value::list)? {
            Some(list) if list.is_empty() || list.iter().any(String::is_empty) => {
                return Err(self.wrong("tokens.audience", "has to name an audience"));
            }
            Some(list) => list,
            None => vec![issuer.as_str().trim_end_matches('/').to_owned()],
        };
        let refresh_lifetime = self.duration("tokens.refresh_lifetime", DAY * 30, second..=DAY * 3650)?;
        if refresh_lifetime < access_lifetime {
            return Err(self.wrong("tokens.refresh_lifetime", "has to be at least tokens.access_lifetime"));
        }
        Ok(Tokens {
            access_lifetime,
            max_access_lifetime,
            refresh_lifetime,
            refresh_absolute_lifetime: self.duration(
                "tokens.refresh_absolute_lifetime",
                DAY * 365,
                Duration::ZERO..=DAY * 3650,
            )?,
            refresh_grace: self.duration(
                "tokens.refresh_grace",
                Duration::from_secs(10),
                Duration::ZERO..=MINUTE * 5,
            )?,
            code_lifetime: self.duration("tokens.code_lifetime", MINUTE, second..=MINUTE * 10)?,
            audience,
        })
    }

    fn master_key(&self, path: &str) -> Result<MasterKey, ConfigError> {
        let hint = "32 bytes in base64, as `bearward keys generate-master` prints them";
        let (text, place) = self.secret(path, hint)?;
        // Either alphabet, padded or not: people paste what `openssl rand -base64 32` gave them.
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = [alphabet::STANDARD, alphabet::URL_SAFE]
            .iter()
            .find_map(|a| GeneralPurpose::new(a, config).decode(text.as_bytes()).ok())
            .map(Zeroizing::new);
        let bytes = decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        bytes.map(|b| MasterKey(Zeroizing::new(b))).ok_or_else(|| ConfigError::new(place, format!("has to be {hint}")))
    }

    fn database_url(&self) -> Result<Secret, ConfigError> {
        let hint = "sqlite:///path/to/file.db or postgres://user:password@host/name";
        let (text, place) = self.secret("database.url", hint)?;
        Location::parse(&text).map_err(|problem| ConfigError::new(place, problem))?;
        Ok(Secret(text))
    }

    fn hashes(&self) -> Result<usize, ConfigError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let set = self.number("passwords.max_concurrent_hashes", 1..=256)?;
        Ok(set.and_then(|n| usize::try_from(n).ok()).unwrap_or(cores))
    }

    fn log(&self) -> Result<Log, ConfigError> {
        let json = match self.get("log.format", value::text)?.as_deref() {
            None | Some("text") => false,
            Some("json") => true,
            Some(_) => return Err(self.wrong("log.format", "has to be text or json")),
        };
        let filter = self.get("log.filter", value::text)?.unwrap_or_else(|| "info".to_owned());
        if tracing_subscriber::EnvFilter::try_new(&filter).is_err() {
            return Err(self.wrong("log.filter", "is not a filter such as info or info,bearward=debug"));
        }
        Ok(Log { json, filter })
    }

    fn address(&self, path: &str, default: SocketAddr) -> Result<SocketAddr, ConfigError> {
        let Some(text) = self.get(path, value::text)? else { return Ok(default) };
        text.parse().map_err(|_| self.wrong(path, "has to be an IP address and a port such as 127.0.0.1:9000"))
    }

    fn number(&self, path: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
        match self.get(path, value::number)? {
            Some(number) if !range.contains(&number) => {
                Err(self.wrong(path, &format!("has to be from {} to {}", range.start(), range.end())))
            }
            number => Ok(number),
        }
    }

    pub(super) fn duration(
        &self,
        path: &str,
        default: Duration,
        range: std::ops::RangeInclusive<Duration>,
    ) -> Result<Duration, ConfigError> {
        let duration = self.get(path, value::duration)?.unwrap_or(default);
        if range.contains(&duration) {
            return Ok(duration);
        }
        let (least, most) = (value::show(*range.start()), value::show(*range.end()));
        Err(self.wrong(path, &format!("has to be from {least} to {most}")))
    }

    /// A secret, from its setting or from the file that `<path>_file` names; and the place that gave it.
    pub(super) fn secret(&self, path: &str, hint: &str) -> Result<(Zeroizing<String>, String), ConfigError> {
        let file_path = format!("{path}_file");
        let (text, place) = match (self.0.get(path), self.0.get(&file_path)) {
            (Some(_), Some((_, place))) => {
                return Err(ConfigError::new(place, format!("give {path} or {file_path}, not both")));
            }
            (Some((given, place)), None) => {
                (Zeroizing::new(value::text(given).map_err(|p| ConfigError::new(place, p))?), place.clone())
            }
            (None, Some((given, place))) => {
                let file = value::text(given).map_err(|p| ConfigError::new(place, p))?;
                let read = std::fs::read_to_string(&file);
                let text = read.map_err(|e| ConfigError::new(place, format!("{file}: {e}")))?;
                (Zeroizing::new(text), format!("{place} ({file})"))
            }
            (None, None) => {
                let problem = format!(
                    "is not set: {hint} ({path} or {file_path} in the file, {} or {} in the environment)",
                    variable(path),
                    variable(&file_path)
                );
                return Err(ConfigError::new(path, problem));
            }
        };
        let trimmed = Zeroizing::new(text.trim().to_owned());
        if trimmed.is_empty() {
            Err(ConfigError::new(place, format!("is empty: {hint}")))
        } else {
            Ok((trimmed, place))
        }
    }

    /// A setting that is off unless it is turned on.
    pub(super) fn flag(&self, path: &str) -> Result<bool, ConfigError> {
        Ok(self.get(path, value::boolean)?.unwrap_or(false))
    }

    fn required(&self, path: &str, hint: &str) -> Result<String, ConfigError> {
        let problem =
            || ConfigError::new(path, format!("is not set: {hint} (or {} in the environment)", variable(path)));
        self.get(path, value::text)?.ok_or_else(problem)
    }

    pub(super) fn get<T>(&self, path: &str, read: fn(&Value) -> Result<T, String>) -> Result<Option<T>, ConfigError> {
        let Some((value, place)) = self.0.get(path) else { return Ok(None) };
        read(value).map(Some).map_err(|problem| ConfigError::new(place, problem))
    }

    /// Whether a setting was given, or, of a secret, its file.
    pub(super) fn is_set(&self, path: &str) -> bool {
        self.0.contains_key(path) || self.0.contains_key(&format!("{path}_file"))
    }

    pub(super) fn wrong(&self, path: &str, problem: &str) -> ConfigError {
        let place = self.0.get(path).map_or(path, |(_, place)| place);
        ConfigError::new(place, problem)
    }
}

fn is_known(path: &str) -> bool {
    SETTINGS.iter().any(|s| s.path == path || (s.secret && path.strip_suffix("_file") == Some(s.path)))
}

fn unknown(path: &str, place: &str, spell: impl Fn(&str) -> String) -> ConfigError {
    let candidates = SETTINGS.iter().flat_map(|s| {
        let file = s.secret.then(|| format!("{}_file", s.path));
        [Some(s.path.to_owned()), file].into_iter().flatten()
    });
    let nearest = candidates.max_by(|a, b| strsim::jaro_winkler(a, path).total_cmp(&strsim::jaro_winkler(b, path)));
    let hint = nearest.map(|n| format!("; did you mean {}?", spell(&n))).unwrap_or_default();
    ConfigError::new(place, format!("there is no such setting{hint}"))
}

/// What Kubernetes puts into the environment for a Service whose name begins with "bearward".
fn is_service_link(name: &str, value: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.contains("_PORT") && ["tcp://", "udp://", "sctp://"].iter().any(|p| value.starts_with(p)))
        || ["_TCP_", "_UDP_", "_SCTP_"].iter().any(|p| name.contains("_PORT_") && name.contains(p))
}
