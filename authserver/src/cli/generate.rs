//! `bearward completions` and `bearward man`: made from the very arguments that the command line reads.

use super::Cli;
use super::failure::Failure;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;

pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bearward", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}

/// One page: the commands one after the other.
pub(super) fn manual() -> Result<(), Failure> {
    let mut text = Vec::new();
    let mut cli = Cli::command();
    cli.build();
    clap_mangen::Man::new(cli.clone()).render(&mut text)?;
    for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
        clap_mangen::Man::new(command.clone()).render(&mut text)?;
    }
    Ok(std::io::stdout().write_all(&text)?)
}
