//! The client registry.

use super::client_keys::ClientKeyView;
use super::secrets::{FIRST, SecretView, ShownSecret};
use super::{Admin, AdminError, DISABLE_MARGIN, NOTHING, Page, Result, client_rules, invalid};
use crate::model::{Client, ClientAuthMethod, ClientOptions, Digest, GrantType, Revocation, Scope, Versioned};
use crate::secret::{CLIENT_SECRET, generate, random_id};
use bearward_token::feed::Subject;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a client is registered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// Letters, digits and `-._~`; random if left out. It cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What people see; the id if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it proves itself: `none`, `client_secret`, `client_secret_basic`, `client_secret_post`, `private_key_jwt` and
    /// so on (RFC 7591 section 2).
    #[schema(value_type = String, example = "client_secret")]
    pub auth_method: ClientAuthMethod,
    /// The grants it may use.
    #[schema(value_type = Vec<String>, example = json!(["authorization_code", "refresh_token"]))]
    pub grant_types: Vec<GrantType>,
    /// Where people are sent back to.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for, separated by spaces.
    #[serde(default)]
    pub scope: String,
    /// The scopes it gets when it asks for none.
    #[serde(default)]
    pub default_scope: String,
    /// The `aud` of its tokens; empty takes the server's.
    #[serde(default)]
    pub audience: Vec<String>,
    /// What else is particular about it, such as `first_party` and `partial_consent`. What is left out has its default.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub options: Map<String, Value>,
}

/// A client as it is, without anything that opens a door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClientView {
    /// Its id.
    pub client_id: String,
    /// What people see.
    pub name: String,
    /// How it proves itself.
    #[schema(value_type = String)]
    pub auth_method: ClientAuthMethod,
    /// The grants it may use.
    #[schema(value_type = Vec<String>)]
    pub grant_types: Vec<GrantType>,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scope: String,
    /// The scopes it gets when it asks for none.
    pub default_scope: String,
    /// The `aud` of its tokens.
    pub audience: Vec<String>,
    /// What else is particular about it.
    #[schema(value_type = Object)]
    pub options: Map<String, Value>,
    /// Its secrets, without what is secret about them.
    pub secrets: Vec<SecretView>,
    /// Its public keys.
    pub keys: Vec<ClientKeyView>,
    /// When it was disabled, Unix time in seconds; null if it is enabled.
    pub disabled_at: Option<i64>,
    /// When it was registered, Unix time in seconds.
    pub created_at: i64,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

impl ClientView {
    /// What an administrator sees of a client.
    #[must_use]
    pub fn of(client: &Versioned<Client>) -> Self {
        let Versioned { value: client, version } = client;
        Self {
            client_id: client.id.clone(),
            name: client.name.clone(),
            auth_method: client.auth_method,
            grant_types: client.grant_types.clone(),
            redirect_uris: client.redirect_uris.clone(),
            scope: client.scopes.to_string(),
            default_scope: client.default_scopes.to_string(),
            audience: client.audience.clone(),
            options: open_options(&client.options),
            secrets: SecretView::all(client),
            keys: ClientKeyView::all(client),
            disabled_at: client.disabled_at,
            created_at: client.created_at,
            version: *version,
        }
    }
}

/// The options that have functions of their own.
const OWN: [&str; 3] = ["first_secret", "more_secrets", "credentials"];

/// The options as an administrator edits them: secrets have functions of their own.
fn open_options(options: &ClientOptions) -> Map<String, Value> {
    let Ok(Value::Object(mut map)) = serde_json::to_value(options) else { return Map::new() };
    for own in OWN {
        map.remove(own);
    }
    map
}

