//! Token exchange, RFC 8693: a token for one party becomes one for another, never for more.
//!
//! Two policies, each registered for a client by itself. *Impersonation*: the new token is the subject's, and does not
//! say who acts. *Delegation*: its `act` says so: the party of the actor token, or the client itself.

use super::mint::Exchanged;
use super::resource::{self, InvalidTarget};
use super::scope::ScopeRefused;
use super::{Grant, GrantError, Request, TokenResponse, details, jwt_bearer, mint, scope};
use crate::assertion::{self, AssertionError};
use crate::authorization_details::AuthorizationDetails;
use crate::confirmation::Confirmation;
use crate::custom_claims::CustomClaims;
use crate::http::presented;
use crate::jwt::Jwt;
use crate::model::{Client, GrantType};
use crate::secret;
use async_trait::async_trait;
use bearward_token::scope::ScopeSet;
use serde_json::{Map, Value, json};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// How deep a chain of actors may be.
const MAX_ACTORS: usize = 8;
/// How often what was exchanged may be exchanged again: each time adds to the token.
const MAX_EXCHANGES: usize = 8;

pub(super) struct TokenExchange;

/// Why a token was not exchanged, beside scope and target.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// A `subject_token_type`, `actor_token_type` or `requested_token_type` that is not taken, or one without its token.
    #[error("a token type is missing, or not one that is taken: access_token, or jwt for the subject or the actor")]
    TokenType,
    /// A token that is not good: unknown, expired, revoked, bound to a key that was not shown, of an issuer that is not
    /// trusted (§2.2.2: `invalid_request`).
    #[error("the {0} is not good: unknown, expired, revoked, or bound to another key")]
    Token(&'static str),
    /// The subject token was not issued to this client and is not for it.
    #[error("the subject_token is not for this client")]
    Foreign,
    /// The client may not do this: its registration says neither impersonation nor delegation, or not this one.
    #[error("the client may not exchange tokens in this way")]
    Policy,
    /// The subject token's `may_act` names another actor (§4.4), or the chain of actors is too long.
    #[error("the actor may not act for this subject")]
    Actor,
    /// The subject token was exchanged too often.
    #[error("the subject_token was exchanged {MAX_EXCHANGES} times, which is the most")]
    TooOften,
}

/// A party, as a token that was shown says it.
struct Party {
    sub: String,
    /// `None` for whatever the client may have.
    scope: Option<ScopeSet>,
    /// The audiences it may hand on; empty for the client's own.
    audience: Vec<String>,
    details: AuthorizationDetails,
    expires_at: i64,
    grant_id: Option<String>,
    /// The token and those it was exchanged from; empty if nobody here could revoke it.
    exchanged: Exchanged,
    act: Option<Value>,
    may_act: Option<Value>,
    /// What another issuer says of it, and its registration takes into tokens.
    claims: CustomClaims,
}

#[async_trait]
impl Grant for TokenExchange {
    fn grant_type(&self) -> GrantType {
        GrantType::TokenExchange
    }

    fn public_clients(&self) -> bool {
        false
    }

    async fn carry_out(&self, request: &Request<'_>) -> Result<TokenResponse, GrantError> {
        let params = request.params;
        if !matches!(params.get("requested_token_type"), None | Some(ACCESS_TOKEN)) {
            return Err(ExchangeError::TokenType.into());
        }
        let subject = party(request, "subject_token", "subject_token_type").await?;
        let subject = subject.ok_or(GrantError::MissingParameter("subject_token"))?;
        let actor = party(request, "actor_token", "actor_token_type").await?;
        let act = actors(request.client, &subject, actor.as_ref())?;
        if subject.exchanged.tokens.len() > MAX_EXCHANGES {
            return Err(ExchangeError::TooOften.into());
        }
        let scope = narrowed(request, &subject)?;
        let audience = audience(request, &subject)?;
        // Of the subject's, those that the client may have: it can ask for fewer, and invents none.
        let most = subject.details.of_types(&request.client.options.authorization_details_types);
        let details = details::narrowed(params, &most)?;
        let grant = match &subject.grant_id {
            Some(id) => request.app.store.grant(id).await?,
            None => None,
        };
        let mut minting = mint::minting(request, None, &scope).await?;
        // The grant goes on: whoever takes it back takes this token along, and so does who revokes the subject token or
        // disables the client that had it.
        minting.grant = grant.as_ref();
        minting.exchanged = subject.exchanged;
        minting.claims = subject.claims.or(&minting.claims).map_err(|_| AssertionError::Carried)?;
        minting.subject = Some(&subject.sub);
        minting.audience = audience;
        minting.authorization_details = details;
        minting.act = act;
        minting.not_after = Some(subject.expires_at);
        let mut response = minting.issue().await?;
        response.issued_token_type = Some(ACCESS_TOKEN);
        Ok(response)
    }
}

