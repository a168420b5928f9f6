//! `bearward client`.

use super::failure::Failure;
use super::{Context, Output, print_json, redirect_uri};
use crate::grants::{CLOCK_MARGIN, seconds};
use crate::model::{Client, ClientAuthMethod, ClientOptions, Digest, GrantType, Revocation};
use crate::secret::{CLIENT_SECRET, generate, random_id};
use bearward_token::feed::Subject;
use bearward_token::scope::ScopeSet;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

/// A server may have read the client just before it is disabled, and sign a token just after. So tokens issued up to
/// this many seconds later are revoked as well.
const DISABLE_MARGIN: i64 = 5;
const PAGE: u32 = 1000;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Register a client. A secret is made and shown, this once.
    Create(Create),
    /// List the clients.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Refuse a client, and every token it has, from now on.
    Disable {
        /// Its client_id.
        id: String,
    },
    /// Let a disabled client ask for tokens again; those it had stay revoked.
    Enable {
        /// Its client_id.
        id: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// Its client_id: letters, digits and -._~ (default: random).
    id: Option<String>,
    /// What people see on the consent page (default: the client_id).
    #[arg(long)]
    name: Option<String>,
    /// A client that cannot keep a secret, such as an app or a page in the browser; it has to use PKCE.
    #[arg(long)]
    public: bool,
    /// A grant it may use; several times for several.
    #[arg(long = "grant", value_enum, required = true)]
    grants: Vec<Grant>,
    /// Where people are sent back to after consent; several times for several.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// A scope it may ask for; several times, or several in one, separated by spaces.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A scope it gets when it asks for none (default: none, so it has to ask).
    #[arg(long = "default-scope", value_name = "SCOPE")]
    default_scopes: Vec<String>,
    /// The aud of its tokens; several times for several (default: tokens.audience).
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Grant {
    AuthorizationCode,
    ClientCredentials,
    RefreshToken,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) => self::create(context, create).await,
        Command::List { output } => list(context, output).await,
        Command::Disable { id } => {
            set_disabled(context, &id, true).await?;
            println!("{id} is disabled: it gets no tokens, and those it has are revoked.");
            Ok(())
        }
        Command::Enable { id } => {
            set_disabled(context, &id, false).await?;
            println!("{id} can ask for tokens again; those it had before it was disabled stay revoked.");
            Ok(())
        }
    }
}

async fn create(context: &Context, create: Create) -> Result<(), Failure> {
    let output = create.output;
    let secret = (!create.public).then(|| generate(&*context.env.random, CLIENT_SECRET));
    let client = client(context, create, secret.as_ref().map(|s| Digest::of(s))).await?;
    context.store.create_client(&client).await?;
    if output.json {
        let mut value = describe(&client)?;
        if let (Some(secret), Some(object)) = (&secret, value.as_object_mut()) {
            object.insert("client_secret".to_owned(), secret.as_str().into());
        }
        print_json(&value);
        return Ok(());
    }
    println!("client_id      {}", client.id);
    if let Some(secret) = secret {
        println!("client_secret  {}", secret.as_str());
        println!("\nKeep the secret now: only its digest is stored, so it cannot be shown again.");
    }
    Ok(())
}

