//! The keys in memory: signing and verifying ask no database.

use super::lifecycle::{self, Line, Rotation};
use super::seal::Sealer;
use super::signing::{Signer, Verifier, algorithm};
use super::{KeyError, Keys, Unverified, Verified};
use crate::admin::{Actor, NOTHING, change};
use crate::config::KeyPolicy;
use crate::env::Env;
use crate::jwt::Algorithm;
use crate::model::SigningKey;
use crate::storage::Store;
use bearward_token::claims::ACCESS_TOKEN_TYPE;
use bearward_token::jws::{Compact, Header};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Clocks of replicas may differ by so much: a retired key stays published this much longer.
const SKEW: Duration = Duration::from_secs(300);
/// How often rotation by schedule and the end of retired keys are looked at.
const MAINTAIN: Duration = Duration::from_secs(60);

/// The keys of the database, kept up to date.
pub struct KeyRing {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    env: Env,
    policy: KeyPolicy,
    access_lifetime: Duration,
    set: RwLock<Arc<KeySet>>,
}

/// What the database held when it was last read.
struct KeySet {
    /// With their lines, by activation, the latest first; keys of algorithms this build does not know are left out.
    signers: Vec<(String, i64, Signer)>,
    verifiers: Vec<(String, Verifier)>,
    jwks: Arc<str>,
}

impl KeyRing {
    /// Makes the first keys if there are none, and reads what there is.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] if the database was sealed under another master key.
    pub async fn open(
        store: Arc<dyn Store>,
        sealer: Arc<Sealer>,
        env: Env,
        policy: KeyPolicy,
        access_lifetime: Duration,
    ) -> Result<Arc<Self>, KeyError> {
        lifecycle::check_master_key(&*store, &sealer).await?;
        lifecycle::init(&*store, &sealer, &policy, env.now()).await?;
        Self::read(store, sealer, env, policy, access_lifetime).await.map(Arc::new)
    }

    /// Reads what there is, and makes nothing.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] if the database was sealed under another master key.
    pub async fn read(
        store: Arc<dyn Store>,
        sealer: Arc<Sealer>,
        env: Env,
        policy: KeyPolicy,
        access_lifetime: Duration,
    ) -> Result<Self, KeyError> {
        let set = RwLock::new(Arc::new(KeySet::build(&sealer, &store.signing_keys().await?)?));
        Ok(Self { store, sealer, env, policy, access_lifetime, set })
    }

    /// Reads the database again.
    ///
    /// # Errors
    /// [`KeyError`]; what was held before still holds.
    pub async fn reload(&self) -> Result<(), KeyError> {
        let set = Arc::new(KeySet::build(&self.sealer, &self.store.signing_keys().await?)?);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = set;
        Ok(())
    }

    /// Begins a rotation that is due by schedule, ends lines that are not asked for any more, and deletes keys whose last
    /// token has expired.
    ///
    /// # Errors
    /// [`KeyError`]; another replica's doing the same first is none.
    pub async fn maintain(&self) -> Result<(), KeyError> {
        let now = self.env.now();
        let token_life = self.access_lifetime.saturating_add(SKEW);
        lifecycle::init(&*self.store, &self.sealer, &self.policy, now).await?;
        let keys = self.store.signing_keys().await?;
        lifecycle::end_lines(&*self.store, &self.policy, &keys, now, token_life).await?;
        for line in Line::all(&self.policy).filter(|line| lifecycle::is_due(&keys, *line, now)) {
            let actor = Actor { kind: "server", id: "schedule".to_owned(), address: None };
            let audit = |kid: &str, activates_at: i64| {
                let after = serde_json::json!({ "activates_at": activates_at, "at_once": false });
                change(&self.env, &actor, ("key.rotate", "key", kid), NOTHING, Some(&after))
            };
            let rotation =
                lifecycle::rotate_audited(&*self.store, &self.sealer, line, now, false, Some(&audit)).await?;
            if let Rotation::Begun { kid, activates_at } = rotation {
                tracing::info!(kid, activates_at, "signing key rotation by schedule");
            }
        }
        for key in lifecycle::over(&keys, now, token_life) {
            self.store.delete_signing_key(&key.kid).await?;
            tracing::info!(kid = key.kid, "retired signing key deleted: its last token has expired");
        }
        self.reload().await
    }

