//! An authorization request, RFC 6749 §4.1.1 and §4.2.1, read and checked. What is wrong with the client or its redirect
//! URI is told to the person, on a page; what else is wrong is told to the client (RFC 6749 §4.1.2.1).

use super::App;
use super::flow::ACR_VALUES;
use super::params::Params;
use super::pending::{Pending, ResponseMode, ResponseType};
use super::redirect_uri;
use super::request_object::{self, RequestObjectError};
use crate::grants::details::{self, DetailsRefused};
use crate::grants::{claims, pkce, resource, scope};
use crate::model::{Client, ClientAuthMethod};
use crate::pages::Trouble;
use crate::storage::StoreError;
use std::borrow::Cow;

/// The longest `state` that is carried through sign-in and consent, in bytes: it travels in links.
const MAX_STATE: usize = 4096;

/// Why a request cannot be answered.
pub(super) enum Problem {
    /// Said on a page; nothing is sent anywhere.
    Page(Trouble),
    /// Sent to the client.
    Client {
        /// Where to: the request as far as it was read.
        pending: Box<Pending>,
        error: &'static str,
        description: &'static str,
    },
}

impl<T: Into<Trouble>> From<T> for Problem {
    fn from(trouble: T) -> Self {
        Self::Page(trouble.into())
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// Through the person's browser.
    Browser,
    /// From the client itself (RFC 9126).
    Pushed,
}

/// What is wrong with a request, for the client: the error code and its description.
type Wrong = (&'static str, &'static str);

/// Reads and checks a request of a client.
pub(super) async fn check(app: &App, client: &Client, params: &Params, via: Via) -> Result<Pending, Problem> {
    let unpacked = match request_object::unpack(app, client, params).await {
        Ok(params) => params,
        Err(RequestObjectError::Store(error)) => return Err(error.into()),
        Err(RequestObjectError::Invalid(text)) => {
            return Err(unsigned(app, params, client, "invalid_request_object", text));
        }
        Err(RequestObjectError::Missing) => {
            let text = "the client has to sign its authorization requests (RFC 9101)";
            return Err(unsigned(app, params, client, "invalid_request", text));
        }
    };
    let signed = matches!(unpacked, Cow::Owned(_));
    let proven = signed || (via == Via::Pushed && claims::proves_itself(client));
    let params = unpacked.as_ref();
    let mut pending = addressed(app, params, client)?;
    match read(app, client, params, (via, proven), &mut pending).await {
        Ok(()) => Ok(pending),
        Err(Refused::Store(error)) => Err(error.into()),
        Err(Refused::Wrong((error, description))) => {
            Err(Problem::Client { pending: Box::new(pending), error, description })
        }
    }
}

/// Where a request whose object is not good is answered: where the parameters beside it say, if that is registered.
fn unsigned(app: &App, params: &Params, client: &Client, error: &'static str, description: &'static str) -> Problem {
    match addressed(app, params, client) {
        Ok(mut pending) => {
            pending.state = params.get("state").map(str::to_owned);
            // As far as it can be told; what is wrong with it is less than what is wrong with the object.
            let _: Result<(), Wrong> = response(params, &mut pending);
            Problem::Client { pending: Box::new(pending), error, description }
        }
        Err(_) if error == "invalid_request_object" => Problem::Page(Trouble::RequestObject),
        Err(_) => Problem::Page(Trouble::Request(description)),
    }
}

enum Refused {
    Wrong(Wrong),
    Store(StoreError),
}

impl From<Wrong> for Refused {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// The request with nothing in it yet but where its answer goes.
fn addressed(app: &App, params: &Params, client: &Client) -> Result<Pending, Trouble> {
    let named = params.get("redirect_uri");
    let redirect_uri = match named {
        Some(uri) if redirect_uri::is_registered(client, uri) => uri,
        Some(_) => return Err(Trouble::RedirectUri),
        None => redirect_uri::only_one(client).ok_or(Trouble::RedirectUriMissing)?,
    };
    Ok(Pending::new(client, redirect_uri, named.is_some(), app.env.clock.now()))
}

/// `proven`: the request is the client's, and nobody on the way changed it.
async fn read(
    app: &App,
    client: &Client,
    params: &Params,
    (via, proven): (Via, bool),
    pending: &mut Pending,
) -> Result<(), Refused> {
    // First what the answer needs, also the answer that something is wrong.
    pending.state = params.get("state").map(str::to_owned);
    response(params, pending)?;
    // Told with all of it: no error goes back without the state that came (RFC 6749 §4.1.2.1).
    if pending.state.as_ref().is_some_and(|s| s.len() > MAX_STATE) {
        return Err(invalid("state is too long").into());
    }
    let grant = pending.response_type.grant_type();
    if !client.grant_types.contains(&grant) {
        return Err(("unauthorized_client", "the client is not registered for this response_type").into());
    }
    let must_push =
        client.options.require_pushed_authorization_requests || app.config.authorization.require_pushed_requests;
    if must_push && via == Via::Browser {
        return Err(invalid("the client has to push its authorization requests (RFC 9126)").into());
    }
    if pending.response_type == ResponseType::Code {
        pending.code_challenge = challenge(params, client).map_err(invalid)?;
    }
    pending.dpop_jkt = params.get("dpop_jkt").map(thumbprint).transpose().map_err(invalid)?;
    prompt(params, pending).map_err(invalid)?;
    authentication(params, pending)?;
    let granted = scope::asked(params).and_then(|asked| scope::for_client(client, asked.as_ref()));
    pending.scope = granted.map_err(|refused| ("invalid_scope", refused.text()))?;
    pending.claims = claims::of_grant(client, grant, params, proven).map_err(|refused| invalid(refused.text()))?;
    let target = resource::asked(app, client, params);
    pending.resources = target.map_err(|_| ("invalid_target", "a resource is not one that the client may ask for"))?;
    pending.authorization_details = match details::asked(app, client, params).await {
        Ok(details) => details,
        Err(DetailsRefused::Invalid(error)) => return Err(("invalid_authorization_details", error.text()).into()),
        Err(DetailsRefused::Store(error)) => return Err(Refused::Store(error)),
    };
    Ok(())
}

fn invalid(description: &'static str) -> Wrong {
    ("invalid_request", description)
}

/// `response_type` (RFC 6749 §3.1.1) and `response_mode` (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode).
fn response(params: &Params, pending: &mut Pending) -> Result<(), Wrong> {
    let kind = params.get("response_type");
    if let Some(kind) = kind.and_then(ResponseType::from_wire) {
        pending.response_type = kind;
        pending.response_mode = kind.usual_mode();
    }
    let mode = params.get("response_mode").map(ResponseMode::from_wire);
    match (kind, mode) {
        (None, _) => return Err(invalid("response_type is missing")),
        (Some(kind), _) if ResponseType::from_wire(kind).is_none() => {
            return Err(("unsupported_response_type", "response_type has to be code or token"));
        }
        (_, Some(None)) => return Err(invalid("response_mode has to be query, fragment or form_post")),
        // A query is logged and sent on as referrer; a token must not be in it.
        (_, Some(Some(ResponseMode::Query))) if pending.response_type == ResponseType::Token => {
            return Err(invalid("response_mode=query is not for tokens"));
        }
        (_, Some(Some(mode))) => pending.response_mode = mode,
        (_, None) => {}
    }
    Ok(())
}

/// RFC 7636 §4.3 and §4.4.1; S256 only, and required of clients that cannot prove themselves (RFC 9700 §2.1.1).
fn challenge(params: &Params, client: &Client) -> Result<Option<String>, &'static str> {
    let Some(challenge) = params.get("code_challenge") else {
        return if client.auth_method == ClientAuthMethod::None {
            Err("public clients must send a code_challenge (PKCE, RFC 7636)")
        } else if client.options.require_pkce {
            Err("the client must send a code_challenge (PKCE, RFC 7636)")
        } else if params.get("code_challenge_method").is_some() {
            Err("code_challenge_method was sent without code_challenge")
        } else {
            Ok(None)
        };
    };
    // Left out, the method is plain (RFC 7636 §4.3).
    if params.get("code_challenge_method") != Some("S256") {
        return Err("code_challenge_method must be S256");
    }
    if pkce::is_challenge(challenge) {
        Ok(Some(challenge.to_owned()))
    } else {
        Err("code_challenge is not well-formed")
    }
}

/// RFC 9449 §10: the thumbprint of the key that will redeem the code; SHA-256, as a PKCE challenge is.
fn thumbprint(text: &str) -> Result<String, &'static str> {
    if pkce::is_challenge(text) { Ok(text.to_owned()) } else { Err("dpop_jkt is not a SHA-256 thumbprint") }
}

