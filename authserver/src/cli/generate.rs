//! `bearward completions` and `bearward man`: made from the very arguments that the command line reads.

use super::Cli;
use super::failure::Failure;
use clap::{Command, CommandFactory as _};
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
    describe(&cli, &mut text)?;
    Ok(std::io::stdout().write_all(&text)?)
}

fn describe(command: &Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(text)?;
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    commands.into_iter().try_for_each(|command| describe(command, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every<'a>(command: &'a Command, found: &mut Vec<&'a Command>) {
        found.push(command);
        command.get_subcommands().filter(|c| c.get_name() != "help").for_each(|command| every(command, found));
    }

    #[test]
    fn every_command_and_argument_says_what_it_is_for() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        cli.build();
        let mut text = Vec::new();
        describe(&cli, &mut text).unwrap();
        let manual = String::from_utf8(text).unwrap();
        let mut commands = Vec::new();
        every(&cli, &mut commands);
        assert!(commands.len() > 40, "{}", commands.len());
        for command in commands {
            let name = command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-");
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name} {}", argument.get_id());
            }
            assert!(manual.contains(&format!(".TH {name} 1")), "{name} is not in the manual");
        }
    }
}
