//! Assertions in JWT (RFC 7523 §3): whose signature, for whom, how long, and only once.
//!
//! The same checks for both uses: as a grant (§2.1) and as a client's proof (§2.2).

use crate::grants::seconds;
use crate::http::{App, Route};
use crate::jwt::{Audience, FetchError, Jwt, JwtError, KeySet, MAX_TRIED, NumericDate};
use crate::model::{Client, Digest, Keys};
use crate::storage::StoreError;
use serde::Deserialize;

/// The claims that are looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Whom it is for.
    pub aud: Audience,
    /// Until when it is good.
    pub exp: NumericDate,
    /// From when it is.
    #[serde(default)]
    pub nbf: Option<NumericDate>,
    /// When it was made.
    #[serde(default)]
    pub iat: Option<NumericDate>,
    /// Its name, unique at its issuer.
    #[serde(default)]
    pub jti: Option<String>,
}

/// Why an assertion is refused. The texts may be told: they repeat nothing, and none says whether anybody exists.
#[derive(Debug, thiserror::Error)]
pub enum AssertionError {
    /// The JWT itself.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// The keys of whoever made it could not be had; why is in the log.
    #[error("the keys of the assertion's issuer are not available")]
    Keys,
    /// `aud` names somebody else.
    #[error(
        "the assertion is not for this server: aud has to be the issuer, the token endpoint or the one for pushed requests"
    )]
    Audience,
    /// A time that cannot be read: no number.
    #[error("a time in the assertion is not a number")]
    Date,
    /// It has expired.
    #[error("the assertion expired")]
    Expired,
    /// `exp` is too far ahead.
    #[error("the assertion is good for longer than this server allows")]
    TooLong,
    /// `nbf` or `iat` is yet to come.
    #[error("the assertion is not good yet")]
    Early,
    /// It was used before.
    #[error("the assertion was used before")]
    Used,
    /// Who made it is not trusted, or not with this client or subject.
    #[error("the assertion's issuer, subject or both are not accepted")]
    Untrusted,
    /// A claim or an attribute that the issuer's registration takes into the token, and that no token can carry.
    #[error(
        "a claim of the assertion that is to go into the token is no text, number, boolean or list of texts, or too large"
    )]
    Carried,
    /// A SAML assertion (RFC 7522) that does not hold.
    #[error(transparent)]
    Saml(#[from] crate::saml::Refused),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FetchError> for AssertionError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Jwt(error) => Self::Jwt(error),
            error => {
                tracing::warn!(%error, "keys of another party");
                Self::Keys
            }
        }
    }
}

/// The payload (JSON) of a JWT that one of these keys signed: those that are registered, then those at the `jwks_uri`.
/// Also for what is no assertion: a signed request (RFC 9101).
///
/// # Errors
/// [`AssertionError::Jwt`], [`AssertionError::Keys`].
pub async fn signed_by<'j>(app: &App, keys: &Keys, jwt: &'j Jwt<'_>) -> Result<&'j [u8], AssertionError> {
    let registered = |_| AssertionError::Keys;
    let mut set = KeySet::from_certificates(keys.certificates.iter().map(String::as_str)).map_err(registered)?;
    if let Some(jwks) = &keys.jwks {
        set = set.and(KeySet::from_value(jwks).map_err(registered)?);
    }
    match (jwt.verify(&set), &keys.jwks_uri) {
        (Err(JwtError::NoKey), Some(url)) => Ok(app.remote_keys.verify(jwt, url, app.env.now()).await?),
        (result, _) => Ok(result?),
    }
}

/// [`signed_by`], with the keys of a client: those that are switched on, then those at its `jwks_uri`. Which of them signed
/// is noted.
///
/// # Errors
/// As [`signed_by`].
pub async fn signed_by_client<'j>(app: &App, client: &Client, jwt: &'j Jwt<'_>) -> Result<&'j [u8], AssertionError> {
    let now = app.env.now();
    let mut refused = JwtError::NoKey;
    let mut tried = 0_usize;
    for key in client.keys_on(now) {
        // As many as of any set for a signature that names none.
        if tried >= MAX_TRIED {
            break;
        }
        let Ok(public) = key.key.key() else { continue };
        match jwt.verify(&KeySet::of(public)) {
            Ok(payload) => {
                app.counters.used(&client.id, &key.switch.id, now);
                return Ok(payload);
            }
            Err(JwtError::NoKey) => {}
            Err(error) => {
                tried = tried.saturating_add(1);
                refused = error;
            }
        }
    }
    match (refused, &client.options.keys.jwks_uri) {
        (JwtError::NoKey, Some(url)) => Ok(app.remote_keys.verify(jwt, url, now).await?),
        (refused, _) => Err(refused.into()),
    }
}

/// Reads the claims of a payload whose signature held, checks whom they are for and their times, and uses the assertion
/// up: of several requests with it, also at several replicas, one succeeds.
///
/// An assertion without `jti` is known by what was signed.
///
/// # Errors
/// [`AssertionError`]
pub async fn accept(app: &App, jwt: &Jwt<'_>, payload: &[u8]) -> Result<Claims, AssertionError> {
    let (claims, expires_at) = look_at(app, payload)?;
    let name = match &claims.jti {
        Some(jti) => format!("jti\0{}\0{jti}", claims.iss),
        None => format!("jws\0{}", jwt.signing_input()),
    };
    if app.store.use_once(&Digest::of(&name), expires_at).await? { Ok(claims) } else { Err(AssertionError::Used) }
}

/// The claims of a payload whose signature held, if they are for this server and their times are good; and until when
/// they are. Nothing is used up.
///
/// # Errors
/// [`AssertionError`]
pub fn look_at(app: &App, payload: &[u8]) -> Result<(Claims, i64), AssertionError> {
    let claims: Claims = serde_json::from_slice(payload).map_err(|_| JwtError::Malformed)?;
    let expires_at = check(app, &claims)?;
    Ok((claims, expires_at))
}

/// Until when the assertion has to be remembered, if its audience and times are good.
fn check(app: &App, claims: &Claims) -> Result<i64, AssertionError> {
    let (config, now) = (&app.config.assertions, app.env.now());
    // RFC 7523 §3 and RFC 9126 §2: each of them names this server.
    let endpoints = [Route::Token, Route::Par].map(|route| app.urls.absolute(route));
    let ours = |aud: &str| {
        aud == app.urls.issuer()
            || endpoints.iter().any(|endpoint| endpoint == aud)
            || config.audience.iter().any(|accepted| accepted == aud)
    };
    if !claims.aud.any(ours) {
        return Err(AssertionError::Audience);
    }
    let seconds_of = |date: &NumericDate| date.seconds(config.text_dates).ok_or(AssertionError::Date);
    let leeway = seconds(config.leeway);
    let expires_at = seconds_of(&claims.exp)?.saturating_add(leeway);
    if expires_at <= now {
        return Err(AssertionError::Expired);
    }
    if expires_at > now.saturating_add(seconds(config.max_lifetime)).saturating_add(leeway.saturating_mul(2)) {
        return Err(AssertionError::TooLong);
    }
    for date in [&claims.nbf, &claims.iat].into_iter().flatten() {
        if seconds_of(date)? > now.saturating_add(leeway) {
            return Err(AssertionError::Early);
        }
    }
    Ok(expires_at)
}
