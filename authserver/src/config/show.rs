//! The settings that hold, for people. Secrets are not shown.

use super::Config;
use super::value::show;
use std::fmt;

const HIDDEN: &str = "(set, not shown)";

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.database.max_connections.map_or_else(|| "default".to_owned(), |n| n.to_string());
        let networks = self.assertions.jwks_networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let more_algorithms = self.keys.more_algorithms.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
        let settings = [
            ("issuer", self.issuer.as_str().trim_end_matches('/').to_owned()),
            ("listen", self.listen.to_string()),
            ("management_listen", self.management_listen.to_string()),
            ("master_key", HIDDEN.to_owned()),
            ("other_master_key", if self.other_master_key.is_some() { HIDDEN } else { "(not set)" }.to_owned()),
            ("database.url", HIDDEN.to_owned()),
            ("database.max_connections", connections),
            ("tokens.access_lifetime", show(self.tokens.access_lifetime)),
            ("tokens.max_access_lifetime", show(self.tokens.max_access_lifetime)),
            ("tokens.refresh_lifetime", show(self.tokens.refresh_lifetime)),
            ("tokens.refresh_absolute_lifetime", show(self.tokens.refresh_absolute_lifetime)),
            ("tokens.refresh_grace", show(self.tokens.refresh_grace)),
            ("tokens.code_lifetime", show(self.tokens.code_lifetime)),
            ("tokens.audience", self.tokens.audience.join(", ")),
            ("gateway.secret", if self.gateway.secret.is_some() { HIDDEN } else { "(not set)" }.to_owned()),
            ("gateway.client_authorities_file", format!("{} certificates", self.gateway.client_authorities.len())),
            ("gateway.open_feed", self.gateway.open_feed.to_string()),
            ("assertions.audience", self.assertions.audience.join(", ")),
            ("assertions.leeway", show(self.assertions.leeway)),
            ("assertions.max_lifetime", show(self.assertions.max_lifetime)),
            ("assertions.text_dates", self.assertions.text_dates.to_string()),
            ("assertions.jwks_networks", networks),
            ("device.code_lifetime", show(self.device.code_lifetime)),
            ("device.interval", show(self.device.interval)),
            ("authorization.require_pushed_requests", self.authorization.require_pushed_requests.to_string()),
            ("authorization.pushed_request_lifetime", show(self.authorization.pushed_request_lifetime)),
            ("authorization.stored_requests_per_address", self.authorization.stored_requests_per_address.to_string()),
            ("dpop.require_nonce", self.dpop.require_nonce.to_string()),
            ("registration.enabled", self.registration.enabled.to_string()),
            ("keys.algorithm", self.keys.algorithm.name().to_owned()),
            ("keys.more_algorithms", more_algorithms),
            ("keys.rotate_every", show(self.keys.rotate_every)),
            ("keys.publish_ahead", show(self.keys.publish_ahead)),
            ("sessions.lifetime", show(self.sessions.lifetime)),
            ("sessions.idle", show(self.sessions.idle)),
            ("sessions.trusted_proxies", self.sessions.trusted_proxies.to_string()),
            ("passwords.max_concurrent_hashes", self.passwords.max_concurrent_hashes.to_string()),
            ("passwords.attempts_per_account", self.passwords.attempts_per_account.to_string()),
            ("passwords.attempts_per_address", self.passwords.attempts_per_address.to_string()),
            ("log.format", if self.log.json { "json" } else { "text" }.to_owned()),
            ("log.filter", self.log.filter.clone()),
        ];
        for (path, value) in settings {
            writeln!(f, "{path} = {value}")?;
        }
        Ok(())
    }
}
