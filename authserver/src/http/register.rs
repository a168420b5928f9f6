//! `/oauth2/register`: clients register themselves (RFC 7591) with an initial access token that an operator made, and
//! manage what they registered (RFC 7592) with the token they got for it. Off unless `registration.enabled`.

use super::address::Address;
use super::error::{Refusal, no_store_json};
use super::params::MAX_BODY;
use super::{App, Route, answer};
use crate::admin::{Actor, ClientView, NOTHING, change};
use crate::client_auth::seal_secret;
use crate::grants::{CLOCK_MARGIN, seconds};
use crate::model::{Change, Client, ClientAuthMethod, ClientOptions, Digest, Revocation, Versioned};
use crate::registration::{Allowed, Metadata, MetadataError, describe, parse};
use crate::secret;
use crate::storage::Registration;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use bearward_token::feed::Subject;
use bearward_token::scope::ScopeSet;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token of a client may have been signed just before it is gone; so long after, they are revoked as well.
const MARGIN: i64 = 5;
/// How often an update is tried, when somebody else changes the client in between.
const UPDATES: usize = 3;

pub(super) async fn post(State(app): State<Arc<App>>, address: Address, request: Request) -> Response {
    answered(register(&app, address, request).await)
}

pub(super) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answered(read(&app, &id, &headers).await)
}

pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    address: Address,
    request: Request,
) -> Response {
    answered(update(&app, &id, address, request).await)
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    address: Address,
    headers: HeaderMap,
) -> Response {
    answered(end(&app, &id, address, &headers).await)
}

fn answered(result: Result<Response, Refusal>) -> Response {
    answer::any_origin(result.unwrap_or_else(|refusal| refusal.into_response()))
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        Self::new(error.error, error.text)
    }
}

async fn register(app: &App, address: Address, request: Request) -> Result<Response, Refusal> {
    let token = Digest::of(&bearer(app, request.headers(), secret::INITIAL_ACCESS_TOKEN)?);
    let now = app.env.now();
    // Looked up before the metadata is looked at, and spent with the registration: what is refused costs no use.
    let initial = app.store.initial_access_token(&token, now).await?.ok_or_else(Refusal::invalid_token)?;
    let metadata = parse(&body(request).await?)?;
    let types = app.store.authorization_types().await?;
    let random = app.env.random.as_ref();
    let client =
        metadata.client(blank(secret::random_id(random), now), &Allowed { scopes: &initial.scopes, types: &types })?;
    check_keys(app, &client).await?;
    let (client, new_secret) = with_secret(app, client)?;
    let management = secret::generate(random, secret::REGISTRATION_ACCESS_TOKEN);
    let client = Versioned::new(client, random);
    let view = ClientView::of(&client);
    let change = changed(app, address, "client.register", &view.client_id, NOTHING, Some(&view));
    let registration = Registration { token: Digest::of(&management), scopes: initial.scopes };
    // Rendered before it is stored: nothing fails after that.
    let answer = response(app, &client.value, &management, new_secret.as_deref().map(String::as_str))?;
    if !app.store.register_by_token((&token, now), &client, &registration, &change).await? {
        return Err(Refusal::invalid_token());
    }
    tracing::info!(client = %view.client_id, note = %initial.note, "a client registered itself");
    Ok(no_store_json(StatusCode::CREATED, &answer))
}

async fn read(app: &App, id: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let Managed { client, token, .. } = managed(app, id, headers).await?;
    Ok(no_store_json(StatusCode::OK, &response(app, &client.value, &token, None)?))
}