impl Admin<'_> {
    /// A page of clients in order of id; with a text, those whose id or name begins with it.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn clients(&self, text: Option<&str>, after: Option<&str>, limit: u32) -> Result<Page<ClientView>> {
        let text = text.map(str::trim).filter(|text| !text.is_empty() && !text.contains('\0'));
        let after = after.unwrap_or_default().replace('\0', "");
        let found = self.store.find_clients(text, &after, limit.saturating_add(1)).await?;
        Ok(Page::new(found.iter().map(ClientView::of).collect(), limit, |client| client.client_id.clone()))
    }

    /// One client, and when each of its secrets and keys was last used.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn client(&self, id: &str) -> Result<ClientView> {
        self.with_uses(ClientView::of(&self.stored_client(id).await?)).await
    }

    async fn with_uses(&self, mut client: ClientView) -> Result<ClientView> {
        for (credential, at) in self.store.uses(&client.client_id).await? {
            let name = if credential.is_empty() { FIRST } else { &credential };
            client.secrets.iter_mut().filter(|secret| secret.id == name).for_each(|secret| secret.used_at = Some(at));
            client.keys.iter_mut().filter(|key| key.id == credential).for_each(|key| key.used_at = Some(at));
        }
        Ok(client)
    }

    /// Registers a client; if it proves itself by a secret, that is made and given, this once.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::Exists`].
    pub async fn create_client(&self, spec: ClientSpec) -> Result<(ClientView, Option<ShownSecret>)> {
        let secret = spec.auth_method.shows_secret().then(|| generate(&*self.env.random, CLIENT_SECRET));
        let client = Client { secret: secret.as_ref().map(|secret| Digest::of(secret)), ..self.new_client(spec)? };
        let view = self.register_client(client).await?;
        let shown = secret.map(|secret| ShownSecret { id: String::new(), client_secret: secret.to_string() });
        Ok((view, shown))
    }

    /// Registers a client that was put together elsewhere.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::Exists`].
    pub async fn register_client(&self, client: Client) -> Result<ClientView> {
        self.check_client(&client, &self.store.scopes().await?)?;
        let client = Versioned::new(client, &*self.env.random);
        let view = ClientView::of(&client);
        let change = self.change("client.create", "client", &view.client_id, NOTHING, Some(&view));
        self.store.register_client(&client, &change).await?;
        Ok(view)
    }

    /// Replaces what a client is registered with, if it is still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn edit_client(&self, id: &str, version: i64, spec: ClientSpec) -> Result<ClientView> {
        let stored = self.at_version(id, version).await?;
        let edited = edited_client(&stored.value, spec)?;
        self.check_client(&edited, &self.store.scopes().await?)?;
        self.replace("client.edit", &stored, edited, None).await
    }

    /// Refuses whatever [`Admin::create_client`] would, where these scopes are known.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub fn check_new_client(&self, spec: ClientSpec, known: &[Scope]) -> Result<()> {
        self.check_client(&self.new_client(spec)?, known)
    }

    /// Refuses whatever [`Admin::edit_client`] would, where these scopes are known.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn check_client_edit(&self, id: &str, version: i64, spec: ClientSpec, known: &[Scope]) -> Result<()> {
        let stored = self.at_version(id, version).await?;
        self.check_client(&edited_client(&stored.value, spec)?, known)
    }

    /// Disables a client, which revokes every token it has, or enables it again.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Changed`].
    pub async fn set_client_disabled(&self, id: &str, disabled: bool) -> Result<ClientView> {
        let stored = self.stored_client(id).await?;
        if stored.value.disabled_at.is_some() == disabled {
            return Ok(ClientView::of(&stored));
        }
        let mut edited = stored.value.clone();
        edited.disabled_at = disabled.then(|| self.now());
        let (action, revocation) =
            if disabled { ("client.disable", Some(self.client_revocation(id))) } else { ("client.enable", None) };
        self.replace(action, &stored, edited, revocation.as_ref()).await
    }

    /// Deletes a client with its grants and consents, and revokes its tokens; if it is still at this version.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Changed`].
    pub async fn delete_client(&self, id: &str, version: i64) -> Result<()> {
        let stored = self.at_version(id, version).await?;
        let change = self.change("client.delete", "client", id, Some(&ClientView::of(&stored)), NOTHING);
        let gone = self.store.delete_client(id, version, &self.client_revocation(id), &change).await?;
        if gone { Ok(()) } else { Err(AdminError::Changed) }
    }

    pub(super) async fn stored_client(&self, id: &str) -> Result<Versioned<Client>> {
        self.store.versioned_client(id).await?.ok_or(AdminError::NotFound("client"))
    }

    /// Stores an edited client, if nobody else edited it since it was read.
    pub(super) async fn replace(
        &self,
        action: &'static str,
        stored: &Versioned<Client>,
        edited: Client,
        revocation: Option<&Revocation>,
    ) -> Result<ClientView> {
        let edited = Versioned { value: edited, version: stored.version.saturating_add(1) };
        let (before, after) = (ClientView::of(stored), ClientView::of(&edited));
        let change = self.change(action, "client", &edited.value.id, Some(&before), Some(&after));
        match self.store.edit_client(&edited.value, stored.version, revocation, &change).await? {
            true => Ok(after),
            false => Err(AdminError::Changed),
        }
    }

    async fn at_version(&self, id: &str, version: i64) -> Result<Versioned<Client>> {
        let stored = self.stored_client(id).await?;
        if stored.version == version { Ok(stored) } else { Err(AdminError::Changed) }
    }

    /// A client as it is asked for, without a secret.
    fn new_client(&self, spec: ClientSpec) -> Result<Client> {
        let blank = Client {
            id: spec.client_id.clone().unwrap_or_else(|| random_id(&*self.env.random)),
            name: String::new(),
            auth_method: spec.auth_method,
            secret: None,
            sealed_secret: None,
            grant_types: Vec::new(),
            redirect_uris: Vec::new(),
            scopes: ScopeSet::default(),
            default_scopes: ScopeSet::default(),
            audience: Vec::new(),
            options: ClientOptions::default(),
            disabled_at: None,
            created_at: self.now(),
        };
        applied(blank, spec)
    }

    /// Refuses a client that does not hold together at this server.
    fn check_client(&self, client: &Client, known: &[Scope]) -> Result<()> {
        client_rules::check(client, known)?;
        self.check_jwks_uri("options", &client.options.keys)?;
        self.check_signing_alg(&client.options)?;
        if client.auth_method == ClientAuthMethod::ClientSecretJwt && client.sealed_secret.is_none() {
            return invalid(
                "auth_method",
                "client_secret_jwt needs a secret that the server can read; register it by the command line",
            );
        }
        Ok(())
    }

    fn client_revocation(&self, id: &str) -> Revocation {
        let cutoff = self.now().saturating_add(DISABLE_MARGIN);
        Revocation::up_to(Subject::Client(id), cutoff, self.now(), self.revoked_until(cutoff))
    }
}

