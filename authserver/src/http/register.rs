//! `/oauth2/register`: clients register themselves (RFC 7591) with an initial access token that an operator made, and
//! manage what they registered (RFC 7592) with the token they got for it. Off unless `registration.enabled`.

use super::error::{Refusal, no_store_json};
use super::params::MAX_BODY;
use super::{App, Route, answer};
use crate::admin::{Actor, ClientView, NOTHING, change};
use crate::client_auth::seal_secret;
use crate::grants::{CLOCK_MARGIN, seconds};
use crate::model::{Client, ClientAuthMethod, ClientOptions, Digest, Revocation, Versioned};
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
use serde_json::{Map, Value};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token of a client may have been signed just before it is gone; so long after, they are revoked as well.
const MARGIN: i64 = 5;

pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Response {
    answered(register(&app, request).await)
}

pub(super) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answered(read(&app, &id, &headers).await)
}

pub(super) async fn put(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    answered(update(&app, &id, request).await)
}

pub(super) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answered(end(&app, &id, &headers).await)
}

fn answered(result: Result<Response, Refusal>) -> Response {
    answer::any_origin(result.unwrap_or_else(|refusal| refusal.into_response()))
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        Self::new(error.error, error.text)
    }
}

async fn register(app: &App, request: Request) -> Result<Response, Refusal> {
    let token = bearer(app, request.headers(), secret::INITIAL_ACCESS_TOKEN)?;
    let metadata = parse(&body(request).await?)?;
    let now = app.env.now();
    // Spent before the metadata is looked at: otherwise whoever guesses could use what is not theirs to try out.
    let initial = app.store.spend_initial_access_token(&Digest::of(&token), now).await?;
    let initial = initial.ok_or_else(Refusal::invalid_token)?;
    let types = app.store.authorization_types().await?;
    let random = app.env.random.as_ref();
    let client =
        metadata.client(blank(secret::random_id(random), now), &Allowed { scopes: &initial.scopes, types: &types })?;
    let (client, new_secret) = with_secret(app, client)?;
    let management = secret::generate(random, secret::REGISTRATION_ACCESS_TOKEN);
    let actor = Actor { kind: "client", id: client.id.clone(), address: None };
    let view = ClientView::of(&Versioned { value: client.clone(), version: 1 });
    let change = change(&app.env, &actor, ("client.register", "client", &client.id), NOTHING, Some(&view));
    app.store.register_client(&client, &change).await?;
    let registration = Registration { token: Digest::of(&management), scopes: initial.scopes };
    app.store.put_registration(&client.id, &registration).await?;
    tracing::info!(client = %client.id, note = %initial.note, "a client registered itself");
    let answer = response(app, &client, &management, new_secret.as_deref().map(String::as_str))?;
    Ok(no_store_json(StatusCode::CREATED, &answer))
}

async fn read(app: &App, id: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let Managed { client, token, .. } = managed(app, id, headers).await?;
    Ok(no_store_json(StatusCode::OK, &response(app, &client, &token, None)?))
}

/// RFC 7592 §2.2: what is not there any more is gone.
async fn update(app: &App, id: &str, request: Request) -> Result<Response, Refusal> {
    let Managed { client: old, token, registration } = managed(app, id, request.headers()).await?;
    let metadata = parse(&body(request).await?)?;
    check_update(&old, &metadata)?;
    let types = app.store.authorization_types().await?;
    let allowed = Allowed { scopes: &registration.scopes, types: &types };
    let mut client = metadata.client(old.clone(), &allowed)?;
    let new_secret = if client.auth_method.shows_secret() && old.secret.is_some() {
        client.secret = old.secret;
        None
    } else if client.auth_method == ClientAuthMethod::ClientSecretJwt && old.sealed_secret.is_some() {
        client.sealed_secret = old.sealed_secret;
        None
    } else {
        let (with, new_secret) = with_secret(app, client)?;
        client = with;
        new_secret
    };
    if !app.store.replace_registered(&client, &registration.token).await? {
        return Err(Refusal::invalid_token());
    }
    let answer = response(app, &client, &token, new_secret.as_deref().map(String::as_str))?;
    Ok(no_store_json(StatusCode::OK, &answer))
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
async fn end(app: &App, id: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let Managed { client, .. } = managed(app, id, headers).await?;
    let now = app.env.now();
    let expires_at = now + MARGIN + seconds(app.config.tokens.max_access_lifetime) + CLOCK_MARGIN;
    let revocation = Revocation::up_to(Subject::Client(&client.id), now + MARGIN, now, expires_at);
    app.store.set_client_disabled(&client.id, Some(&revocation)).await?;
    app.store.end_registration(&client.id).await?;
    tracing::info!(client = %client.id, "a client ended its registration");
    Ok((StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response())
}

/// A client and who manages it.
struct Managed {
    client: Client,
    token: Zeroizing<String>,
    registration: Registration,
}

/// The client that the request's token manages. Whatever is wrong, the answer is the same (RFC 7592 §2.1).
async fn managed(app: &App, id: &str, headers: &HeaderMap) -> Result<Managed, Refusal> {
    let token = bearer(app, headers, secret::REGISTRATION_ACCESS_TOKEN)?;
    let registration = app.store.registration(id).await?;
    let registration = registration.filter(|known| known.token.matches(&Digest::of(&token)));
    // Read from the database, not from memory: what was just changed is what is shown and changed again.
    let client = app.store.client(id).await?.filter(|client| client.disabled_at.is_none());
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
    if good { Ok(Zeroizing::new(token.to_owned())) } else { Err(Refusal::invalid_token()) }
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
        Self::new("invalid_token", "the access token is missing, unknown, expired or used up").with_bearer_challenge()
    }
}