    /// Keeps the keys up to date for ever.
    pub async fn run(self: Arc<Self>) {
        let mut changes = self.store.changes().registry;
        let mut maintain = tokio::time::interval(MAINTAIN);
        loop {
            let result = tokio::select! {
                changed = changes.changed() => match changed {
                    Ok(()) => self.reload().await,
                    Err(_) => return,
                },
                _ = maintain.tick() => self.maintain().await,
            };
            if let Err(error) = result {
                tracing::error!(%error, "signing keys could not be brought up to date; those held stay in use");
                tokio::time::sleep(Duration::from_secs(1)).await;
                // The change is still to be read.
                changes.mark_changed();
            }
        }
    }

    fn current(&self) -> Arc<KeySet> {
        // The lock is held for the copy of a pointer; signing happens outside it.
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Keys for KeyRing {
    fn sign_with(&self, algorithm: Option<Algorithm>, typ: &str, payload: &[u8]) -> Result<String, KeyError> {
        let set = self.current();
        let line = match algorithm {
            None => Some(Line::usual(&self.policy)),
            Some(algorithm) => Line::of(&self.policy, algorithm),
        };
        let signer = line.and_then(|line| set.active(line, self.env.now()));
        // After keys.algorithm changed, the usual line goes on with what it has for a while.
        let signer = signer.filter(|signer| algorithm.is_none_or(|algorithm| signer.algorithm == algorithm));
        signer.ok_or(KeyError::Crypto("no key is active for this algorithm"))?.token(typ, payload)
    }

    fn examine(&self, token: &str) -> Result<Verified, Unverified> {
        let token = Compact::parse(token).map_err(|_| Unverified::Malformed)?;
        let header: Header<'_> = serde_json::from_slice(&token.header).map_err(|_| Unverified::Malformed)?;
        // RFC 9068 §4: `at+jwt`, or with its media type's tree before it; compared without case (RFC 7515 §4.1.9).
        let typ = header.typ.as_deref().ok_or(Unverified::Type)?;
        let typ = typ.get(..12).filter(|t| t.eq_ignore_ascii_case("application/")).and(typ.get(12..)).unwrap_or(typ);
        if header.crit.is_some() || !typ.eq_ignore_ascii_case(ACCESS_TOKEN_TYPE) {
            return Err(Unverified::Type);
        }
        let kid = header.kid.as_deref().ok_or(Unverified::Key)?;
        let set = self.current();
        let (kid, key) = set.verifiers.iter().find(|(k, _)| k == kid).ok_or(Unverified::Key)?;
        // The key says which algorithm it is for, the token can only agree (RFC 8725 §3.1).
        if header.alg != key.algorithm.name() {
            return Err(Unverified::Algorithm);
        }
        if !key.verify(token.signing_input, &token.signature) {
            return Err(Unverified::Signature);
        }
        Ok(Verified { kid: kid.clone(), payload: token.payload })
    }

    fn algorithms(&self) -> Vec<&'static str> {
        let (set, now) = (self.current(), self.env.now());
        Line::all(&self.policy).filter_map(|line| set.active(line, now)).map(|signer| signer.algorithm.name()).collect()
    }

    fn jwks(&self) -> Arc<str> {
        self.current().jwks.clone()
    }
}

impl KeySet {
    /// The key of a line that signs at a time.
    fn active(&self, line: Line<'_>, now: i64) -> Option<&Signer> {
        let of_line = self.signers.iter().filter(|(name, ..)| name == line.name());
        of_line.filter(|(_, activates_at, _)| *activates_at <= now).map(|(.., signer)| signer).next()
    }

    fn build(sealer: &Sealer, keys: &[SigningKey]) -> Result<Self, KeyError> {
        let (mut signers, mut verifiers) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(algorithm) = algorithm(key) else { continue };
            let signer = Signer::open(sealer, algorithm, key)?;
            verifiers.push((key.kid.clone(), signer.verifier()?));
            if let Some(activates_at) = key.activates_at {
                signers.push((key.line.clone(), activates_at, signer));
            }
        }
        signers.sort_by_key(|(_, activates_at, _)| std::cmp::Reverse(*activates_at));
        let jwks: Vec<&str> = keys.iter().map(|k| k.public_jwk.as_str()).collect();
        Ok(Self { signers, verifiers, jwks: format!(r#"{{"keys":[{}]}}"#, jwks.join(",")).into() })
    }
}
