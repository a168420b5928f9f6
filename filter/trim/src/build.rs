//! The command that builds the filter, so that every place that builds it builds the same.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that is built.
pub const PACKAGE: &str = "bearward-filter";
/// What it is built for.
pub const TARGET: &str = "wasm32-wasip1";

/// `cargo build` of the filter, to be run in the workspace.
///
/// The places where the compiler finds the libraries' sources end up in the module, in what a panic would say; they are
/// written as `crates/…`, so that the module is the same wherever it is built, and tells nobody where that was.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--locked", "--package", PACKAGE, "--lib", "--target", TARGET, "--profile", "wasm"]);
    // Hashes are for tokens that were not seen before; small is worth more than fast.
    let mut flags = OsString::from("--cfg=sha2_backend_soft=\"compact\"\x1f");
    // What is small is smaller without the call to it; found by trying.
    flags.push("-Cllvm-args=-inline-threshold=25\x1f");
    for sources in sources() {
        flags.push("--remap-path-prefix=");
        flags.push(sources);
        flags.push("=crates\x1f");
    }
    // The unit separator parts the flags, so that a path may hold spaces.
    let flags = flags.to_string_lossy().trim_end_matches('\x1f').to_owned();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    command
}

/// Where the module is once it is built.
#[must_use]
pub fn built() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Path::new(&target).join(TARGET).join("wasm").join("bearward_filter.wasm")
}

/// The folders in which cargo unpacks libraries: one for each registry.
fn sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let folders = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    folders.into_iter().flatten().filter_map(|folder| folder.ok().map(|folder| folder.path())).collect()
}
