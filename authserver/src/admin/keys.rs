//! Signing keys.

use super::{Admin, NOTHING, Result, invalid};
use crate::jwt::Algorithm;
use crate::keys::Sealer;
use crate::keys::lifecycle::{self, Line, Rotation, State};
use crate::keys::reseal::reseal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A signing key, without what is secret about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyView {
    /// The key's name in tokens.
    pub kid: String,
    /// The algorithm (RFC 7518).
    pub alg: String,
    /// `next`, `active` or `retired`.
    #[schema(value_type = String)]
    pub state: State,
    /// Since when it is published, Unix time in seconds.
    pub published_at: i64,
    /// From when it signs; null for the next one.
    pub activates_at: Option<i64>,
}

/// How to rotate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateSpec {
    /// Let the next key sign at once: for an emergency.
    pub now: bool,
    /// Which keys: those of one of `keys.more_algorithms`; the usual ones if left out.
    pub algorithm: Option<String>,
}

/// What asking for a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rotated {
    /// The key that will sign; null if another rotation began at the same moment.
    pub kid: Option<String>,
    /// From when, Unix time in seconds.
    pub activates_at: Option<i64>,
}

impl Admin<'_> {
    /// All signing keys, the oldest first.
    ///
    /// # Errors
    /// [`AdminError::Store`](super::AdminError::Store).
    pub async fn keys(&self) -> Result<Vec<KeyView>> {
        let keys = self.store.signing_keys().await?;
        let states = lifecycle::states(&keys, self.now());
        let view = |(key, state): (crate::model::SigningKey, State)| KeyView {
            kid: key.kid,
            alg: key.alg,
            state,
            published_at: key.published_at,
            activates_at: key.activates_at,
        };
        Ok(keys.into_iter().zip(states).map(view).collect())
    }

    /// Lets the next key sign, once it has been published for long enough or at once, and publishes a new next one.
    ///
    /// # Errors
    /// [`AdminError::Key`](super::AdminError::Key), [`AdminError::Invalid`](super::AdminError::Invalid).
    pub async fn rotate_keys(&self, spec: RotateSpec) -> Result<Rotated> {
        let sealer = Sealer::of(self.config);
        let now = self.now();
        lifecycle::check_master_key(self.store, &sealer).await?;
        // A database that no server has used yet gets its first keys here.
        lifecycle::init(self.store, &sealer, &self.config.keys, now).await?;
        let line = match &spec.algorithm {
            None => Some(Line::usual(&self.config.keys)),
            Some(name) => Algorithm::from_name(name).and_then(|algorithm| Line::of(&self.config.keys, algorithm)),
        };
        let Some(line) = line else {
            return invalid("algorithm", "is neither keys.algorithm nor one of keys.more_algorithms");
        };
        let audit = |kid: &str, activates_at: i64| {
            let after = serde_json::json!({ "activates_at": activates_at, "at_once": spec.now });
            self.change("key.rotate", "key", kid, NOTHING, Some(&after))
        };
        let rotation = lifecycle::rotate_audited(self.store, &sealer, line, now, spec.now, Some(&audit)).await?;
        Ok(match rotation {
            Rotation::Begun { kid, activates_at } => Rotated { kid: Some(kid), activates_at: Some(activates_at) },
            Rotation::Another => Rotated { kid: None, activates_at: None },
        })
    }

    /// Seals under the master key what the other one sealed; how many texts that were.
    ///
    /// # Errors
    /// [`AdminError::Key`](super::AdminError::Key).
    pub async fn reseal(&self) -> Result<u64> {
        let change = self.change("master_key.reseal", "master_key", "", NOTHING, NOTHING);
        Ok(reseal(self.store, &Sealer::of(self.config), &change).await?)
    }
}
