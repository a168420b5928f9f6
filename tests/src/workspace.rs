//! Where things are.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The top of the repository.
#[must_use]
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `.bearward/<name>`: what is fetched or made, and never committed. The directory is made if it is not there.
///
/// # Errors
/// [`Error::Io`] if it cannot be made.
pub fn state(name: &str) -> Result<PathBuf> {
    let path = root().join(".bearward").join(name);
    std::fs::create_dir_all(&path).map_err(Error::io(format!("making {}", path.display())))?;
    Ok(path)
}

/// The first program of this name on `PATH`.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
