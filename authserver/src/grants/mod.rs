//! The grants of the token endpoint, RFC 6749 §4 to §6: one file per grant, what they share checked once and first.

mod authorization_code;
pub(crate) mod claims;
mod client_credentials;
pub(crate) mod details;
mod device_code;
mod direct;
mod jwt_bearer;
pub(crate) mod mint;
mod password;
pub(crate) mod pkce;
mod refresh_token;
pub(crate) mod resource;
mod saml_bearer;
pub(crate) mod scope;
mod successor;
mod token_exchange;
mod vouched;

pub use device_code::DeviceError;
pub(crate) use jwt_bearer::client_of_assertion;
pub use token_exchange::ExchangeError;

use crate::assertion::AssertionError;
use crate::authorization_details::AuthorizationDetails;
use crate::confirmation::Confirmation;
use crate::http::{App, Params};
use crate::keys::KeyError;
use crate::model::{Client, ClientAuthMethod, GrantType, Revocation};
use crate::storage::StoreError;
use async_trait::async_trait;
use bearward_token::feed::Subject;
use bearward_token::scope::ScopeSet;
use serde::Serialize;
use std::net::IpAddr;

/// One grant: what it needs, what it allows, what it does.
#[async_trait]
trait Grant: Sync {
    /// Its name, which the client must be registered for.
    fn grant_type(&self) -> GrantType;
    /// Whether a client that cannot prove itself may use it.
    fn public_clients(&self) -> bool;
    /// Carries it out. What can fail without the database is done before the database is written, so that a failure
    /// spends nothing.
    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError>;
}

const GRANTS: &[&dyn Grant] = &[
    &authorization_code::AuthorizationCode,
    &client_credentials::ClientCredentials,
    &refresh_token::RefreshToken,
    &password::Password,
    &jwt_bearer::JwtBearer,
    &device_code::DeviceCode,
    &token_exchange::TokenExchange,
    &saml_bearer::SamlBearer,
];

/// The `grant_type`s that the token endpoint takes.
pub fn supported() -> impl Iterator<Item = GrantType> {
    GRANTS.iter().map(|grant| grant.grant_type())
}

/// A token request that passed the shared checks.
struct Request<'a> {
    app: &'a App,
    client: &'a Client,
    grant_type: GrantType,
    params: &'a Params,
    /// What `scope` asks for, if it is there.
    scope: Option<ScopeSet>,
    /// Where the request comes from, if the gateway vouches for it.
    address: Option<IpAddr>,
    /// The keys that the client showed: its token will be bound to them.
    confirmation: Confirmation,
    now: i64,
}

impl Request<'_> {
    fn require(&self, name: &'static str) -> Result<&str, GrantError> {
        self.params.get(name).ok_or(GrantError::MissingParameter(name))
    }
}

/// A successful answer, RFC 6749 §5.1. It holds tokens, so there is no `Debug`.
#[derive(Serialize)]
pub struct TokenResponse {
    pub(crate) access_token: String,
    pub(crate) token_type: &'static str,
    pub(crate) expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: String,
    /// RFC 8693 §2.2.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issued_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_details: Option<AuthorizationDetails>,
}

/// Why a token request was refused.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// A parameter that the grant requires is missing.
    #[error("{0} is missing")]
    MissingParameter(&'static str),
    /// No grant of this server has that name.
    #[error("the grant_type is not supported")]
    UnsupportedGrantType,
    /// The client is not registered for it, or would have to prove itself and cannot.
    #[error("the client may not use this grant_type")]
    UnauthorizedClient,
    /// `scope` is not well-formed, or nothing of it can be granted.
    #[error(transparent)]
    Scope(#[from] scope::ScopeRefused),
    /// The authorization code or the refresh token is not good; why is for the log.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// `redirect_uri` is not the one of the authorization request (RFC 6749 §4.1.3).
    #[error("redirect_uri is not the one of the authorization request")]
    RedirectUri,
    /// The code verifier is missing, malformed, wrong, or sent for a code that had no challenge (RFC 7636 §4.6, RFC
    /// 9700 §4.8.2).
    #[error(transparent)]
    Pkce(#[from] pkce::PkceError),
    /// A username and password that do not go together; whether there is such a person is not said.
    #[error("the username or the password is wrong")]
    Password,
    /// Too many guesses.
    #[error("too many attempts; try again later")]
    TooMany {
        /// In how many seconds.
        retry_after: i64,
    },
    /// An assertion that is not good (RFC 7521 §4.1.1).
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// A device that has to wait, or to stop.
    #[error(transparent)]
    Device(#[from] device_code::DeviceError),
    /// Tokens that are not exchanged.
    #[error(transparent)]
    Exchange(#[from] token_exchange::ExchangeError),
    /// People's passwords cannot be checked at the moment.
    #[error("many people are signing in at the moment; try again")]
    Busy,
    /// A resource that is not well-formed or may not be used (RFC 8707 §2).
    #[error(transparent)]
    InvalidTarget(#[from] resource::InvalidTarget),
    /// `authorization_details` that cannot be granted (RFC 9396 §5).
    #[error(transparent)]
    Details(#[from] details::DetailsRefused),
    /// Claims that the request may not bring.
    #[error(transparent)]
    Claims(#[from] claims::ClaimsRefused),
    /// The client gets bound tokens only, and showed no key.
    #[error("the client's tokens are bound: the request needs {0}")]
    Unbound(&'static str),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing or sealing.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// Answers a token request of an authenticated client.
///
/// # Errors
/// [`GrantError`]; nothing was issued then.
pub async fn issue(
    app: &App,
    client: &Client,
    params: &Params,
    confirmation: Confirmation,
    address: Option<IpAddr>,
) -> Result<TokenResponse, GrantError> {
    let name = params.get("grant_type").ok_or(GrantError::MissingParameter("grant_type"))?;
    let grant_type = GrantType::from_wire(name);
    let grant = GRANTS.iter().find(|g| Some(g.grant_type()) == grant_type).ok_or(GrantError::UnsupportedGrantType)?;
    if !client.grant_types.contains(&grant.grant_type())
        || (client.auth_method == ClientAuthMethod::None && !grant.public_clients())
    {
        return Err(GrantError::UnauthorizedClient);
    }
    let scope = scope::asked(params)?;
    let now = app.env.clock.now();
    let grant_type = grant.grant_type();
    let request = Request { app, client, grant_type, params, scope, confirmation, address, now };
    let response = grant.carry_out(&request).await?;
    metrics::counter!("bearward_tokens_issued_total", "grant_type" => grant_type.wire_name()).increment(1);
    Ok(response)
}

/// How long after its expiry a token might still be taken somewhere, in seconds: clocks differ. Revocations are kept
/// this much longer than the tokens they concern.
pub const CLOCK_MARGIN: i64 = bearward_token::feed::MARGIN.cast_signed();

/// Ends a grant with every token that came from it.
///
/// # Errors
/// [`StoreError`]
pub async fn revoke_grant(app: &App, id: &str) -> Result<(), StoreError> {
    let now = app.env.clock.now();
    let expires_at = now.saturating_add(seconds(app.config.tokens.max_access_lifetime)).saturating_add(CLOCK_MARGIN);
    app.store.revoke_grant(id, &Revocation::always(Subject::Grant(id), now, expires_at)).await
}

/// A duration in whole seconds.
pub(crate) fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
