//! `bearward-trim <out.wasm>` builds the filter and trims it; `bearward-trim <in.wasm> <out.wasm>` trims a module.
#![allow(clippy::print_stderr, reason = "a command talks to its terminal")]

use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let done = match args.as_slice() {
        [to] => build().and_then(|()| trim(bearward_trim::built().as_os_str(), to)),
        [from, to] => trim(from, to),
        _ => Err("usage: bearward-trim [<in.wasm>] <out.wasm>".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bearward-trim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let status = bearward_trim::cargo().status()?;
    if status.success() { Ok(()) } else { Err("the filter does not build".into()) }
}

fn trim(from: &OsStr, to: &OsStr) -> Result<(), Box<dyn Error>> {
    let from = Path::new(from);
    let (module, squeezed) = bearward_trim::shipped(from).map_err(|error| format!("{}: {error}", from.display()))?;
    if !squeezed {
        let optimizer = bearward_trim::OPTIMIZER;
        eprintln!(
            "bearward-trim: without {optimizer} (Debian: binaryen) the module is a sixth larger than it could be"
        );
    }
    std::fs::write(to, module).map_err(|error| format!("{}: {error}", to.display()).into())
}