/// Who acts, in the new token; `None` for impersonation.
fn actors(client: &Client, subject: &Party, actor: Option<&Party>) -> Result<Option<Value>, ExchangeError> {
    let policy = &client.options.token_exchange;
    let acting = match actor {
        Some(actor) if policy.delegation => &actor.sub,
        // Without an actor token the client hands the subject on as it is, or acts itself.
        None if policy.impersonation => {
            return if subject.may_act.is_some() { Err(ExchangeError::Actor) } else { Ok(subject.act.clone()) };
        }
        None if policy.delegation => &client.id,
        _ => return Err(ExchangeError::Policy),
    };
    if let Some(may_act) = &subject.may_act
        && may_act.get("sub").and_then(Value::as_str) != Some(acting)
    {
        return Err(ExchangeError::Actor);
    }
    // §4.1: the present actor outside, those before it within.
    let mut act = json!({ "sub": acting });
    let depth = std::iter::successors(subject.act.as_ref(), |act| act.get("act")).count();
    if depth >= MAX_ACTORS {
        return Err(ExchangeError::Actor);
    }
    if let (Some(before), Some(object)) = (&subject.act, act.as_object_mut()) {
        object.insert("act".to_owned(), before.clone());
    }
    Ok(Some(act))
}

/// The scopes of the subject that the client may have too; a request for more is refused, not trimmed.
fn narrowed(request: &Request<'_>, subject: &Party) -> Result<ScopeSet, GrantError> {
    let Some(most) = &subject.scope else { return Ok(scope::for_client(request.client, request.scope.as_ref())?) };
    let most = most.intersection(&request.client.scopes);
    let asked = request.scope.as_ref().filter(|asked| !asked.is_empty()).unwrap_or(&most);
    if asked.is_empty() || !asked.is_subset(&most) {
        return Err(ScopeRefused::Nothing.into());
    }
    Ok(asked.clone())
}

/// The audiences that the request names (§2.1, `audience` and `resource`), if the subject token is for them or the
/// client may widen it to them; otherwise those of the subject token.
fn audience(request: &Request<'_>, subject: &Party) -> Result<Vec<String>, GrantError> {
    let (params, policy) = (request.params, &request.client.options.token_exchange);
    let usual = || resource::usual(request.app, request.client).to_vec();
    let most = if subject.audience.is_empty() { usual() } else { subject.audience.clone() };
    let mut asked: Vec<String> = Vec::new();
    for target in params.all("audience").chain(params.all("resource")) {
        if !most.iter().chain(&policy.audiences).any(|known| known == target) {
            return Err(InvalidTarget.into());
        }
        if !asked.iter().any(|known| known == target) {
            asked.push(target.to_owned());
        }
    }
    Ok(if asked.is_empty() { most } else { asked })
}

/// The party that a token parameter shows, if it is there.
async fn party(request: &Request<'_>, name: &'static str, kind: &'static str) -> Result<Option<Party>, GrantError> {
    let (token, kind) = match (request.params.get(name), request.params.get(kind)) {
        (None, None) => return Ok(None),
        (Some(token), Some(kind)) if matches!(kind, ACCESS_TOKEN | JWT) => (token, kind),
        _ => return Err(ExchangeError::TokenType.into()),
    };
    // §2.1: a token is checked as what it is said to be.
    if kind == JWT && secret::well_formed(secret::ACCESS_TOKEN, token) {
        return Err(ExchangeError::Token(name).into());
    }
    if let Some(ours) = of_this_server(request, name, token).await? {
        return Ok(Some(ours));
    }
    match kind {
        JWT => Ok(Some(of_another(request, name, token).await?)),
        _ => Err(ExchangeError::Token(name).into()),
    }
}

