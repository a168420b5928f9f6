//! `bearward client`.

use super::client_options::TokenOptions;
use super::client_proof::ProofOptions;
use super::failure::Failure;
use super::{Context, Output, as_json, client_key, print_json, redirect_uri, secret, table};
use crate::admin::ClientSpec;
use crate::client_auth::seal_secret;
use crate::keys::{Sealer, lifecycle};
use crate::model::{Client, ClientAuthMethod, Digest, GrantType};
use crate::secret::{CLIENT_SECRET, generate, random_id};
use bearward_token::scope::ScopeSet;
use clap::builder::PossibleValue;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

const PAGE: u32 = 1000;
/// The grants in which a person takes part once, so that what they granted can be refreshed without them.
const GIVE_REFRESH_TOKENS: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::Password, GrantType::DeviceCode];

#[derive(Subcommand)]
pub(super) enum Command {
    /// Register a client. A secret is made and shown, this once.
    Create(Box<Create>),
    /// List the clients.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show a client.
    Show {
        /// Its client_id.
        id: String,
    },
    /// Replace what a client is registered with by what a file says; its secrets and keys stay.
    Edit {
        /// Its client_id.
        id: String,
        /// A YAML or JSON file with what `client show` shows and apply takes: auth_method, grant_types, scope and so on.
        file: std::path::PathBuf,
    },
    /// Delete a client with its grants and consents; its tokens are revoked.
    Delete {
        /// Its client_id.
        id: String,
    },
    /// A client's secrets: several at once, each with its own switch.
    #[command(subcommand)]
    Secret(secret::Command),
    /// A client's public keys: several at once, each with its own switch.
    #[command(subcommand)]
    Key(client_key::Command),
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
    /// How it proves itself, if it is not public.
    #[arg(long, value_enum, value_name = "METHOD", default_value = "client_secret", conflicts_with = "public")]
    auth_method: ClientAuthMethod,
    /// A grant it may use; several times for several.
    #[arg(long = "grant", value_enum, required = true)]
    grants: Vec<GrantType>,
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
    proof: ProofOptions,
    #[command(flatten)]
    tokens: TokenOptions,
    #[command(flatten)]
    output: Output,
}

impl ValueEnum for GrantType {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    /// The name on the wire; of an extension grant, also what comes last in it.
    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.wire_name());
        Some(match self.wire_name().rsplit_once(':') {
            Some((_, short)) => value.alias(short),
            None => value,
        })
    }
}

impl ValueEnum for ClientAuthMethod {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.wire_name()))
    }
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) => self::create(context, *create).await,
        Command::List { output } => list(context, output).await,
        Command::Show { id } => {
            print_json(&as_json(&context.admin().client(&id).await?)?);
            Ok(())
        }
        Command::Edit { id, file } => {
            let shown = file.display();
            let text = std::fs::read_to_string(&file).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
            let spec: ClientSpec =
                serde_yaml_ng::from_str(&text).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
            let admin = context.admin();
            let version = admin.client(&id).await?.version;
            admin.edit_client(&id, version, spec).await?;
            println!("{id} is changed.");
            Ok(())
        }
        Command::Delete { id } => {
            let client = context.admin().client(&id).await?;
            context.admin().delete_client(&id, client.version).await?;
            println!("{id} is deleted, and every token it had is revoked.");
            Ok(())
        }
        Command::Key(command) => client_key::run(context, command).await,
        Command::Secret(command) => secret::run(context, command).await,
        Command::Disable { id } => {
            context.admin().set_client_disabled(&id, true).await?;
            println!("{id} is disabled: it gets no tokens, and those it has are revoked.");
            Ok(())
        }
        Command::Enable { id } => {
            context.admin().set_client_disabled(&id, false).await?;
            println!("{id} can ask for tokens again; those it had before it was disabled stay revoked.");
            Ok(())
        }
    }
}

async fn create(context: &Context, create: Create) -> Result<(), Failure> {
    let output = create.output;
    let method = if create.public { ClientAuthMethod::None } else { create.auth_method };
    let has_secret = method.shows_secret() || method == ClientAuthMethod::ClientSecretJwt;
    let secret = has_secret.then(|| generate(&*context.env.random, CLIENT_SECRET));
    let mut client = client(context, create, method).await?;
    match &secret {
        Some(secret) if method.shows_secret() => client.secret = Some(Digest::of(secret)),
        Some(secret) => {
            let sealer = Sealer::of(&context.config);
            lifecycle::check_master_key(&*context.store, &sealer).await?;
            client.sealed_secret = Some(seal_secret(&sealer, &client.id, secret)?);
        }
        None => {}
    }
    context.admin().register_client(client.clone()).await?;
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
        println!("\nKeep the secret now: it is not stored readable, so it cannot be shown again.");
    }
    Ok(())
}

