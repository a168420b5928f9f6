//! `bearward registration-token`.

use super::failure::Failure;
use super::{Context, Output, print_json};
use bearward_token::scope::ScopeSet;
use clap::Subcommand;
use serde_json::json;

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
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let Command::Create { note, scopes, uses, days, output } = command;
    let scopes = ScopeSet::parse(&scopes.join(" ")).map_err(|e| Failure::new(e.to_string()))?;
    let made = context.admin().create_registration_token(note, scopes, uses, i64::from(days) * DAY).await;
    let (token, expires_at) = made?;
    if output.json {
        print_json(&json!({ "initial_access_token": token.as_str(), "expires_at": expires_at }));
        return Ok(());
    }
    println!("initial_access_token  {}", token.as_str());
    println!("\nKeep the token now: only its digest is stored, so it cannot be shown again.");
    if !context.config.registration.enabled {
        println!("Registration is off: set registration.enabled to true.");
    }
    Ok(())
}
