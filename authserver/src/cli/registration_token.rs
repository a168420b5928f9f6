//! `bearward registration-token`.

use super::failure::Failure;
use super::{Context, Output, as_json, client, print_json, table};
use crate::admin::NewRegistrationToken;
use clap::Subcommand;

const DAY: i64 = 86_400;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an initial access token (RFC 7591): whoever has it can register clients. It is shown this once.
    Create {
        /// What it is for; in the log when it is used.
        #[arg(long, default_value = "")]
        note: String,
        /// A scope that clients registered with it may have; several times, or several in one, separated by spaces.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// How many clients it can register.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        uses: u32,
        /// For how many days it is good.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        #[command(flatten)]
        output: Output,
    },
    /// List those that can still register somebody.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Take one away. The clients that were registered with it stay.
    Revoke {
        /// Its id, as list shows it.
        id: String,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { note, scopes, uses, days, output } => {
            let expires_in = i64::from(days) * DAY;
            let scopes = client::scopes(&scopes)?;
            client::are_known(context, &scopes).await?;
            create(context, NewRegistrationToken { note, scope: scopes.to_string(), uses, expires_in }, output).await
        }
        Command::List { output } => list(context, output).await,
        Command::Revoke { id } => {
            context.admin().revoke_registration_token(&id).await?;
            println!("{id} registers nobody any more.");
            Ok(())
        }
    }
}

async fn create(context: &Context, new: NewRegistrationToken, output: Output) -> Result<(), Failure> {
    let made = context.admin().create_registration_token(new).await?;
    if output.json {
        print_json(&as_json(&made)?);
        return Ok(());
    }
    println!("initial_access_token  {}", made.initial_access_token);
    println!("id                    {}", made.token.id);
    println!("\nKeep the token now: only its digest is stored, so it cannot be shown again.");
    if !context.config.registration.enabled {
        println!("Registration is off: set registration.enabled to true.");
    }
    Ok(())
}

async fn list(context: &Context, output: Output) -> Result<(), Failure> {
    let tokens = context.admin().registration_tokens().await?;
    if output.json {
        print_json(&as_json(&tokens)?);
        return Ok(());
    }
    let rows = tokens
        .into_iter()
        .map(|token| [token.id, token.uses.to_string(), table::at(token.expires_at), token.scope, token.note]);
    table::print(["id", "uses", "good until", "scopes", "note"], rows);
    Ok(())
}
