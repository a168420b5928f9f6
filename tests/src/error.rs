//! What can go wrong around the programs under test.

use std::time::Duration;

/// The answer of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// Each text is for the person at the terminal: what happened and, where it is known, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something this machine lacks; the text says what to do about it.
    #[error("{0}")]
    Missing(String),
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A program that should run ended.
    #[error("{name} ended ({status}); its last lines:\n{tail}")]
    Ended {
        /// Which program.
        name: String,
        /// How it ended.
        status: String,
        /// The end of its output.
        tail: String,
    },
    /// A program that should do one thing and end did not succeed.
    #[error("{what} failed:\n{output}")]
    Failed {
        /// The command.
        what: String,
        /// What it wrote.
        output: String,
    },
    /// A condition did not come true.
    #[error("waited {limit:?} for {what}: {last}")]
    Timeout {
        /// The condition.
        what: String,
        /// For how long.
        limit: Duration,
        /// Why it was not true the last time it was looked at.
        last: String,
    },
    /// A request failed on the way.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// The browser did not do as told.
    #[error("browser: {0}")]
    Browser(String),
    /// `envoy/envoy.yaml` has not the shape that is relied on.
    #[error("envoy/envoy.yaml: {0}")]
    Config(String),
    /// A key or a signature could not be made.
    #[error("cryptography: {0}")]
    Crypto(&'static str),
}

impl Error {
    /// Wraps an I/O error with what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
