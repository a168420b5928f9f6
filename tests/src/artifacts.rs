//! The two things under test, built: the authserver's binary and the filter's .wasm.

use crate::error::{Error, Result};
use crate::workspace;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How the authserver is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quickly.
    Dev,
    /// As it is measured and shipped.
    Release,
}

/// Builds `bearward` and says where it is. What is up to date is not built again.
///
/// # Errors
/// [`Error::Failed`] if it does not compile; the compiler has said why.
pub fn authserver(profile: Profile) -> Result<PathBuf> {
    let args: &[&str] = match profile {
        // With the features that the whole workspace needs, or its dependencies would be built twice.
        Profile::Dev => &["--workspace", "--bin", "bearward"],
        Profile::Release => &["--workspace", "--bin", "bearward", "--release"],
    };
    let bearward = |message: Message| (message.target.name == "bearward").then_some(message.executable).flatten();
    last("building the authserver", build(args), bearward)
}

/// Builds the samples (`examples/`) and says where each is, by name.
///
/// # Errors
/// [`Error::Failed`] as for [`authserver`].
pub fn samples() -> Result<BTreeMap<String, PathBuf>> {
    let made = all("building the samples", build(&["--workspace", "--examples"]), |message| {
        Some((message.target.name, message.executable?))
    });
    Ok(made?.into_iter().collect())
}

/// Builds the filter as it ships and says where it is.
///
/// # Errors
/// [`Error::Failed`] as for [`authserver`], and if the module imports what not every Envoy has.
pub fn filter() -> Result<PathBuf> {
    add_target()?;
    let built = last("building the filter", bearward_trim::cargo(), |message| {
        message.filenames.into_iter().find(|file| file.extension().is_some_and(|e| e == "wasm"))
    })?;
    let what = format!("trimming {}", built.display());
    let (module, _) = bearward_trim::shipped(&built)
        .map_err(|error| Error::Failed { what: what.clone(), output: error.to_string() })?;
    let path = built.with_file_name("bearward.wasm");
    // Whole or not at all: another run of the tests may be reading it.
    let draft = path.with_extension(format!("wasm.{}", std::process::id()));
    std::fs::write(&draft, module).map_err(Error::io(what.as_str()))?;
    std::fs::rename(&draft, &path).map_err(Error::io(what.as_str()))?;
    Ok(path)
}

const TARGET: &str = bearward_trim::TARGET;

/// `rust-toolchain.toml` names the target, but not every rustup installs what it names by itself.
fn add_target() -> Result<()> {
    let Some(rustup) = workspace::on_path("rustup") else {
        return Ok(()); // Rust from elsewhere: the build will say if the target is missing.
    };
    let output = Command::new(rustup)
        .args(["target", "add", TARGET])
        .current_dir(workspace::root())
        .output()
        .map_err(Error::io("running rustup"))?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Failed { what: format!("rustup target add {TARGET}"), output })
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    target: Target,
    executable: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize, Default)]
struct Target {
    name: String,
}

/// `cargo build` with these arguments.
fn build(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--locked"]).args(args);
    command
}

/// The last thing that the build made and `pick` takes.
fn last<T>(what: &str, command: Command, pick: impl Fn(Message) -> Option<T>) -> Result<T> {
    let made = all(what, command, pick)?.pop();
    made.ok_or_else(|| Error::Failed { what: what.to_owned(), output: "it made no such file".to_owned() })
}

/// Everything that the build made and `pick` takes, in order.
fn all<T>(what: &str, mut command: Command, pick: impl Fn(Message) -> Option<T>) -> Result<Vec<T>> {
    let output = command
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::io(what))?;
    if !output.status.success() {
        let output = "the compiler's messages are above".to_owned();
        return Err(Error::Failed { what: what.to_owned(), output });
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(pick)
        .collect())
}