/// A client that holds together.
async fn client(context: &Context, create: Create, auth_method: ClientAuthMethod) -> Result<Client, Failure> {
    let id = create.id.unwrap_or_else(|| random_id(&*context.env.random));
    let id_is_good = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(id_is_good) {
        return Err(Failure::new("a client_id is 1 to 128 letters, digits and -._~"));
    }
    let has = |grant| create.grants.contains(&grant);
    if auth_method == ClientAuthMethod::None && has(GrantType::ClientCredentials) {
        return Err(Failure::new(
            "a public client cannot use client_credentials: it has no secret (RFC 6749 section 4.4)",
        ));
    }
    if auth_method == ClientAuthMethod::None && has(GrantType::TokenExchange) {
        return Err(Failure::new("a public client cannot use token-exchange: it cannot prove who it is"));
    }
    if has(GrantType::RefreshToken) && !create.grants.iter().any(|grant| GIVE_REFRESH_TOKENS.contains(grant)) {
        return Err(Failure::new(
            "refresh_token goes with authorization_code, password or device_code: only those give refresh tokens",
        ));
    }
    let redirects = has(GrantType::AuthorizationCode) || has(GrantType::Implicit);
    if redirects == create.redirect_uris.is_empty() {
        return Err(Failure::new(
            "authorization_code (or implicit) and --redirect-uri go together: give both or neither",
        ));
    }
    for uri in &create.redirect_uris {
        redirect_uri::check(uri).map_err(|problem| Failure::new(format!("redirect URI {uri}: {problem}")))?;
    }
    let scopes = scopes(&create.scopes)?;
    let default_scopes = scopes_within(&create.default_scopes, &scopes)?;
    are_known(context, &scopes).await?;
    if create.audience.iter().any(String::is_empty) {
        return Err(Failure::new("an audience cannot be empty"));
    }
    let types: Vec<_> = context.store.authorization_types().await?.into_iter().map(|kind| kind.name).collect();
    let grant_types = GrantType::ALL.iter().copied().filter(|grant| has(*grant)).collect();
    Ok(Client {
        name: create.name.unwrap_or_else(|| id.clone()),
        id,
        auth_method,
        secret: None,
        sealed_secret: None,
        grant_types,
        redirect_uris: create.redirect_uris,
        scopes,
        default_scopes,
        audience: create.audience,
        options: create.tokens.onto(create.proof.build(auth_method)?, &types)?,
        disabled_at: None,
        created_at: context.env.now(),
    })
}

/// Refuses scopes that there are not, and says how to add one.
pub(super) async fn are_known(context: &Context, scopes: &ScopeSet) -> Result<(), Failure> {
    let known = context.store.scopes().await?;
    let Some(unknown) = scopes.iter().find(|name| !known.iter().any(|s| s.name == *name)) else { return Ok(()) };
    let hint = format!("add it first: bearward scope set {unknown} --title \"What people see\"");
    Err(Failure::new(format!("there is no scope {unknown}; {hint}")))
}

pub(super) fn scopes(given: &[String]) -> Result<ScopeSet, Failure> {
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
    let rows = clients.into_iter().map(|client| {
        let state = if client.disabled_at.is_some() { "disabled" } else { "enabled" };
        let kind = if client.auth_method == ClientAuthMethod::None { "public" } else { "confidential" };
        [client.id, client.name, kind.to_owned(), state.to_owned(), client.scopes.to_string()]
    });
    table::print(["client_id", "name", "kind", "state", "scopes"], rows);
    Ok(())
}

fn describe(client: &Client) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(client).map_err(|e| Failure::new(e.to_string()))?;
    if let Some(object) = value.as_object_mut() {
        for secrets in ["first_secret", "more_secrets"] {
            object.remove(secrets);
        }
        // The name that RFC 7591 gives it.
        let id = object.remove("id").unwrap_or_default();
        object.insert("client_id".to_owned(), id);
        object.insert("confidential".to_owned(), json!(client.auth_method != ClientAuthMethod::None));
    }
    Ok(value)
}
