//! Access tokens: the claims of RFC 9068 §2.2 and what else a client or a grant adds, as a signed JWT or behind an
//! opaque text.

use super::{GrantError, Request, TokenResponse, claims, details, resource, seconds};
use crate::authorization_details::AuthorizationDetails;
use crate::confirmation::Confirmation;
use crate::custom_claims::CustomClaims;
use crate::http::App;
use crate::jwt::Algorithm;
use crate::keys::KeyError;
use crate::model::{AccessTokenFormat, Client, Digest, Grant};
use crate::secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::claims::{ACCESS_TOKEN_TYPE, Audience, Claims};
use bearward_token::scope::ScopeSet;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What an access token is to say.
pub(crate) struct Minting<'a> {
    pub(crate) app: &'a App,
    /// To whom it is issued.
    pub(crate) client: &'a Client,
    pub(crate) now: i64,
    /// The grant it comes from, if it comes from one.
    pub(crate) grant: Option<&'a Grant>,
    /// `sub`, where it is neither the person of the grant nor the client.
    pub(crate) subject: Option<&'a str>,
    pub(crate) scope: &'a ScopeSet,
    /// `aud`.
    pub(crate) audience: Vec<String>,
    pub(crate) authorization_details: AuthorizationDetails,
    /// Claims of its own, which go before the grant's and the client's.
    pub(crate) claims: CustomClaims,
    /// `act`: who acts for the subject (RFC 8693 §4.1).
    pub(crate) act: Option<Value>,
    pub(crate) exchanged: Exchanged,
    /// What it is bound to.
    pub(crate) confirmation: Confirmation,
    /// When it has to end at the latest, Unix time in seconds.
    pub(crate) not_after: Option<i64>,
}

/// What a token is exchanged from (RFC 8693); nothing, if it is not.
#[derive(Default)]
pub(crate) struct Exchanged {
    /// The tokens, by `jti`, the latest first.
    pub(crate) tokens: Vec<String>,
    /// The clients that they were issued to, each once.
    pub(crate) clients: Vec<String>,
}

/// The payload of a token. The operator's own claims cannot have the name of another (`custom_claims`).
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(flatten)]
    claims: Claims<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<&'a AuthorizationDetails>,
    #[serde(flatten)]
    custom: Map<String, Value>,
}

/// An access token for the request's client: for the person of a grant, or for the client itself. What the request asks
/// of resources (RFC 8707) and authorization details (RFC 9396) is held to what may be given.
pub(super) async fn mint(
    request: &Request<'_>,
    grant: Option<&Grant>,
    scope: &ScopeSet,
) -> Result<TokenResponse, GrantError> {
    minting(request, grant, scope).await?.issue().await
}

/// The same, before it is issued, so that a grant can add to it.
pub(super) async fn minting<'a>(
    request: &Request<'a>,
    grant: Option<&'a Grant>,
    scope: &'a ScopeSet,
) -> Result<Minting<'a>, GrantError> {
    let Request { app, client, grant_type, params, now, .. } = *request;
    let granted = grant.map(|g| g.details.resources.as_slice()).unwrap_or_default();
    let authorization_details = match grant {
        Some(grant) => details::narrowed(params, &grant.details.authorization_details)?,
        None => details::asked(app, client, params).await?,
    };
    // A grant that is stored has its claims from when it was made.
    let claims = match grant {
        Some(_) => CustomClaims::default(),
        None => claims::of_grant(client, grant_type, params, claims::proves_itself(client))?,
    };
    Ok(Minting {
        app,
        client,
        now,
        grant,
        subject: None,
        scope,
        audience: resource::audience(app, client, granted, params)?,
        authorization_details,
        claims,
        act: None,
        exchanged: Exchanged::default(),
        confirmation: request.confirmation.clone(),
        not_after: None,
    })
}

