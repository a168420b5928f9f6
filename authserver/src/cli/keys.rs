//! `bearward keys`.

use super::failure::Failure;
use super::{Context, Output, print_json, table};
use crate::admin::RotateSpec;
use crate::env::Env;
use crate::keys::lifecycle::{self, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::json;
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the signing keys.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Let the next key sign, once it has been published for keys.publish_ahead, and publish a new next one.
    Rotate {
        /// Let it sign at once: for an emergency. Verifiers that have not seen it yet fetch the key set again.
        #[arg(long)]
        now: bool,
        /// Which keys: those of one of keys.more_algorithms; the usual ones if left out.
        #[arg(long, value_name = "ALG")]
        algorithm: Option<String>,
    },
    /// Print a new master key; it needs no configuration.
    GenerateMaster,
    /// Seal under master_key what other_master_key sealed: the last step before the old key can go.
    Reseal,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { output } => list(context, output).await,
        Command::Rotate { now, algorithm } => rotate(context, RotateSpec { now, algorithm }).await,
        Command::GenerateMaster => generate_master(&context.env),
        Command::Reseal => reseal(context).await,
    }
}

pub(super) fn generate_master(env: &Env) -> Result<(), Failure> {
    let mut key = Zeroizing::new([0; 32]);
    env.random.fill(key.as_mut());
    println!("{}", Zeroizing::new(STANDARD.encode(*key)).as_str());
    Ok(())
}

async fn reseal(context: &Context) -> Result<(), Failure> {
    if context.config.other_master_key.is_none() {
        return Err(Failure::new("other_master_key is not set: it is the key that was master_key until now"));
    }
    let resealed = context.admin().reseal().await?;
    println!(
        "{resealed} sealed anew. Nothing is left under other_master_key: take it out everywhere, then destroy it."
    );
    Ok(())
}

async fn list(context: &Context, output: Output) -> Result<(), Failure> {
    let keys = context.store.signing_keys().await?;
    let states = lifecycle::states(&keys, context.env.now());
    let rows = keys.iter().zip(states);
    if output.json {
        let keys = rows.map(|(key, state)| {
            json!({
                "kid": key.kid, "alg": key.alg, "state": state,
                "published_at": key.published_at, "activates_at": key.activates_at,
            })
        });
        print_json(&keys.collect());
        return Ok(());
    }
    let rows = rows.map(|(key, state)| {
        let state = match state {
            State::Next => "next",
            State::Active => "active",
            State::Retired => "retired",
        };
        let alg = key.alg.to_string();
        [key.kid.clone(), alg, state.to_owned(), table::at(key.published_at), table::at_or_none(key.activates_at)]
    });
    table::print(["kid", "alg", "state", "published", "signs from"], rows);
    Ok(())
}

async fn rotate(context: &Context, spec: RotateSpec) -> Result<(), Failure> {
    let rotated = context.admin().rotate_keys(spec).await?;
    let now = context.env.now();
    match (rotated.kid, rotated.activates_at) {
        (Some(kid), Some(at)) if at <= now => println!("{kid} signs now."),
        (Some(kid), Some(at)) => println!("{kid} signs in {} s.", at.saturating_sub(now)),
        _ => println!("Another rotation began at the same moment; bearward keys list shows it."),
    }
    Ok(())
}
