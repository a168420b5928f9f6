//! What the grants and the proofs of clients need of the configuration.

use super::load::{ConfigError, DAY, MINUTE, Settings};
use super::{Assertions, Device, Gateway, value};
use crate::x509;
use std::time::Duration;

/// The shortest secret that the gateway may share with the server: what is shorter could be guessed from one proof.
const MIN_SECRET: usize = 32;

impl Settings {
    pub(super) fn gateway(&self) -> Result<Gateway, ConfigError> {
        let hint = "a random text of 32 characters or more that the gateway has too";
        let secret = if self.is_set("gateway.secret") {
            let (secret, place) = self.secret("gateway.secret", hint)?;
            if secret.len() < MIN_SECRET {
                return Err(ConfigError::new(place, format!("is too short: {hint}")));
            }
            Some(super::Secret(secret))
        } else {
            None
        };
        let path = "gateway.client_authorities_file";
        let client_authorities = match self.get(path, value::text)? {
            None => Vec::new(),
            Some(file) => {
                let text = std::fs::read_to_string(&file).map_err(|e| self.wrong(path, &format!("{file}: {e}")))?;
                let read = x509::many_from_pem(&text).map_err(|e| self.wrong(path, &format!("{file}: {e}")))?;
                let usable = |one: &_| x509::authority(one).map(drop);
                read.iter().try_for_each(usable).map_err(|e| self.wrong(path, &format!("{file}: {e}")))?;
                read
            }
        };
        if secret.is_none() && !client_authorities.is_empty() {
            return Err(self.wrong(path, "needs gateway.secret: without it no certificate is believed"));
        }
        Ok(Gateway { secret, client_authorities, open_feed: self.flag("gateway.open_feed")? })
    }

    pub(super) fn assertions(&self) -> Result<Assertions, ConfigError> {
        let default = Assertions::default();
        let audience = self.get("assertions.audience", value::list)?.unwrap_or_default();
        if audience.iter().any(String::is_empty) {
            return Err(self.wrong("assertions.audience", "has an empty entry"));
        }
        Ok(Assertions {
            audience,
            leeway: self.duration("assertions.leeway", default.leeway, Duration::ZERO..=MINUTE * 5)?,
            max_lifetime: self.duration("assertions.max_lifetime", default.max_lifetime, MINUTE..=DAY)?,
            text_dates: self.flag("assertions.text_dates")?,
            jwks_networks: self.get("assertions.jwks_networks", value::networks)?.unwrap_or_default(),
        })
    }

    pub(super) fn device(&self) -> Result<Device, ConfigError> {
        let default = Device::default();
        let second = Duration::from_secs(1);
        Ok(Device {
            code_lifetime: self.duration("device.code_lifetime", default.code_lifetime, MINUTE..=MINUTE * 30)?,
            interval: self.duration("device.interval", default.interval, second..=MINUTE)?,
        })
    }
}
