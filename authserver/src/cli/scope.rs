//! `bearward scope`.

use super::failure::Failure;
use super::{Context, Output, print_json, table};
use crate::admin::ScopeSpec;
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
    /// Delete a scope.
    Delete {
        /// The scope.
        name: String,
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
            context.admin().put_scope(ScopeSpec { name: name.clone(), title, description }).await?;
            println!("Scope {name} is set.");
        }
        Command::Delete { name } => {
            let scope = context.admin().scope(&name).await?;
            context.admin().delete_scope(&name, scope.version).await?;
            println!("Scope {name} is deleted.");
        }
        Command::List { output } => {
            let scopes = context.store.scopes().await?;
            if output.json {
                print_json(&serde_json::to_value(&scopes).map_err(|e| Failure::new(e.to_string()))?);
            } else {
                let rows = scopes.into_iter().map(|scope| [scope.name, scope.title, scope.description]);
                table::print(["scope", "title", "description"], rows);
            }
        }
    }
    Ok(())
}
