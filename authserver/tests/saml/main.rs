//! SAML assertions: real ones are taken, hostile ones are not, and what is canonicalised is what libxml2 makes of it.
//!
//! The files in `fixtures/` are made by `make_fixtures.py`, with pysaml2, signxml and keys that are then forgotten.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests; the lints know only those that the compiler's own harness runs"
)]

mod c14n;
mod files;
mod keys;
mod refused;
mod times;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("c14n::agrees_with_libxml2", || done(c14n::agrees_with_libxml2)),
        Trial::test("refused::every_file_is_listed", || done(refused::every_file_is_listed)),
        Trial::test("times::ends_when_it_says", || done(times::ends_when_it_says)),
        Trial::test("times::begins_when_it_says", || done(times::begins_when_it_says)),
        Trial::test("keys::only_pinned_keys_count", || done(keys::only_pinned_keys_count)),
        Trial::test("keys::unfit_keys_are_not_pinned", || done(keys::unfit_keys_are_not_pinned)),
        Trial::test("keys::no_mutation_panics_or_changes_who", || done(keys::no_mutation_panics_or_changes_who)),
    ];
    for name in files::names("accepted") {
        trials.push(Trial::test(format!("accepted::{name}"), move || done(|| files::is_accepted(&name))));
    }
    for (name, why) in refused::REFUSED {
        trials.push(Trial::test(format!("refused::{name}"), move || done(|| refused::is_refused(name, why))));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A panic fails the trial by itself.
fn done(test: impl FnOnce()) -> Result<(), libtest_mimic::Failed> {
    test();
    Ok(())
}
