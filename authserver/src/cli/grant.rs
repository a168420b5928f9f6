//! `bearward grant`.

use super::failure::Failure;
use super::{Context, Output, as_json, print_json, table};
use crate::model::GrantFilter;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List grants, the newest first.
    List {
        /// Only those of this client.
        #[arg(long, value_name = "ID")]
        client: Option<String>,
        /// Only those of this person, by their sub.
        #[arg(long, value_name = "SUB")]
        person: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Revoke a grant, with every token that came from it.
    Revoke {
        /// The grant's id: the gid of its tokens.
        id: String,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let admin = context.admin();
    match command {
        Command::List { client, person, limit, output } => {
            let filter = GrantFilter { client_id: client, person_id: person };
            let grants = admin.grants(&filter, None, limit).await?.items;
            if output.json {
                print_json(&as_json(&grants)?);
            } else {
                let rows = grants.into_iter().map(|grant| {
                    let state = if grant.revoked_at.is_some() { "revoked" } else { "live" };
                    [grant.id, grant.username, grant.client_id, state.to_owned(), grant.scope]
                });
                table::print(["grant", "person", "client_id", "state", "scopes"], rows);
            }
        }
        Command::Revoke { id } => {
            admin.revoke_grant(&id).await?;
            println!("{id} is revoked, with every token that came from it.");
        }
    }
    Ok(())
}
