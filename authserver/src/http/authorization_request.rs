//! An authorization request, RFC 6749 §4.1.1, read and checked. What is wrong with the client or its redirect URI is
//! told to the person, on a page; what else is wrong is told to the client (RFC 6749 §4.1.2.1).

use super::App;
use super::params::Params;
use super::pending::Pending;
use super::redirect_uri;
use crate::grants::{pkce, scope};
use crate::model::{Client, ClientAuthMethod, GrantType};
use crate::pages::Trouble;
use bearward_token::scope::ScopeSet;

/// The longest `state` that is carried, in bytes: it travels in links.
const MAX_STATE: usize = 4096;

/// A request that can be answered.
pub(super) struct Checked {
    pub(super) pending: Pending,
    /// `prompt=none`: the person must not be asked anything.
    pub(super) silent: bool,
}

/// Why it cannot.
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

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        Self::Page(trouble)
    }
}

/// Reads and checks a request.
pub(super) async fn check(app: &App, params: &Params) -> Result<Checked, Problem> {
    let client_id = params.get("client_id").ok_or(Trouble::ClientMissing)?;
    let client = app.clients.get(app.store.as_ref(), &app.env, client_id).await.map_err(Trouble::from)?;
    let client = client.filter(|c| c.disabled_at.is_none()).ok_or(Trouble::ClientUnknown)?;
    let mut pending = addressed(app, params, &client)?;
    let answer = |pending: &Pending, error, description| Problem::Client {
        pending: Box::new(pending.clone()),
        error,
        description,
    };
    if pending.state.as_ref().is_some_and(|s| s.len() > MAX_STATE) {
        pending.state = None;
        return Err(answer(&pending, "invalid_request", "state is too long"));
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(answer(&pending, "unsupported_response_type", "only response_type=code is supported")),
        None => return Err(answer(&pending, "invalid_request", "response_type is missing")),
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(answer(&pending, "invalid_request", "only response_mode=query is supported"));
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(answer(&pending, "unauthorized_client", "the client may not use the authorization code grant"));
    }
    pending.code_challenge = challenge(params, &client).map_err(|text| answer(&pending, "invalid_request", text))?;
    let prompt = Prompt::read(params).map_err(|text| answer(&pending, "invalid_request", text))?;
    pending.sign_in = prompt.login;
    pending.ask = prompt.consent;
    let granted = scope::asked(params).and_then(|asked| scope::for_client(&client, asked.as_ref()));
    pending.scope = granted.map_err(|refused| answer(&pending, "invalid_scope", refused.text()))?;
    Ok(Checked { pending, silent: prompt.none })
}

/// The request with nothing in it yet but where its answer goes.
fn addressed(app: &App, params: &Params, client: &Client) -> Result<Pending, Trouble> {
    let named = params.get("redirect_uri");
    let redirect_uri = match named {
        Some(uri) if redirect_uri::is_registered(client, uri) => uri,
        Some(_) => return Err(Trouble::RedirectUri),
        None => redirect_uri::only_one(client).ok_or(Trouble::RedirectUriMissing)?,
    };
    Ok(Pending {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        redirect_uri_named: named.is_some(),
        state: params.get("state").map(str::to_owned),
        scope: ScopeSet::default(),
        code_challenge: None,
        sign_in: false,
        ask: false,
        at: app.env.clock.now(),
    })
}

/// RFC 7636 §4.3 and §4.4.1; S256 only, and required of clients that cannot prove themselves (RFC 9700 §2.1.1).
fn challenge(params: &Params, client: &Client) -> Result<Option<String>, &'static str> {
    let Some(challenge) = params.get("code_challenge") else {
        return if client.auth_method == ClientAuthMethod::None {
            Err("public clients must send a code_challenge (PKCE, RFC 7636)")
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

#[derive(Default)]
struct Prompt {
    none: bool,
    login: bool,
    consent: bool,
}

impl Prompt {
    /// As in OpenID Connect Core 1.0 §3.1.2.1.
    fn read(params: &Params) -> Result<Self, &'static str> {
        let mut prompt = Self::default();
        for word in params.get("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "consent" => prompt.consent = true,
                // One account at a time: choosing another is signing in again.
                "login" | "select_account" => prompt.login = true,
                _ => return Err("prompt must be none, login, consent or select_account"),
            }
        }
        if prompt.none && (prompt.login || prompt.consent) { Err("prompt=none must stand alone") } else { Ok(prompt) }
    }
}