/// What an access token of this server says; `None` if it is none.
async fn of_this_server(request: &Request<'_>, name: &'static str, token: &str) -> Result<Option<Party>, GrantError> {
    let (app, client) = (request.app, request.client);
    let bad = || GrantError::from(ExchangeError::Token(name));
    let Some(payload) = presented::payload(app, token).await? else { return Ok(None) };
    let claims = presented::current(app, &payload).ok_or_else(bad)?;
    if presented::is_revoked(app, &claims).await? {
        return Err(bad());
    }
    let all: Map<String, Value> = presented::everything(&payload);
    // A bound token counts only from whoever holds its key.
    let bound: Confirmation = match all.get("cnf") {
        Some(cnf) => serde_json::from_value(cnf.clone()).map_err(|_| bad())?,
        None => Confirmation::default(),
    };
    let shown = &request.confirmation;
    if (bound.jkt.is_some() && bound.jkt != shown.jkt) || (bound.x5t_s256.is_some() && bound.x5t_s256 != shown.x5t_s256)
    {
        return Err(bad());
    }
    if !resource::is_for(app, client, &claims) {
        return Err(ExchangeError::Foreign.into());
    }
    let audience: Vec<String> = claims.aud.iter().map(str::to_owned).collect();
    Ok(Some(Party {
        sub: claims.sub.to_string(),
        scope: Some(ScopeSet::parse(&claims.scope).map_err(|_| bad())?),
        audience,
        details: all
            .get("authorization_details")
            .cloned()
            .and_then(|d| serde_json::from_value(d).ok())
            .unwrap_or_default(),
        expires_at: i64::try_from(claims.exp).unwrap_or(i64::MAX),
        grant_id: claims.gid.as_deref().map(str::to_owned),
        exchanged: {
            let tokens = [&claims.jti].into_iter().chain(&claims.exchanged_from).map(|jti| jti.to_string()).collect();
            let mut clients: Vec<String> = vec![claims.client_id.to_string()];
            clients.extend(claims.exchanged_by.iter().filter(|id| **id != claims.client_id).map(|id| id.to_string()));
            Exchanged { tokens, clients }
        },
        act: all.get("act").cloned(),
        may_act: all.get("may_act").cloned(),
        claims: CustomClaims::default(),
    }))
}

/// What a JWT of a trusted issuer says. It may come again: it is a token, not an assertion.
async fn of_another(request: &Request<'_>, name: &'static str, token: &str) -> Result<Party, GrantError> {
    let read = async {
        let jwt = Jwt::parse(token).map_err(AssertionError::from)?;
        let said: assertion::Claims = jwt.unverified().map_err(AssertionError::from)?;
        if said.iss == request.client.id {
            return Err(AssertionError::Untrusted.into());
        }
        let issuer = jwt_bearer::trusted(request, &said.iss).await?;
        let payload = assertion::signed_by(request.app, &issuer.settings.keys, &jwt).await?;
        let (claims, expires_at) = assertion::look_at(request.app, payload)?;
        let sub = jwt_bearer::subject(request, &issuer, &claims.sub).await?;
        let all: Map<String, Value> = presented::everything(payload);
        Ok::<_, GrantError>(Party {
            sub,
            claims: jwt_bearer::carried(request, &issuer, &CustomClaims::default(), payload)?,
            scope: issuer.settings.scopes,
            audience: Vec::new(),
            details: AuthorizationDetails::default(),
            expires_at,
            grant_id: None,
            exchanged: Exchanged::default(),
            act: all.get("act").cloned(),
            may_act: all.get("may_act").cloned(),
        })
    };
    match read.await {
        Err(GrantError::Assertion(error)) if !matches!(error, AssertionError::Store(_)) => {
            tracing::info!(%error, "a token of another issuer was refused");
            Err(ExchangeError::Token(name).into())
        }
        result => result,
    }
}
