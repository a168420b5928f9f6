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
    build(args, |message| (message.target.name == "bearward").then_some(message.executable).flatten())
}

/// Builds the samples (`examples/`) and says where each is, by name.
///
/// # Errors
/// [`Error::Failed`] as for [`authserver`].
pub fn samples() -> Result<BTreeMap<String, PathBuf>> {
    let args = ["--workspace", "--examples"];
    Ok(build_all(&args, |message| Some((message.target.name, message.executable?)))?.into_iter().collect())
}

/// Builds the filter as it ships, trimmed, and says where it is.
///
/// # Errors
/// [`Error::Failed`] as for [`authserver`], and if the module imports what not every Envoy has.
pub fn filter() -> Result<PathBuf> {
    add_target()?;
    let args = ["--package", "bearward-filter", "--lib", "--target", TARGET, "--profile", "wasm"];
    let built = build(&args, |message| {
        message.filenames.into_iter().find(|file| file.extension().is_some_and(|e| e == "wasm"))
    })?;
    let what = format!("trimming {}", built.display());
    let module = std::fs::read(&built).map_err(Error::io(what.as_str()))?;
    let trimmed = bearward_trim::trim(&module)
        .map_err(|error| Error::Failed { what: what.clone(), output: error.to_string() })?;
    let path = built.with_file_name("bearward.wasm");
    // Whole or not at all: another run of the tests may be reading it.
    let draft = path.with_extension(format!("wasm.{}", std::process::id()));
    std::fs::write(&draft, trimmed).map_err(Error::io(what.as_str()))?;
    std::fs::rename(&draft, &path).map_err(Error::io(what.as_str()))?;
    Ok(path)
}

const TARGET: &str = "wasm32-wasip1";

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

fn build(args: &[&str], pick: impl Fn(Message) -> Option<PathBuf>) -> Result<PathBuf> {
    let made = build_all(args, pick)?.pop();
    made.ok_or_else(|| Error::Failed { what: command_line(args), output: "it made no such file".to_owned() })
}

/// Everything that the build made and `pick` takes, in order.
fn build_all<T>(args: &[&str], pick: impl Fn(Message) -> Option<T>) -> Result<Vec<T>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--locked", "--message-format", "json-render-diagnostics"])
        .args(args)
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::io(command_line(args)))?;
    if !output.status.success() {
        return Err(Error::Failed { what: command_line(args), output: "the compiler's messages are above".to_owned() });
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(pick)
        .collect())
}

fn command_line(args: &[&str]) -> String {
    format!("cargo build {}", args.join(" "))
}
