//! Node programs with what a lock file pins by hash, made once and kept in `.bearward/`.

use crate::error::{Error, Result};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory with the programs of `source` and, beside them, what its `package-lock.json` lists. `say` hears when
/// something is fetched, since that takes a while.
///
/// # Errors
/// [`Error::Missing`] with what to do if there is no npm, [`Error::Failed`] with its own words if it fails.
pub fn environment(name: &str, source: &Path, say: &dyn Fn(&str)) -> Result<PathBuf> {
    let home = workspace::state(name)?;
    let entries = std::fs::read_dir(source).map_err(Error::io(format!("reading {}", source.display())))?;
    for entry in entries.flatten() {
        let (from, to) = (entry.path(), home.join(entry.file_name()));
        std::fs::copy(&from, to).map_err(Error::io(format!("copying {}", from.display())))?;
    }
    let wanted = std::fs::read_to_string(home.join("package-lock.json")).map_err(Error::io("reading a lock file"))?;
    // Written last: an interrupted installation does not count.
    let stamp = home.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    say(&format!("fetching what {} pins into .bearward/{name}", source.display()));
    let npm = workspace::on_path("npm")
        .ok_or_else(|| Error::Missing("npm is missing: install Node.js 20 or later with npm".to_owned()))?;
    let output = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&home)
        .output()
        .map_err(Error::io("running npm"))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Failed { what: format!("npm ci in {}", home.display()), output });
    }
    std::fs::write(&stamp, wanted).map_err(Error::io("noting what was installed"))?;
    Ok(home)
}
