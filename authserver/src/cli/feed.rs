//! `bearward feed`.

use super::Context;
use super::failure::Failure;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Let every follower read the whole feed again: after the database was restored from a backup.
    Reset,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Reset => context.store.reset_feed().await?,
    }
    println!("Every follower starts again from a snapshot.");
    Ok(())
}
