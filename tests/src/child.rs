//! A program under test: its output goes to a file, and it ends when its handle does.

use crate::error::{Error, Result};
use crate::{guard, wait};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A running program, leader of a process group of its own.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    log: PathBuf,
    reaped: bool,
}

impl Child {
    /// Starts a program. Its standard output and error go to `log`, appended.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::io(format!("opening {}", log.display())))?;
        let errors = output.try_clone().map_err(Error::io("sharing a log file"))?;
        let process = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::io(format!("starting {name} ({})", command.get_program().display())))?;
        let child = Self { name: name.to_owned(), process, log: log.to_owned(), reaped: false };
        guard::watch(child.pid())?;
        Ok(child)
    }

    /// Its process id, which is its process group's too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its name, as given to [`Child::start`].
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `Ok` while it runs.
    ///
    /// # Errors
    /// [`Error::Ended`] with the last lines it wrote, once it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.exited() {
            None => Ok(()),
            Some(status) => {
                Err(Error::Ended { name: self.name.clone(), status: status.to_string(), tail: self.tail(20) })
            }
        }
    }

    /// Waits until `probe` says so; its error says why not yet.
    ///
    /// # Errors
    /// [`Error::Ended`] if it ends meanwhile, [`Error::Timeout`] with the last lines it wrote.
    pub async fn until_ready(&mut self, mut probe: impl AsyncFnMut() -> std::result::Result<(), String>) -> Result<()> {
        let mut ended = Ok(());
        let what = format!("{} to be ready", self.name);
        let ready = wait::until(&what, Duration::from_secs(30), async || {
            ended = self.check();
            if ended.is_err() { Ok(()) } else { probe().await.map_err(|why| format!("{why}\n{}", self.tail(20))) }
        });
        ready.await.and(ended)
    }

    /// The last lines it wrote.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// `kill -9`, to it and all it started.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        if !self.reaped {
            // After SIGKILL this is a matter of moments.
            let _ = self.process.wait();
            self.forget();
        }
    }

    /// Asks it to end, and kills it if it has not within five seconds.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let end = Instant::now() + Duration::from_secs(5);
        while self.exited().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.process.try_wait().ok().flatten();
        if status.is_some() && !self.reaped {
            // What it left behind in its group goes too.
            self.signal(Signal::SIGKILL);
            self.forget();
        }
        status
    }

    fn signal(&self, signal: Signal) {
        if self.reaped {
            return;
        }
        if let Ok(group) = i32::try_from(self.pid()) {
            // It may have ended already: then there is nobody to tell.
            let _ = killpg(Pid::from_raw(group), signal);
        }
    }

    fn forget(&mut self) {
        self.reaped = true;
        let _ = guard::forget(self.pid());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
