//! An authorization request on its way through sign-in and consent: it travels in the links and forms themselves,
//! sealed, so that tabs do not disturb each other and nobody can change where it ends.

use super::App;
use crate::authorization_details::AuthorizationDetails;
use crate::custom_claims::CustomClaims;
use crate::keys::KeyError;
use crate::model::{Client, GrantType};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};

/// How long a page waits for the person before it says that it expired, in seconds.
const FRESH: i64 = 30 * 60;
/// After this long it is not worth going on with, in seconds.
const KEPT: i64 = 24 * 60 * 60;
const PURPOSE: &str = "pending authorization request";
/// The name of the parameter that carries it.
pub(super) const CONTINUE: &str = "continue";

/// What the authorization endpoint gives, RFC 6749 §3.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResponseType {
    /// A code (§4.1).
    Code,
    /// An access token (§4.2).
    Token,
}

impl ResponseType {
    pub(super) const ALL: [Self; 2] = [Self::Code, Self::Token];

    pub(super) fn wire_name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Token => "token",
        }
    }

    pub(super) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.wire_name() == name)
    }

    /// The grant that a client must be registered for.
    pub(super) fn grant_type(self) -> GrantType {
        match self {
            Self::Code => GrantType::AuthorizationCode,
            Self::Token => GrantType::Implicit,
        }
    }

    /// Where its answer goes unless the request says otherwise.
    pub(super) fn usual_mode(self) -> ResponseMode {
        match self {
            Self::Code => ResponseMode::Query,
            Self::Token => ResponseMode::Fragment,
        }
    }
}

/// How the answer travels: OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    pub(super) const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    pub(super) fn wire_name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    pub(super) fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.wire_name() == name)
    }
}

/// A validated authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) client_id: String,
    /// Where the answer goes; matched against the registration.
    pub(super) redirect_uri: String,
    /// Whether the request named it, so that redeeming the code must repeat it (RFC 6749 §4.1.3).
    pub(super) redirect_uri_named: bool,
    pub(super) response_type: ResponseType,
    pub(super) response_mode: ResponseMode,
    pub(super) state: Option<String>,
    /// What may be granted of what was asked.
    pub(super) scope: ScopeSet,
    /// RFC 8707 §2.1.
    pub(super) resources: Vec<String>,
    /// RFC 9396 §3.
    pub(super) authorization_details: AuthorizationDetails,
    /// The operator's own claims, of this kind of grant and of this request.
    #[serde(default)]
    pub(super) claims: CustomClaims,
    pub(super) code_challenge: Option<String>,
    /// RFC 9449 §10.
    pub(super) dpop_jkt: Option<String>,
    /// The person must sign in (again) first: `prompt=login`, until they have.
    pub(super) sign_in: bool,
    /// The person signed in for this request.
    pub(super) signed_in: bool,
    /// The person must be asked, whatever they agreed to before: `prompt=consent`.
    pub(super) ask: bool,
    /// The person must not be asked anything: `prompt=none`.
    pub(super) silent: bool,
    /// How long before the request the sign-in may have been, in seconds (RFC 9470 §4).
    pub(super) max_age: Option<i64>,
    /// How the person must have signed in, one of these; empty for any (RFC 9470 §4).
    pub(super) acr_values: Vec<String>,
    /// The code of the device that the answer is for, as people see it (RFC 8628). There is no redirect URI then.
    #[serde(default)]
    pub(super) device: Option<String>,
    /// When the request came.
    pub(super) asked_at: i64,
    /// When the page was made.
    pub(super) at: i64,
}

/// A sealed request that came back.
pub(super) struct Opened {
    pub(super) pending: Pending,
    /// The page waited too long.
    pub(super) expired: bool,
}

impl Pending {
    /// A request that says nothing yet but who asks and where the answer goes.
    pub(super) fn new(client: &Client, redirect_uri: &str, redirect_uri_named: bool, now: i64) -> Self {
        Self {
            client_id: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            redirect_uri_named,
            response_type: ResponseType::Code,
            response_mode: ResponseMode::Query,
            state: None,
            scope: ScopeSet::default(),
            resources: Vec::new(),
            authorization_details: AuthorizationDetails::default(),
            claims: CustomClaims::default(),
            code_challenge: None,
            dpop_jkt: None,
            sign_in: false,
            signed_in: false,
            ask: false,
            silent: false,
            max_age: None,
            acr_values: Vec::new(),
            device: None,
            asked_at: now,
            at: now,
        }
    }

    /// The sealed form, in characters that need no escaping in a URL.
    pub(super) fn seal(&self, app: &App) -> Result<String, KeyError> {
        let plain = serde_json::to_vec(self).map_err(|_| KeyError::Crypto("a request could not be written"))?;
        Ok(URL_SAFE_NO_PAD.encode(app.sealer.seal(PURPOSE, &[], &plain)?))
    }

    /// The same request with the page's clock started again.
    pub(super) fn renewed(self, now: i64) -> Self {
        Self { at: now, ..self }
    }

    /// The same request after the person signed in for it.
    pub(super) fn after_sign_in(self, now: i64) -> Self {
        Self { at: now, sign_in: false, signed_in: true, ..self }
    }
}

impl Opened {
    /// Opens what [`Pending::seal`] gave; `None` for anything else, and for what is a day old.
    pub(super) fn open(app: &App, sealed: &str) -> Option<Self> {
        let plain = app.sealer.open(PURPOSE, &[], &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        let pending: Pending = serde_json::from_slice(&plain).ok()?;
        let age = app.env.clock.now().saturating_sub(pending.at);
        (age < KEPT).then_some(Self { pending, expired: age >= FRESH })
    }
}
