//! `bearward client secret`.

use super::failure::Failure;
use super::{Context, Output, as_json, print_json, table};
use crate::admin::{NewSecret, SecretEdit};
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make another secret, shown this once. The others stay good, for as long as --others-expire-in says.
    Add {
        /// The client_id.
        id: String,
        /// What to call it.
        #[arg(long, default_value = "")]
        label: String,
        /// Rotation: every other secret stops being good after so many seconds.
        #[arg(long, value_name = "SECONDS")]
        others_expire_in: Option<u32>,
        #[command(flatten)]
        output: Output,
    },
    /// List a client's secrets, without what is secret about them.
    List {
        /// The client_id.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Switch a secret on.
    Enable {
        /// The client_id.
        id: String,
        /// The secret's id, as the list shows it.
        secret: String,
    },
    /// Switch a secret off.
    Disable {
        /// The client_id.
        id: String,
        /// The secret's id, as the list shows it.
        secret: String,
    },
    /// Delete a secret; the last one stays.
    Delete {
        /// The client_id.
        id: String,
        /// The secret's id, as the list shows it.
        secret: String,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let admin = context.admin();
    match command {
        Command::Add { id, label, others_expire_in, output } => {
            let new = NewSecret { label, expires_at: None, others_expire_in };
            let (_, shown) = admin.add_secret(&id, new).await?;
            if output.json {
                print_json(&as_json(&shown)?);
            } else {
                println!("secret         {}\nclient_secret  {}", shown.id, shown.client_secret);
                println!("\nKeep it now: only its digest is stored, so it cannot be shown again.");
            }
        }
        Command::List { id, output } => {
            let secrets = admin.client(&id).await?.secrets;
            if output.json {
                print_json(&as_json(&secrets)?);
            } else {
                let rows = secrets.into_iter().map(|secret| {
                    let state = if secret.disabled_at.is_some() { "off" } else { "on" };
                    let [until, used] = [secret.expires_at, secret.used_at].map(table::at_or_none);
                    [secret.id, state.to_owned(), table::at(secret.created_at), until, used, secret.label]
                });
                table::print(["secret", "state", "made", "until", "last used", "label"], rows);
            }
        }
        Command::Enable { id, secret } => {
            admin.set_secret(&id, &secret, &SecretEdit { enabled: true }).await?;
            println!("The secret {secret} is on.");
        }
        Command::Disable { id, secret } => {
            admin.set_secret(&id, &secret, &SecretEdit { enabled: false }).await?;
            println!("The secret {secret} is off.");
        }
        Command::Delete { id, secret } => {
            admin.delete_secret(&id, &secret).await?;
            println!("The secret {secret} is deleted.");
        }
    }
    Ok(())
}