/// RFC 7592 §2.2: what is not there any more is gone.
async fn update(app: &App, id: &str, address: Address, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let mut now_managed = managed(app, id, &headers).await?;
    let metadata = parse(&body(request).await?)?;
    let types = app.store.authorization_types().await?;
    // An administrator may change the client meanwhile: then once more, on top of that.
    for _ in 0..UPDATES {
        let Managed { client: old, token, registration } = now_managed;
        check_update(&old.value, &metadata)?;
        let client = metadata.client(old.value.clone(), &Allowed { scopes: &registration.scopes, types: &types })?;
        check_keys(app, &client).await?;
        let (client, new_secret) = keep_secret(app, client, &old.value)?;
        let new = Versioned { value: client, version: old.version.saturating_add(1) };
        let (before, after) = (ClientView::of(&old), ClientView::of(&new));
        let change = changed(app, address, "client.edit", id, Some(&before), Some(&after));
        let answer = response(app, &new.value, &token, new_secret.as_deref().map(String::as_str))?;
        if app.store.replace_registered(&new.value, old.version, &registration.token, &change).await? {
            return Ok(no_store_json(StatusCode::OK, &answer));
        }
        now_managed = managed(app, id, &headers).await?;
    }
    Err(Refusal::server_error())
}

/// The client with the secret that it had, if that is of the kind that its method takes; otherwise with a new one.
fn keep_secret(app: &App, mut client: Client, old: &Client) -> Result<(Client, Secret), Refusal> {
    if client.auth_method.shows_secret() && old.secret.is_some() {
        client.secret = old.secret;
    } else if client.auth_method == ClientAuthMethod::ClientSecretJwt && old.sealed_secret.is_some() {
        client.sealed_secret.clone_from(&old.sealed_secret);
    } else {
        return with_secret(app, client);
    }
    Ok((client, None))
}

/// RFC 7592 §2.2: `client_id` is the client's own; so is `client_secret`, if it is there.
fn check_update(old: &Client, metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.client_id.as_ref() != Some(&old.id) {
        return Err(Refusal::new("invalid_client_metadata", "client_id has to be the client's own"));
    }
    let same = |secret: &String| old.secret.is_some_and(|stored| stored.matches(&Digest::of(secret)));
    if metadata.client_secret.as_ref().is_some_and(|secret| !same(secret)) {
        return Err(Refusal::new("invalid_client_metadata", "client_secret cannot be chosen"));
    }
    Ok(())
}

/// RFC 7592 §2.3: the client is disabled for good, its tokens are revoked, and nobody manages it any more. Its name is never
/// given to another.
async fn end(app: &App, id: &str, address: Address, headers: &HeaderMap) -> Result<Response, Refusal> {
    let Managed { client, registration, .. } = managed(app, id, headers).await?;
    let now = app.env.now();
    let expires_at = now + MARGIN + seconds(app.config.tokens.max_access_lifetime) + CLOCK_MARGIN;
    let revocation = Revocation::up_to(Subject::Client(id), now + MARGIN, now, expires_at);
    let change = changed(app, address, "client.unregister", id, Some(&ClientView::of(&client)), NOTHING);
    if !app.store.end_registration(id, &registration.token, &revocation, &change).await? {
        return Err(Refusal::invalid_token());
    }
    tracing::info!(client = %id, "a client ended its registration");
    Ok((StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response())
}

/// Whoever registers is not the operator: this server does not knock at doors for them that only it can reach.
async fn check_keys(app: &App, client: &Client) -> Result<(), Refusal> {
    let Some(url) = &client.options.keys.jwks_uri else { return Ok(()) };
    app.remote_keys.check(url).await.map_err(|_| {
        Refusal::new("invalid_client_metadata", "jwks_uri has to be an https URL of a host on the public internet")
    })
}

/// The entry of the audit log for what a client does to itself.
fn changed(
    app: &App,
    address: Address,
    action: &'static str,
    id: &str,
    before: Option<&impl Serialize>,
    after: Option<&impl Serialize>,
) -> Change {
    let actor = Actor { kind: "client", id: id.to_owned(), address: address.text() };
    change(&app.env, &actor, (action, "client", id), before, after)
}

/// A client and who manages it.
struct Managed {
    client: Versioned<Client>,
    token: Zeroizing<String>,
    registration: Registration,
}

/// The client that the request's token manages. Whatever is wrong, the answer is the same (RFC 7592 §2.1).
async fn managed(app: &App, id: &str, headers: &HeaderMap) -> Result<Managed, Refusal> {
    let token = bearer(app, headers, secret::REGISTRATION_ACCESS_TOKEN)?;
    let registration = app.store.registration(id).await?;
    let registration = registration.filter(|known| known.token.matches(&Digest::of(&token)));
    // Read from the database, not from memory: what was just changed is what is shown and changed again.
    let client = app.store.versioned_client(id).await?.filter(|client| client.value.disabled_at.is_none());
    match (registration, client) {
        (Some(registration), Some(client)) => Ok(Managed { client, token, registration }),
        _ => Err(Refusal::invalid_token()),
    }
}

/// The token in the `Authorization` header (RFC 6750 §2.1), if registration is on and it can be one of this kind.
fn bearer(app: &App, headers: &HeaderMap, prefix: &str) -> Result<Zeroizing<String>, Refusal> {
    if !app.config.registration.enabled {
        return Err(Refusal::not_found());
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    let good = scheme.eq_ignore_ascii_case("bearer") && secret::well_formed(prefix, token);
    match headers.contains_key(AUTHORIZATION) {
        true if good => Ok(Zeroizing::new(token.to_owned())),
        true => Err(Refusal::invalid_token()),
        false => Err(Refusal::new("invalid_token", "the access token is missing").with_bearer_challenge(false)),
    }
}

async fn body(request: Request) -> Result<axum::body::Bytes, Refusal> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new("invalid_client_metadata", "the request body must be application/json"));
    }
    let read = to_bytes(request.into_body(), MAX_BODY).await;
    read.map_err(|_| Refusal::new("invalid_client_metadata", "the request body is too large, or could not be read"))
}

