//! `bearward registration-token`.

use super::failure::Failure;
use super::{Context, Output, print_json};
use crate::model::Digest;
use crate::secret::{INITIAL_ACCESS_TOKEN, generate};
use crate::storage::InitialAccessToken;
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
    let known = context.store.scopes().await?;
    if let Some(unknown) = scopes.iter().find(|name| !known.iter().any(|s| s.name == *name)) {
        let hint = format!("add it first: bearward scope set {unknown} --title \"What people see\"");
        return Err(Failure::new(format!("there is no scope {unknown}; {hint}")));
    }
    let now = context.env.now();
    let token = generate(&*context.env.random, INITIAL_ACCESS_TOKEN);
    let expires_at = now + i64::from(days) * DAY;
    let stored = InitialAccessToken { note, scopes, uses_left: uses, expires_at, created_at: now };
    context.store.put_initial_access_token(&Digest::of(&token), &stored).await?;
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
