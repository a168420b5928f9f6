//! What `bearward serve --demo` loads: accounts to try things out with. Everyone knows their secrets, so the server
//! refuses to load them on any address but loopback.

mod flows;

use crate::admin::{Actor, NOTHING, change};
use crate::env::Env;
use crate::model::{
    Account, Change, Client, ClientAuthMethod, ClientOptions, Digest, GrantType, Person, Role, Scope, Versioned,
};
use crate::passwords::{PasswordError, Passwords};
use crate::secret::random_id;
use crate::storage::{Store, StoreError};
use bearward_token::scope::{ScopeError, ScopeSet};
use zeroize::Zeroizing;

const USERNAME: &str = "alice";
const PASSWORD: &str = "alice-demo-password";
const ADMIN: &str = "admin";
const ADMIN_PASSWORD: &str = "admin-demo-password";
const REDIRECT_URI: &str = "http://127.0.0.1:8400/callback";
const SCOPES: [(&str, &str, &str); 2] = [
    ("orders:read", "Read your orders", "See the orders you placed and where they are."),
    ("orders:write", "Change your orders", "Place orders for you, change them and call them off."),
];
const DEFAULT_SCOPE: &str = "orders:read";

/// Why demo data is not there.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A scope of the table above.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

/// Adds what is not there yet; what is there stays as it is.
///
/// # Errors
/// [`DemoError`].
pub async fn load(store: &dyn Store, passwords: &Passwords, env: &Env) -> Result<(), DemoError> {
    for (name, title, description) in SCOPES {
        scope(store, env, name, title, description).await?;
    }
    use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
    let web = [AuthorizationCode, RefreshToken];
    for (id, name, secret, grants) in [
        ("demo-service", "Demo Service", Some("demo-service-secret"), &[ClientCredentials][..]),
        ("demo-web", "Demo Web Shop", Some("demo-web-secret"), &web),
        ("demo-spa", "Demo App", None, &web),
    ] {
        let redirects = grants.contains(&AuthorizationCode);
        let client = Client {
            id: id.to_owned(),
            name: name.to_owned(),
            auth_method: if secret.is_some() { ClientAuthMethod::ClientSecret } else { ClientAuthMethod::None },
            secret: secret.map(Digest::of),
            sealed_secret: None,
            grant_types: grants.to_vec(),
            redirect_uris: if redirects { vec![REDIRECT_URI.to_owned()] } else { Vec::new() },
            scopes: ScopeSet::parse(&SCOPES.map(|(name, ..)| name).join(" "))?,
            default_scopes: ScopeSet::parse(DEFAULT_SCOPE)?,
            audience: Vec::new(),
            options: ClientOptions::default(),
            disabled_at: None,
            created_at: env.now(),
        };
        register(store, env, client).await?;
    }
    let scopes = ScopeSet::parse(&SCOPES.map(|(name, ..)| name).join(" "))?;
    flows::load(store, env, REDIRECT_URI, &scopes, &ScopeSet::parse(DEFAULT_SCOPE)?).await?;
    let description = "See and change clients, people, keys and everything else here.";
    scope(store, env, crate::admin::SCOPE, "Administer this server", description).await?;
    person(store, passwords, env, (USERNAME, PASSWORD), Role::Person).await?;
    person(store, passwords, env, (ADMIN, ADMIN_PASSWORD), Role::Admin).await
}

async fn scope(store: &dyn Store, env: &Env, name: &str, title: &str, description: &str) -> Result<(), StoreError> {
    let scope = Scope { name: name.to_owned(), title: title.to_owned(), description: description.to_owned() };
    let change = made(env, ("scope.create", "scope", name));
    store.add_scope(&Versioned::new(scope, &*env.random), &change).await.map(drop)
}

async fn register(store: &dyn Store, env: &Env, client: Client) -> Result<(), StoreError> {
    let change = made(env, ("client.create", "client", &client.id));
    unless_there(store.register_client(&Versioned::new(client, &*env.random), &change).await)
}

/// The entry of the audit log for what is made here.
fn made(env: &Env, what: (&'static str, &'static str, &str)) -> Change {
    let actor = Actor { kind: "server", id: "demo".to_owned(), address: None };
    change(env, &actor, what, NOTHING, NOTHING)
}

async fn person(
    store: &dyn Store,
    passwords: &Passwords,
    env: &Env,
    (username, password): (&str, &str),
    role: Role,
) -> Result<(), DemoError> {
    // Asked first: a hash costs more than everything else here.
    if store.person_by_username(username).await?.is_some() {
        return Ok(());
    }
    let person = Person {
        id: random_id(&*env.random),
        username: username.to_owned(),
        password_hash: passwords.hash(Zeroizing::new(password.to_owned())).await?,
        disabled_at: None,
        created_at: env.now(),
    };
    let change = made(env, ("person.create", "person", &person.id));
    let account = Account { person, role, password_at: None, totp: false, passkeys: 0 };
    Ok(unless_there(store.add_account(&Versioned::new(account, &*env.random), &change).await)?)
}

fn unless_there(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Exists(_)) => Ok(()),
        other => other,
    }
}