/// A registered client with what the specification says, if it can become that.
fn edited_client(client: &Client, spec: ClientSpec) -> Result<Client> {
    if spec.client_id.as_deref().is_some_and(|other| other != client.id) {
        return invalid("client_id", "cannot be changed: tokens and consents name it");
    }
    let method = spec.auth_method;
    if method.shows_secret() && client.secret.is_none() {
        return invalid("auth_method", "the client has no secret; register another one, or keep its method");
    }
    let mut edited = applied(client.clone(), spec)?;
    edited.auth_method = method;
    if !method.shows_secret() {
        edited.secret = None;
        edited.options.first_secret = Default::default();
        edited.options.more_secrets.clear();
    }
    if (method == ClientAuthMethod::ClientSecretJwt) != edited.sealed_secret.is_some() {
        return invalid(
            "auth_method",
            "to or from client_secret_jwt, register another client: the secret is kept in another way",
        );
    }
    Ok(edited)
}

/// The client with what the specification says; secrets stay as they are.
fn applied(mut client: Client, spec: ClientSpec) -> Result<Client> {
    client.name = spec.name.unwrap_or_else(|| client.id.clone());
    client.grant_types = GrantType::ALL.iter().copied().filter(|g| spec.grant_types.contains(g)).collect();
    client.redirect_uris = spec.redirect_uris;
    client.scopes = scopes("scope", &spec.scope)?;
    client.default_scopes = scopes("default_scope", &spec.default_scope)?;
    client.audience = spec.audience;
    let mut options = read_options(&spec.options)?;
    options.first_secret = std::mem::take(&mut client.options.first_secret);
    options.more_secrets = std::mem::take(&mut client.options.more_secrets);
    options.credentials = std::mem::take(&mut client.options.credentials);
    client.options = options;
    Ok(client)
}

fn scopes(field: &'static str, text: &str) -> Result<ScopeSet> {
    match ScopeSet::parse(&text.split_whitespace().collect::<Vec<_>>().join(" ")) {
        Ok(scopes) => Ok(scopes),
        Err(error) => invalid(field, error.to_string()),
    }
}

/// Options as they are stored and shown: without what has its default.
///
/// # Errors
/// [`AdminError::Invalid`].
pub(crate) fn as_stored(given: &Map<String, Value>) -> Result<Map<String, Value>> {
    read_options(given).map(|options| open_options(&options))
}

/// Options, each known: a slip of the pen is not silently ignored.
fn read_options(given: &Map<String, Value>) -> Result<ClientOptions> {
    if OWN.iter().any(|own| given.contains_key(*own)) {
        return invalid("options", "secrets and keys with switches are not set here");
    }
    let options: ClientOptions = match serde_json::from_value(Value::Object(given.clone())) {
        Ok(options) => options,
        Err(error) => return invalid("options", error.to_string()),
    };
    let known = open_options(&options);
    // What has its default is not written back; but a name that is read at all refuses a value that fits nothing.
    let is_read = |key: &String| {
        serde_json::from_value::<ClientOptions>(Value::Object(Map::from_iter([(key.clone(), Value::from(-0.5))])))
            .is_err()
    };
    match given.keys().find(|key| !known.contains_key(*key) && !is_read(key)) {
        Some(key) => invalid("options", format!("there is no option {key}")),
        None => Ok(options),
    }
}
