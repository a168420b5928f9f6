//! A real PostgreSQL in a directory of its own, with a fresh database for each test.

use crate::child::Child;
use crate::error::{Error, Result};
use crate::tempdir::TempDir;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running server; it stops and its files go when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    owner: Option<(u32, u32)>,
    server: Option<Child>,
    dir: TempDir,
    next: AtomicU32,
}

impl Postgres {
    /// Makes a cluster and starts it. It listens on a socket in its own directory, on no port.
    ///
    /// # Errors
    /// [`Error::Missing`] if PostgreSQL is not installed, [`Error::Failed`] if it does not start.
    pub fn start() -> Result<Self> {
        let binaries = find()?;
        let dir = TempDir::new()?;
        let owner = owner()?;
        let data = dir.path().join("data");
        std::fs::create_dir(&data).map_err(Error::io("making a directory for PostgreSQL"))?;
        if let Some((uid, gid)) = owner {
            for path in [dir.path(), &data] {
                std::os::unix::fs::chown(path, Some(uid), Some(gid))
                    .map_err(Error::io("giving PostgreSQL's directory to its user"))?;
            }
        }
        let mut postgres = Self { binaries, owner, server: None, dir, next: AtomicU32::new(0) };
        // Locale C sorts byte by byte; without fsync tests are fast, and what they kill is not this server.
        postgres.run("initdb", |c| {
            c.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        })?;
        let mut command = postgres.command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(postgres.dir.path());
        for setting in ["listen_addresses=", "fsync=off", "max_connections=300", "logging_collector=off"] {
            command.args(["-c", setting]);
        }
        let log = postgres.dir.path().join("log");
        postgres.server = Some(Child::start("PostgreSQL", &mut command, &log)?);
        postgres.until_ready()?;
        Ok(postgres)
    }

    /// The URL of a new, empty database.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn database(&self) -> Result<String> {
        let name = format!("test{}", self.next.fetch_add(1, Ordering::Relaxed));
        self.run("createdb", |c| c.arg("-h").arg(self.dir.path()).args(["-U", "postgres", &name]))?;
        Ok(self.url(&name))
    }

    /// Runs a statement in a database of this server.
    ///
    /// # Errors
    /// [`Error::Failed`] with PostgreSQL's words.
    pub fn sql(&self, database: &str, statement: &str) -> Result<()> {
        self.run("psql", |c| c.args(["-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]))
    }

    /// The URL of a database of this server.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        // A path needs no escapes but for its slashes, and the temporary directory has no others to offer.
        let socket = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost/{name}?host={socket}")
    }

    fn until_ready(&mut self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(server) = &mut self.server {
                server.check()?;
            }
            let ready = self.run("pg_isready", |c| c.arg("-q").arg("-h").arg(self.dir.path()));
            match ready {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= end => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<()> {
        let mut command = self.command(program);
        arguments(&mut command);
        let output = command.output().map_err(Error::io(format!("starting {program}")))?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        Err(Error::Failed { what: program.to_owned(), output: String::from_utf8_lossy(&text).into_owned() })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        // What this shell happens to have set for another server must not reach this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir(self.dir.path());
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // SIGINT: end now, closing connections (its "fast shutdown"); SIGTERM would wait for every client.
            if let Ok(pid) = i32::try_from(server.pid()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
            }
            server.stop();
        }
    }
}

/// The directory of the newest PostgreSQL's programs: where Debian puts them, else the PATH.
fn find() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, dir)| complete(dir))
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = || std::env::split_paths(&path).find(|dir| complete(dir));
    found.pop().map(|(_, dir)| dir).or_else(in_path).ok_or_else(|| {
        Error::Missing(
            "PostgreSQL is needed and its initdb is neither in PATH nor under /usr/lib/postgresql: install it \
             (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql)"
                .to_owned(),
        )
    })
}

fn complete(dir: &Path) -> bool {
    ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|program| dir.join(program).is_file())
}

/// PostgreSQL refuses to run as root; then `nobody` runs it.
fn owner() -> Result<Option<(u32, u32)>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let nobody = User::from_name("nobody").ok().flatten();
    let missing =
        || Error::Missing("PostgreSQL refuses to run as root, and there is no user nobody to run it".to_owned());
    let nobody = nobody.ok_or_else(missing)?;
    Ok(Some((nobody.uid.as_raw(), nobody.gid.as_raw())))
}
