//! Python environments with what a requirements file pins by hash, made once and kept in `.bearward/`.

use crate::error::{Error, Result};
use crate::workspace;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The `python` of an environment of this name that holds what the file lists, and nothing else. `say` hears when
/// something is fetched, since that takes a while.
///
/// # Errors
/// [`Error::Missing`] with what to do if there is no Python, or pip's own words if it fails.
pub fn environment(name: &str, requirements: &Path, say: &dyn Fn(&str)) -> Result<PathBuf> {
    let wanted =
        std::fs::read_to_string(requirements).map_err(Error::io(format!("reading {}", requirements.display())))?;
    let home = workspace::state(name)?;
    let venv = home.join("venv");
    let python = venv.join("bin/python");
    // Written last: an interrupted installation does not count.
    let stamp = home.join("installed");
    // Whoever comes meanwhile waits, and finds it there.
    let lock = File::create(home.join("lock")).map_err(Error::io("making a lock"))?;
    lock.lock().map_err(Error::io(format!("waiting for {name}")))?;
    if python.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say(&format!("fetching what {} pins into .bearward/{name}", requirements.display()));
    let system = workspace::on_path("python3")
        .ok_or_else(|| Error::Missing("python3 is missing: install Python 3".to_owned()))?;
    let made = run(Command::new(system).args(["-m", "venv", "--clear"]).arg(&venv))?;
    if !made.status.success() {
        return Err(Error::Missing(
            "python3 cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)"
                .to_owned(),
        ));
    }
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps"];
    let pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement"];
    let installed = run(Command::new(&python).args(pip).args(pinned).arg(requirements))?;
    if !installed.status.success() {
        let why = String::from_utf8_lossy(&installed.stderr);
        return Err(Error::Missing(format!("pip could not install {}:\n{why}", requirements.display())));
    }
    std::fs::write(&stamp, wanted).map_err(Error::io("noting what was installed"))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<Output> {
    command.output().map_err(Error::io(format!("running {}", command.get_program().display())))
}