/// A client that holds together.
async fn client(context: &Context, create: Create, secret: Option<Digest>) -> Result<Client, Failure> {
    let id = create.id.unwrap_or_else(|| random_id(&*context.env.random));
    let id_is_good = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(id_is_good) {
        return Err(Failure::new("a client_id is 1 to 128 letters, digits and -._~"));
    }
    let has = |grant| create.grants.contains(&grant);
    if create.public && has(Grant::ClientCredentials) {
        return Err(Failure::new(
            "a public client cannot use client_credentials: it has no secret (RFC 6749 section 4.4)",
        ));
    }
    if has(Grant::RefreshToken) && !has(Grant::AuthorizationCode) {
        return Err(Failure::new("refresh_token goes with authorization_code: only that gives refresh tokens"));
    }
    if has(Grant::AuthorizationCode) == create.redirect_uris.is_empty() {
        return Err(Failure::new("authorization_code and --redirect-uri go together: give both or neither"));
    }
    for uri in &create.redirect_uris {
        redirect_uri::check(uri).map_err(|problem| Failure::new(format!("redirect URI {uri}: {problem}")))?;
    }
    let scopes = scopes(&create.scopes)?;
    let default_scopes = scopes_within(&create.default_scopes, &scopes)?;
    let known = context.store.scopes().await?;
    if let Some(unknown) = scopes.iter().find(|name| !known.iter().any(|s| s.name == *name)) {
        let hint = format!("add it first: bearward scope set {unknown} --title \"What people see\"");
        return Err(Failure::new(format!("there is no scope {unknown}; {hint}")));
    }
    if create.audience.iter().any(String::is_empty) {
        return Err(Failure::new("an audience cannot be empty"));
    }
    let mut grant_types = Vec::new();
    for (grant, grant_type) in [
        (Grant::AuthorizationCode, GrantType::AuthorizationCode),
        (Grant::ClientCredentials, GrantType::ClientCredentials),
        (Grant::RefreshToken, GrantType::RefreshToken),
    ] {
        if has(grant) {
            grant_types.push(grant_type);
        }
    }
    Ok(Client {
        name: create.name.unwrap_or_else(|| id.clone()),
        id,
        auth_method: if create.public { ClientAuthMethod::None } else { ClientAuthMethod::ClientSecret },
        secret,
        grant_types,
        redirect_uris: create.redirect_uris,
        scopes,
        default_scopes,
        audience: create.audience,
        options: ClientOptions::default(),
        disabled_at: None,
        created_at: context.env.now(),
    })
}

fn scopes(given: &[String]) -> Result<ScopeSet, Failure> {
    ScopeSet::parse(&given.join(" ")).map_err(|e| Failure::new(e.to_string()))
}

fn scopes_within(given: &[String], all: &ScopeSet) -> Result<ScopeSet, Failure> {
    let set = scopes(given)?;
    let outside = set.difference(all);
    if outside.is_empty() {
        Ok(set)
    } else {
        Err(Failure::new(format!("--default-scope {outside} needs --scope {outside}")))
    }
}

async fn list(context: &Context, output: Output) -> Result<(), Failure> {
    let mut clients: Vec<Client> = Vec::new();
    loop {
        let page = context.store.clients(clients.last().map(|c| c.id.as_str()), PAGE).await?;
        if page.is_empty() {
            break;
        }
        clients.extend(page);
    }
    if output.json {
        let clients = clients.iter().map(describe).collect::<Result<Vec<_>, _>>()?;
        print_json(&clients.into());
        return Ok(());
    }
    for client in clients {
        let state = if client.disabled_at.is_some() { "disabled" } else { "enabled" };
        let kind = if client.secret.is_some() { "confidential" } else { "public" };
        println!("{}\t{}\t{kind}\t{state}\t{}", client.id, client.name, client.scopes);
    }
    Ok(())
}

async fn set_disabled(context: &Context, id: &str, disabled: bool) -> Result<(), Failure> {
    let now = context.env.now();
    let cutoff = now + DISABLE_MARGIN;
    let expires_at = cutoff + seconds(context.config.tokens.access_lifetime) + CLOCK_MARGIN;
    let revocation = disabled.then(|| Revocation::up_to(Subject::Client(id), cutoff, now, expires_at));
    match context.store.set_client_disabled(id, revocation.as_ref()).await? {
        true => Ok(()),
        false => Err(Failure::new(format!("there is no client {id}; bearward client list shows those there are"))),
    }
}

fn describe(client: &Client) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(client).map_err(|e| Failure::new(e.to_string()))?;
    if let Some(object) = value.as_object_mut() {
        // The name that RFC 7591 gives it.
        let id = object.remove("id").unwrap_or_default();
        object.insert("client_id".to_owned(), id);
        object.insert("confidential".to_owned(), json!(client.secret.is_some()));
    }
    Ok(value)
}
