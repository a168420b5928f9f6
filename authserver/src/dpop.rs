//! DPoP proofs, RFC 9449: that whoever sends a request holds a private key.
//!
//! Nonces (§8) are stateless: the time they were given at and a checksum of it under a key that all replicas derive from
//! the master key. So any replica takes what any other gave, and nothing is stored.

use crate::http::{App, Route};
use crate::jwt::{Jwt, NumericDate};
use crate::keys::KeyError;
use crate::model::Digest;
use crate::storage::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::dpop::plain_escapes;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

/// The request header with the proof.
pub const HEADER: &str = "dpop";
/// The response header with a nonce.
pub const NONCE_HEADER: &str = "dpop-nonce";

/// How far a proof's `iat` may be from our clock, in seconds, if no nonce tells when it was made.
const WINDOW: i64 = 60;
/// How long a nonce is good, in seconds.
const NONCE_LIFETIME: i64 = 300;
/// How much the clocks of two replicas may differ, in seconds.
const SKEW: i64 = 5;
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 256;
const PURPOSE: &str = "dpop nonce";

/// Why a proof was refused.
#[derive(Debug, thiserror::Error)]
pub enum DpopError {
    /// It is not a proof for this request: `invalid_dpop_proof` (RFC 9449 §5).
    #[error("{0}")]
    Invalid(&'static str),
    /// It needs a nonce, or another: `use_dpop_nonce` (RFC 9449 §8).
    #[error("the DPoP proof needs a nonce of this server; use the one in the DPoP-Nonce header")]
    Nonce,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: NumericDate,
    #[serde(default)]
    nonce: Option<String>,
}

/// The thumbprint (RFC 7638) of the key that the sender of a request to this route holds, if there is a proof. A proof is
/// good once, whichever replica it goes to.
///
/// # Errors
/// [`DpopError`]: RFC 9449 §4.3 for each of the checks.
pub(crate) async fn thumbprint(
    app: &App,
    headers: &HeaderMap,
    method: &Method,
    route: Route,
) -> Result<Option<String>, DpopError> {
    let mut proofs = headers.get_all(HEADER).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    if proofs.next().is_some() {
        return Err(DpopError::Invalid("there is more than one DPoP header"));
    }
    let malformed = || DpopError::Invalid("the DPoP proof is not a well-formed JWT with jti, htm, htu and iat");
    let jwt = Jwt::parse(proof.to_str().map_err(|_| malformed())?).map_err(|_| malformed())?;
    if jwt.typ().as_deref() != Some("dpop+jwt") {
        return Err(DpopError::Invalid("the typ of the DPoP proof is not dpop+jwt"));
    }
    let bad_key = DpopError::Invalid("the DPoP proof does not hold a public key that is of use here");
    let Some(Ok(key)) = jwt.embedded_key() else { return Err(bad_key) };
    let payload = jwt.verify_with(&key).map_err(|_| {
        DpopError::Invalid("the DPoP proof is not signed by the key in it, or with an algorithm that is not accepted")
    })?;
    // An object first: a list would do for the struct alone.
    let object = serde_json::from_slice::<Map<String, Value>>(payload);
    let claims: Claims = object.and_then(|object| serde_json::from_value(object.into())).map_err(|_| malformed())?;
    if claims.htm != method.as_str() {
        return Err(DpopError::Invalid("htm of the DPoP proof is not the method of the request"));
    }
    if !is_same_target(&claims.htu, &app.urls.absolute(route)) {
        return Err(DpopError::Invalid("htu of the DPoP proof is not the URL of this endpoint"));
    }
    if claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
        return Err(malformed());
    }
    let expires_at = time(app, &claims)?;
    let thumbprint = key.thumbprint().ok_or(bad_key)?;
    let name = format!("dpop\0{thumbprint}\0{}", claims.jti);
    if app.store.use_once(&Digest::of(&name), expires_at).await? {
        Ok(Some(thumbprint.to_owned()))
    } else {
        Err(DpopError::Invalid("the DPoP proof was used before"))
    }
}

/// Until when a proof has to be remembered, if it was made now: by its nonce, or else by its `iat` (RFC 9449 §4.3).
fn time(app: &App, claims: &Claims) -> Result<i64, DpopError> {
    let now = app.env.now();
    if let Some(nonce) = &claims.nonce {
        let given_at = given_at(app, nonce).filter(|at| *at <= now + SKEW && now - at < NONCE_LIFETIME);
        return given_at.map(|at| at + NONCE_LIFETIME + SKEW).ok_or(DpopError::Nonce);
    }
    if app.config.dpop.require_nonce {
        return Err(DpopError::Nonce);
    }
    let made_at = claims.iat.seconds(false).filter(|at| at.abs_diff(now) <= WINDOW.unsigned_abs());
    made_at.map(|at| at + WINDOW + 1).ok_or(DpopError::Invalid("the DPoP proof was not made now"))
}

/// RFC 9449 §4.3: compared without query and fragment, after normalisation (RFC 3986 §6.2.2, §6.2.3).
fn is_same_target(htu: &str, ours: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(&plain_escapes(text)).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(htu).is_some_and(|htu| Some(htu) == normal(ours))
}

/// A nonce of now.
///
/// # Errors
/// [`KeyError::Crypto`]
pub(crate) fn nonce(app: &App) -> Result<String, KeyError> {
    let at = app.env.now().to_be_bytes();
    let mac = app.sealer.mac(PURPOSE, &at)?;
    Ok(URL_SAFE_NO_PAD.encode([at.as_slice(), &mac].concat()))
}

/// When a nonce was given, if it is one of ours.
fn given_at(app: &App, nonce: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
    let (at, mac) = bytes.split_first_chunk::<8>()?;
    app.sealer.verify_mac(PURPOSE, at, mac).then(|| i64::from_be_bytes(*at))
}
