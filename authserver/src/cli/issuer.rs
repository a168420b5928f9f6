//! `bearward issuer`.

use super::failure::Failure;
use super::{Context, Output, print_json, table};
use crate::admin::{IssuerSpec, IssuerView};
use crate::jwt::KeySet;
use crate::model::{AssertionKind, Keys, Subjects};
use crate::saml;
use bearward_token::scope::ScopeSet;
use clap::Subcommand;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Trust an issuer's assertions as grants (RFC 7523, RFC 7522), or change what is trusted.
    Add(Add),
    /// List the issuers.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Trust an issuer no more. Tokens that it brought stay good until they expire or are revoked.
    Remove {
        /// Its iss, or its entity ID.
        issuer: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Add {
    /// Its iss, compared exactly; with --saml, its entity ID.
    issuer: String,
    /// It makes SAML 2.0 assertions, not JWTs. Its keys are certificates then.
    #[arg(long, conflicts_with_all = ["jwks_file", "jwks_uri"])]
    saml: bool,
    /// A file with its X.509 certificate in PEM, which is pinned; several times while keys change.
    #[arg(long = "certificate-file", value_name = "FILE")]
    certificate_files: Vec<PathBuf>,
    /// A file with its JWK Set.
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    /// Where its JWK Set is.
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Subjects need not be people of this server: the sub of tokens is the issuer, a # and the assertion's subject.
    #[arg(long)]
    any_subject: bool,
    /// The most that its assertions can give; several times, or several in one (default: what the client may have).
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A client that may bring its assertions; several times (default: each that is registered for the grant).
    #[arg(long = "client", value_name = "CLIENT_ID")]
    clients: Vec<String>,
    /// A claim or attribute of its assertions that goes into tokens, as department=dept, the token's name first; several
    /// times (default: none).
    #[arg(long = "claim-from", value_name = "NAME=SOURCE")]
    claims: Vec<String>,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(add) => self::add(context, add).await,
        Command::List { output } => list(context, output).await,
        Command::Remove { issuer } => {
            let version = context.admin().issuer(&issuer).await?.version;
            context.admin().remove_issuer(&issuer, version).await?;
            println!("{issuer} is trusted no more.");
            Ok(())
        }
    }
}

async fn add(context: &Context, add: Add) -> Result<(), Failure> {
    if add.issuer.is_empty() || add.issuer.len() > 1024 || add.issuer.contains(char::is_control) {
        return Err(Failure::new("an issuer is 1 to 1024 bytes, without control characters"));
    }
    let kind = if add.saml { AssertionKind::Saml } else { AssertionKind::Jwt };
    let keys = keys(&add, kind)?;
    let scopes = add.scopes.join(" ");
    let scopes = ScopeSet::parse(&scopes).map_err(|error| Failure::new(format!("--scope: {error}")))?;
    for id in &add.clients {
        if context.store.client(id).await?.is_none() {
            return Err(Failure::new(format!("--client: there is no client {id}; bearward client list shows them")));
        }
    }
    let pair = |text: &String| text.split_once('=').map(|(name, source)| (name.to_owned(), source.to_owned()));
    let claims = add.claims.iter().map(|text| {
        pair(text).ok_or_else(|| Failure::new(format!("--claim-from {text}: NAME=SOURCE, the token's name first")))
    });
    let spec = IssuerSpec {
        issuer: add.issuer.clone(),
        kind,
        keys,
        subjects: if add.any_subject { Subjects::Any } else { Subjects::People },
        scope: (!scopes.is_empty()).then(|| scopes.to_string()),
        clients: add.clients,
        claims: claims.collect::<Result<_, _>>()?,
    };
    context.admin().put_issuer(spec).await?;
    println!("{} is trusted.", add.issuer);
    Ok(())
}

fn keys(add: &Add, kind: AssertionKind) -> Result<Keys, Failure> {
    let certificates = add.certificate_files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    for (file, certificate) in add.certificate_files.iter().zip(&certificates) {
        let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", file.display()));
        match kind {
            AssertionKind::Saml => saml::Key::from_certificate(certificate).map(drop).map_err(|e| wrong(&e))?,
            AssertionKind::Jwt => {
                KeySet::from_certificates([certificate.as_str()]).map(drop).map_err(|e| wrong(&e))?;
            }
        }
    }
    let jwks = match &add.jwks_file {
        None => None,
        Some(file) => {
            let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", file.display()));
            let set = serde_json::from_str(&read(file)?).map_err(|e| wrong(&e))?;
            KeySet::from_value(&set).map_err(|e| wrong(&e))?;
            Some(set)
        }
    };
    let keys = Keys { jwks, jwks_uri: add.jwks_uri.clone(), certificates };
    if keys.is_empty() {
        return Err(Failure::new(match kind {
            AssertionKind::Saml => "an issuer is known by its keys: give --certificate-file",
            AssertionKind::Jwt => "an issuer is known by its keys: give --certificate-file, --jwks-file or --jwks-uri",
        }));
    }
    Ok(keys)
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

async fn list(context: &Context, output: Output) -> Result<(), Failure> {
    let issuers = context.admin().issuers().await?;
    if output.json {
        print_json(&serde_json::to_value(&issuers).map_err(|e| Failure::new(e.to_string()))?);
        return Ok(());
    }
    let rows = issuers.into_iter().map(|IssuerView { issuer, kind, scope, clients, .. }| {
        let kind = match kind {
            AssertionKind::Jwt => "JWT",
            AssertionKind::Saml => "SAML",
        };
        let clients = if clients.is_empty() { "all".to_owned() } else { clients.join(" ") };
        [issuer, kind.to_owned(), scope.unwrap_or_else(|| "any".to_owned()), clients]
    });
    table::print(["issuer", "kind", "scopes", "clients"], rows);
    Ok(())
}
