//! The settings that hold, for people. Secrets are not shown.

use super::Config;
use super::value::show;
use std::fmt;

const HIDDEN: &str = "(set, not shown)";

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.database.max_connections.map_or_else(|| "default".to_owned(), |n| n.to_string());
        let settings = [
            ("issuer", self.issuer.as_str().trim_end_matches('/').to_owned()),
            ("listen", self.listen.to_string()),
            ("management_listen", self.management_listen.to_string()),
            ("master_key", HIDDEN.to_owned()),
            ("database.url", HIDDEN.to_owned()),
            ("database.max_connections", connections),
            ("tokens.access_lifetime", show(self.tokens.access_lifetime)),
            ("tokens.refresh_lifetime", show(self.tokens.refresh_lifetime)),
            ("tokens.refresh_grace", show(self.tokens.refresh_grace)),
            ("tokens.code_lifetime", show(self.tokens.code_lifetime)),
            ("tokens.audience", self.tokens.audience.join(", ")),
            ("keys.rotate_every", show(self.keys.rotate_every)),
            ("keys.publish_ahead", show(self.keys.publish_ahead)),
            ("sessions.lifetime", show(self.sessions.lifetime)),
            ("sessions.trusted_proxies", self.sessions.trusted_proxies.to_string()),
            ("passwords.max_concurrent_hashes", self.passwords.max_concurrent_hashes.to_string()),
            ("log.format", if self.log.json { "json" } else { "text" }.to_owned()),
            ("log.filter", self.log.filter.clone()),
        ];
        for (path, value) in settings {
            writeln!(f, "{path} = {value}")?;
        }
        Ok(())
    }
}
