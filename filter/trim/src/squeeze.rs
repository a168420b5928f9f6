//! Makes a module smaller than the compiler leaves it, with Binaryen.

use crate::{MOST, TrimError, trim};
use std::io;
use std::path::Path;
use std::process::Command;

/// Binaryen's optimizer, as it is found on `PATH`.
pub const OPTIMIZER: &str = "wasm-opt";
/// For size; and what Rust's compiler takes for granted of whoever runs WebAssembly, which Envoy's V8 all has.
const ARGUMENTS: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The module in `file` as it ships: trimmed, and squeezed if [`OPTIMIZER`] is there; then it must be no larger than
/// [`MOST`]. `false` says that it is not squeezed.
///
/// Beside the file stands what it came to the last time, so that the same module is squeezed once.
///
/// # Errors
/// [`TrimError`]
pub fn shipped(file: &Path) -> Result<(Vec<u8>, bool), TrimError> {
    let trimmed = trim(&std::fs::read(file)?)?;
    let [before, after] = ["trimmed.wasm", "squeezed.wasm"].map(|name| file.with_extension(name));
    if std::fs::read(&before).is_ok_and(|before| before == trimmed)
        && let Ok(squeezed) = std::fs::read(&after)
    {
        return Ok((squeezed, true));
    }
    // Whoever else is at it works on files of their own.
    let [input, output] = ["in", "out"].map(|name| file.with_extension(format!("{name}.{}", std::process::id())));
    std::fs::write(&input, &trimmed)?;
    let done = Command::new(OPTIMIZER).args(ARGUMENTS).arg(&input).arg("-o").arg(&output).output();
    let done = match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::remove_file(&input)?;
            return Ok((trimmed, false));
        }
        done => done?,
    };
    if !done.status.success() {
        return Err(TrimError::Optimizer(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
    }
    let squeezed = std::fs::read(&output)?;
    if squeezed.len() > MOST {
        return Err(TrimError::Size(squeezed.len()));
    }
    let _ = std::fs::remove_file(&after);
    std::fs::rename(&input, &before)?;
    std::fs::rename(&output, &after)?;
    Ok((squeezed, true))
}