fn blank(id: String, now: i64) -> Client {
    Client {
        name: id.clone(),
        id,
        auth_method: ClientAuthMethod::None,
        secret: None,
        sealed_secret: None,
        grant_types: Vec::new(),
        redirect_uris: Vec::new(),
        scopes: ScopeSet::default(),
        default_scopes: ScopeSet::default(),
        audience: Vec::new(),
        options: ClientOptions::default(),
        disabled_at: None,
        created_at: now,
    }
}

type Secret = Option<Zeroizing<String>>;

/// The client with a secret of the kind that its method takes, and that secret.
fn with_secret(app: &App, mut client: Client) -> Result<(Client, Secret), Refusal> {
    let new = || secret::generate(app.env.random.as_ref(), secret::CLIENT_SECRET);
    let secret = if client.auth_method.shows_secret() {
        let secret = new();
        client.secret = Some(Digest::of(&secret));
        Some(secret)
    } else if client.auth_method == ClientAuthMethod::ClientSecretJwt {
        let secret = new();
        client.sealed_secret = Some(seal_secret(&app.sealer, &client.id, &secret)?);
        Some(secret)
    } else {
        None
    };
    Ok((client, secret))
}

/// RFC 7591 §3.2.1, RFC 7592 §3. The secret is there when it is new: only its digest is kept.
fn response(app: &App, client: &Client, token: &str, secret: Option<&str>) -> Result<Map<String, Value>, Refusal> {
    let mut answer = describe(client).map_err(|_| Refusal::server_error())?;
    if let Some(secret) = secret {
        answer.insert("client_secret".to_owned(), secret.into());
        answer.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    answer.insert("registration_access_token".to_owned(), token.into());
    let uri = app.urls.absolute(Route::Registered).replace("{client_id}", &client.id);
    answer.insert("registration_client_uri".to_owned(), uri.into());
    Ok(answer)
}

impl Refusal {
    /// RFC 6750 §3.1, RFC 7592 §2: 401 and a challenge.
    fn invalid_token() -> Self {
        Self::new("invalid_token", "the access token is unknown, expired or used up").with_bearer_challenge(true)
    }
}
