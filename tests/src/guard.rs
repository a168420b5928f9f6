//! Sees to it that no process outlives this one, however it ends.
//!
//! `Drop` does not run after `kill -9`, and a child's own children (a browser's, a database's) would survive a signal
//! to the child alone. So a small shell, outside our process group, knows every group we started and waits at the end
//! of a pipe that only we hold open. When we are gone, by whatever way, it kills the groups that are left.

use crate::error::{Error, Result};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=' '
while read -r what group; do
    case $what in
        +) groups="$groups$group " ;;
        -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
"#;

/// Kill this process group when we are gone.
pub(crate) fn watch(group: u32) -> Result<()> {
    tell('+', group)
}

/// This group has ended; its number may soon belong to others.
pub(crate) fn forget(group: u32) -> Result<()> {
    tell('-', group)
}

fn tell(what: char, group: u32) -> Result<()> {
    static PIPE: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();
    let mut pipe = PIPE.get_or_init(|| Mutex::new(None)).lock().unwrap_or_else(PoisonError::into_inner);
    let pipe = match pipe.as_mut() {
        Some(pipe) => pipe,
        None => pipe.insert(start()?),
    };
    writeln!(pipe, "{what} {group}").map_err(Error::io("the guard of child processes"))
}

fn start() -> Result<ChildStdin> {
    let what = "starting sh, the guard of child processes";
    let guard = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(Error::io(what))?;
    guard.stdin.ok_or_else(|| Error::Missing(format!("{what}: no pipe to it")))
}
