//! An issuer whose private keys the tests hold: it publishes keys and a revocation feed as an authserver does,
//! and signs whatever it is told, so that tokens which no authserver would issue can be tried at the gateway.

use crate::error::{Error, Result};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::feed::{self, Entry, Subject};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Two keys, one per algorithm, and what was revoked.
pub struct Issuer {
    es256: EcdsaKeyPair,
    rs256: RsaKeyPair,
    random: SystemRandom,
    revoked: watch::Sender<Vec<Entry>>,
}

/// How long its tokens live, in seconds.
const LIFETIME: u64 = 300;

/// The `kid` of the P-256 key.
pub const ES256: &str = "test-es256";
/// The `kid` of the RSA key.
pub const RS256: &str = "test-rs256";

impl Issuer {
    /// Fresh keys, nothing revoked.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn new() -> Result<Self> {
        let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Crypto("P-256"))?;
        let rs256 = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Crypto("RSA"))?;
        Ok(Self { es256, rs256, random: SystemRandom::new(), revoked: watch::Sender::default() })
    }

    /// The public keys, RFC 7517 §5.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let point = self.es256.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at(32.min(point.len().saturating_sub(1)));
        let rsa: PublicKeyComponents<Vec<u8>> = self.rs256.public_key().into();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": ES256, "x": text(x), "y": text(y) },
            { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": RS256, "n": text(&rsa.n), "e": text(&rsa.e) },
        ]})
    }

    /// The P-256 public key as PEM would hold it (SubjectPublicKeyInfo, DER): what an attacker would use as an HMAC key.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn public_der(&self) -> Result<Vec<u8>> {
        let der = self.es256.public_key().as_der().map_err(|_| Error::Crypto("SubjectPublicKeyInfo"))?;
        Ok(der.as_ref().to_vec())
    }

    /// A token signed by the P-256 key, whatever its header says.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn es256(&self, header: &Value, claims: &Value) -> Result<String> {
        let input = signing_input(header, claims);
        Ok(with_signature(&input, &self.sign_es256(input.as_bytes())?))
    }

    /// A token signed by the RSA key.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn rs256(&self, header: &Value, claims: &Value) -> Result<String> {
        let input = signing_input(header, claims);
        Ok(with_signature(&input, &self.sign_rs256(input.as_bytes())?))
    }

    /// The signature by the P-256 key: `r || s` (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn sign_es256(&self, input: &[u8]) -> Result<Vec<u8>> {
        let signature = self.es256.sign(&self.random, input).map_err(|_| Error::Crypto("ES256"))?;
        Ok(signature.as_ref().to_vec())
    }

    /// The signature by the RSA key, RFC 7518 §3.3.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn sign_rs256(&self, input: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.rs256.public_modulus_len()];
        let signed = self.rs256.sign(&RSA_PKCS1_SHA256, &self.random, input, &mut signature);
        signed.map(|()| signature).map_err(|_| Error::Crypto("RS256"))
    }

    /// Puts it into the feed, for as long as tokens of [`claims`] live.
    pub fn revoke(&self, subject: Subject<'_>) {
        let expires_at = u32::try_from(unix_now().saturating_add(LIFETIME)).unwrap_or(u32::MAX);
        self.revoked.send_modify(|all| all.push(Entry { key: subject.key(), cutoff: feed::ALWAYS, expires_at }));
    }

    /// What the filter asks an authserver for: the keys, and the feed.
    pub fn router(&self) -> Router {
        let jwks = self.jwks().to_string();
        Router::new()
            .route("/oauth2/jwks", get(async move || ([(CONTENT_TYPE, "application/json")], jwks)))
            .route("/mesh/revocations", get(revocations))
            .with_state(self.revoked.subscribe())
    }
}

/// `base64url(header) "." base64url(claims)`.
#[must_use]
pub fn signing_input(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", text(header), text(claims))
}

/// The whole token.
#[must_use]
pub fn with_signature(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The header of an access token, RFC 9068 §2.1.
#[must_use]
pub fn header(alg: &str, kid: &str) -> Value {
    json!({ "typ": "at+jwt", "alg": alg, "kid": kid })
}

/// The claims of a good access token, RFC 9068 §2.2, issued now for five minutes.
#[must_use]
pub fn claims(issuer: &str, audience: &str, scope: &str, id: &str) -> Value {
    let now = unix_now();
    json!({
        "iss": issuer, "sub": "tester", "aud": audience, "client_id": "tester", "scope": scope,
        "iat": now, "exp": now.saturating_add(LIFETIME), "jti": id,
    })
}

/// Unix time in seconds.
#[must_use]
pub fn unix_now() -> u64 {
    now().as_secs()
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[derive(Deserialize)]
struct Poll {
    after: Option<String>,
    #[serde(default)]
    wait: u64,
}

/// The cursor is how many entries a follower has seen.
async fn revocations(
    State(mut revoked): State<watch::Receiver<Vec<Entry>>>,
    Query(poll): Query<Poll>,
) -> impl IntoResponse {
    let seen = poll.after.as_deref().and_then(|cursor| cursor.parse::<usize>().ok());
    if let Some(seen) = seen {
        // A long poll: who has seen everything is answered when there is more, or when its time is over.
        let more = revoked.wait_for(|all| all.len() > seen);
        let _over = tokio::time::timeout(Duration::from_secs(poll.wait), more).await;
    }
    let now_ms = u64::try_from(now().as_millis()).unwrap_or(u64::MAX);
    let all = revoked.borrow();
    let entries = all.iter().skip(seen.unwrap_or_default()).copied().collect();
    let page =
        feed::Page { reset: seen.is_none(), now_ms, cursor: all.len().to_string(), entries, ..feed::Page::default() };
    ([(CONTENT_TYPE, feed::MEDIA_TYPE)], page.encode().unwrap_or_default())
}