/// As in OpenID Connect Core 1.0 §3.1.2.1.
fn prompt(params: &Params, pending: &mut Pending) -> Result<(), &'static str> {
    for word in params.get("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => pending.silent = true,
            "consent" => pending.ask = true,
            // One account at a time: choosing another is signing in again.
            "login" | "select_account" => pending.sign_in = true,
            _ => return Err("prompt must be none, login, consent or select_account"),
        }
    }
    if pending.silent && (pending.sign_in || pending.ask) { Err("prompt=none must stand alone") } else { Ok(()) }
}

/// How and how lately the person must have signed in: `acr_values` and `max_age`, RFC 9470 §4 and §5.
fn authentication(params: &Params, pending: &mut Pending) -> Result<(), Wrong> {
    if let Some(text) = params.get("max_age") {
        let seconds = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        pending.max_age = Some(seconds.ok_or(invalid("max_age is not a number of seconds"))?);
    }
    let asked = params.get("acr_values").unwrap_or_default().split(' ').filter(|value| !value.is_empty());
    let (known, unknown): (Vec<_>, Vec<_>) = asked.partition(|value| ACR_VALUES.contains(value));
    if known.is_empty() && !unknown.is_empty() {
        return Err((
            "unmet_authentication_requirements",
            "people cannot sign in here in any way that acr_values names",
        ));
    }
    pending.acr_values = known.into_iter().map(str::to_owned).collect();
    Ok(())
}
