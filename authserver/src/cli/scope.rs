//! `bearward scope`.

use super::failure::Failure;
use super::{Context, Output, print_json};
use crate::model::Scope;
use bearward_token::scope::is_scope_token;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a scope, or change the words people see for it.
    Set {
        /// The scope, such as orders:read.
        name: String,
        /// A short title: "Read your orders".
        #[arg(long)]
        title: String,
        /// One sentence more.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List the scopes.
    List {
        #[command(flatten)]
        output: Output,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Set { name, title, description } => {
            if !is_scope_token(&name) {
                return Err(Failure::new(
                    "a scope is printable ASCII without space, double quote and backslash (RFC 6749 section 3.3)",
                ));
            }
            if title.trim().is_empty() {
                return Err(Failure::new("--title is what people see on the consent page; it cannot be empty"));
            }
            context.store.put_scope(&Scope { name: name.clone(), title, description }).await?;
            println!("Scope {name} is set.");
        }
        Command::List { output } => {
            let scopes = context.store.scopes().await?;
            if output.json {
                print_json(&serde_json::to_value(&scopes).map_err(|e| Failure::new(e.to_string()))?);
            } else {
                scopes.iter().for_each(|s| println!("{}\t{}\t{}", s.name, s.title, s.description));
            }
        }
    }
    Ok(())
}
