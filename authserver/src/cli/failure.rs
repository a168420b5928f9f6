//! Why a command failed: one line for the person at the terminal, which says what to do.

use crate::admin::AdminError;
use crate::config::ConfigError;
use crate::keys::KeyError;
use crate::passwords::PasswordError;
use crate::serve::ServeError;
use crate::storage::StoreError;

/// Its text is the line. It holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Failure {
    text: String,
    nobody_reads: bool,
}

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), nobody_reads: false }
    }

    /// Whether the reader of standard output is gone, which is no failure to tell of.
    pub(super) const fn is_nobody_reads(&self) -> bool {
        self.nobody_reads
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(format!("configuration: {error}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(match &error {
            StoreError::Exists(_) => format!("{error}; choose another name, or use the one that is there"),
            StoreError::Database(e) if cannot_open(e) => {
                format!("{}; check database.url, and that the database is there and can be written", one_line(&error))
            }
            StoreError::Migrate(_) => {
                format!("{}; is the database of a newer bearward? Then run that one", one_line(&error))
            }
            _ => one_line(&error),
        })
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Store(error) => error.into(),
            AdminError::Key(error) => error.into(),
            other => Self::new(one_line(&other)),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            KeyError::Sealed => {
                Self::new(format!("{error}; give the one it was made with (master_key or master_key_file)"))
            }
            KeyError::Unopened { .. } | KeyError::Crypto(_) => Self::new(error.to_string()),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Store(error) => error.into(),
            ServeError::Key(error) => error.into(),
            other => Self::new(one_line(&other)),
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { text: error.to_string(), nobody_reads: error.kind() == std::io::ErrorKind::BrokenPipe }
    }
}

fn cannot_open(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Configuration(_) => true,
        // SQLITE_CANTOPEN and SQLITE_NOTADB; PostgreSQL's classes for "no such database" and "not let in".
        sqlx::Error::Database(e) => matches!(e.code().as_deref(), Some("14" | "26" | "3D000" | "28P01" | "28000")),
        _ => false,
    }
}

fn one_line(error: &impl std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
