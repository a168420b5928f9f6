//! `bearward client key`.

use super::failure::Failure;
use super::{Context, Output, as_json, print_json, table};
use crate::admin::{ClientKeyView, NewKeys, SecretEdit};
use clap::Subcommand;
use std::io::Read as _;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add public keys, beside those it has: a JWK Set, a JWK, or public keys or certificates in PEM.
    Add {
        /// The client_id.
        id: String,
        /// The file; standard input if left out.
        file: Option<PathBuf>,
        /// What to call them.
        #[arg(long, default_value = "")]
        label: String,
        #[command(flatten)]
        output: Output,
    },
    /// List a client's keys by their thumbprints.
    List {
        /// The client_id.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Switch a key on.
    Enable {
        /// The client_id.
        id: String,
        /// The key's thumbprint, as the list shows it.
        key: String,
    },
    /// Switch a key off.
    Disable {
        /// The client_id.
        id: String,
        /// The key's thumbprint, as the list shows it.
        key: String,
    },
    /// Remove a key.
    Delete {
        /// The client_id.
        id: String,
        /// The key's thumbprint, as the list shows it.
        key: String,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let admin = context.admin();
    match command {
        Command::Add { id, file, label, output } => {
            let mut keys = String::new();
            match file {
                None => drop(std::io::stdin().read_to_string(&mut keys)?),
                Some(file) => {
                    let read = std::fs::read_to_string(&file);
                    keys = read.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
                }
            }
            print(&admin.add_keys(&id, NewKeys { label, keys }).await?.keys, output)?;
        }
        Command::List { id, output } => print(&admin.client(&id).await?.keys, output)?,
        Command::Enable { id, key } => {
            admin.set_key(&id, &key, &SecretEdit { enabled: true }).await?;
            println!("The key {key} is on.");
        }
        Command::Disable { id, key } => {
            admin.set_key(&id, &key, &SecretEdit { enabled: false }).await?;
            println!("The key {key} is off.");
        }
        Command::Delete { id, key } => {
            admin.delete_key(&id, &key).await?;
            println!("The key {key} is removed.");
        }
    }
    Ok(())
}

fn print(keys: &[ClientKeyView], output: Output) -> Result<(), Failure> {
    if output.json {
        print_json(&as_json(&keys)?);
        return Ok(());
    }
    let rows = keys.iter().map(|key| {
        let state = if key.disabled_at.is_some() { "off" } else { "on" };
        [
            key.id.clone(),
            state.to_owned(),
            format!("{} {}", key.kind, key.form),
            table::at(key.created_at),
            table::at_or_none(key.used_at),
            table::at_or_none(key.not_after),
            key.label.clone(),
        ]
    });
    table::print(["key", "state", "kind", "added", "last used", "certificate until", "label"], rows);
    Ok(())
}
