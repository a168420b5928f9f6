//! Standard output, which may be a pipe to a program that has read enough. Rust ignores SIGPIPE, which ends other programs
//! then; a server needs it so, and commands end here.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// How a shell reports a program that SIGPIPE (13) ended.
pub(super) const NOBODY_READS: u8 = 128 + 13;

/// Prints a line. The program ends where it can't, quietly if nobody reads it.
pub(super) fn line(text: Arguments<'_>) {
    let Err(error) = writeln!(std::io::stdout(), "{text}") else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(NOBODY_READS.into());
    }
    eprintln!("bearward: standard output: {error}");
    std::process::exit(1);
}
