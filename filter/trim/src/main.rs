//! `bearward-trim <in.wasm> <out.wasm>`: see the library.
#![allow(clippy::print_stderr, reason = "a command talks to its terminal")]

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(from), Some(to), None) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: bearward-trim <in.wasm> <out.wasm>");
        return ExitCode::from(2);
    };
    let run =
        || -> Result<(), Box<dyn Error>> { Ok(std::fs::write(&to, bearward_trim::trim(&std::fs::read(&from)?)?)?) };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bearward-trim: {}: {error}", from.display());
            ExitCode::FAILURE
        }
    }
}