impl Minting<'_> {
    /// Writes the token. An opaque one is stored before anybody holds it.
    ///
    /// # Errors
    /// [`GrantError::Keys`], [`GrantError::Store`]; and [`GrantError::Unbound`] if the client gets bound tokens only and
    /// showed no key.
    pub(crate) async fn issue(&self) -> Result<TokenResponse, GrantError> {
        let Self { app, client, .. } = self;
        if client.options.dpop_bound_access_tokens && self.confirmation.jkt.is_none() {
            return Err(GrantError::Unbound("a DPoP proof"));
        }
        if client.options.tls_client_certificate_bound_access_tokens && self.confirmation.x5t_s256.is_none() {
            return Err(GrantError::Unbound("a client certificate"));
        }
        let lifetime = self.lifetime();
        let expires_at = self.now.saturating_add(lifetime);
        let scope = self.scope.to_string();
        let payload = serde_json::to_vec(&self.payload(&scope, expires_at));
        let payload = payload.map_err(|_| KeyError::Crypto("claims that are no JSON"))?;
        let access_token = match client.options.access_token_format {
            AccessTokenFormat::Jwt => app.keys.sign_with(self.algorithm()?, ACCESS_TOKEN_TYPE, &payload)?,
            AccessTokenFormat::Opaque => {
                let token = secret::generate(app.env.random.as_ref(), secret::ACCESS_TOKEN);
                app.store.put_access_token(&Digest::of(&token), &payload, expires_at).await?;
                token.to_string()
            }
        };
        let details = &self.authorization_details;
        Ok(TokenResponse {
            access_token,
            token_type: self.confirmation.token_type(),
            expires_in: unsigned(lifetime),
            refresh_token: None,
            issued_token_type: None,
            scope,
            authorization_details: (!details.is_empty()).then(|| details.clone()),
        })
    }

    /// What the client is registered for; `None` for the usual one.
    fn algorithm(&self) -> Result<Option<Algorithm>, KeyError> {
        let name = self.client.options.access_token_signing_alg.as_deref();
        let known = |name| Algorithm::from_name(name).ok_or(KeyError::Crypto("a client's algorithm is unknown"));
        name.map(known).transpose()
    }

    /// Seconds: the client's own or the server's, cut to what may be.
    fn lifetime(&self) -> i64 {
        let tokens = &self.app.config.tokens;
        let own = self.client.options.access_token_lifetime.map(i64::from);
        let lifetime = own.unwrap_or(seconds(tokens.access_lifetime)).min(seconds(tokens.max_access_lifetime));
        let left = self.not_after.map_or(lifetime, |at| at.saturating_sub(self.now));
        lifetime.min(left).max(1)
    }

    fn payload<'a>(&'a self, scope: &'a str, expires_at: i64) -> Payload<'a> {
        let Self { app, client, grant, now, .. } = self;
        let mut id = [0; 16];
        app.env.random.fill(&mut id);
        let subject = self.subject.unwrap_or_else(|| grant.map_or(client.id.as_str(), |g| &g.person_id));
        let claims = Claims {
            iss: Cow::Borrowed(app.urls.issuer()),
            sub: Cow::Borrowed(subject),
            aud: match self.audience.as_slice() {
                [one] => Audience::One(Cow::Borrowed(one)),
                many => Audience::Many(many.iter().map(|a| Cow::Borrowed(a.as_str())).collect()),
            },
            client_id: Cow::Borrowed(&client.id),
            scope: Cow::Borrowed(scope),
            iat: unsigned(*now),
            exp: unsigned(expires_at),
            jti: Cow::Owned(URL_SAFE_NO_PAD.encode(id)),
            gid: grant.map(|g| Cow::Borrowed(g.id.as_str())),
            exchanged_from: self.exchanged.tokens.iter().map(|jti| Cow::Borrowed(jti.as_str())).collect(),
            // Its own client's end is its end anyway.
            exchanged_by: {
                let others = self.exchanged.clients.iter().filter(|id| **id != client.id);
                others.map(|id| Cow::Borrowed(id.as_str())).collect()
            },
            auth_time: grant.map(|g| unsigned(g.auth_time)),
            acr: grant.map(|g| Cow::Borrowed(g.acr.as_str())),
        };
        let mut custom = client.options.claims.as_map().clone();
        for own in grant.map(|g| &g.details.claims).into_iter().chain([&self.claims]) {
            custom.extend(own.as_map().clone());
        }
        Payload {
            claims,
            cnf: (!self.confirmation.is_empty()).then_some(&self.confirmation),
            act: self.act.as_ref(),
            authorization_details: (!self.authorization_details.is_empty()).then_some(&self.authorization_details),
            custom,
        }
    }
}

fn unsigned(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0)
}
