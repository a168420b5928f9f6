//! A database URL becomes a place.

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Result, Store, StoreError};
use crate::config::Database;
use percent_encoding::percent_decode_str;
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;

/// Where a database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// Reads `sqlite:///path`, `sqlite:path` or `postgres://…`.
    ///
    /// # Errors
    /// What is wrong, without repeating the URL: it may hold a password.
    pub fn parse(url: &str) -> std::result::Result<Self, String> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err("has to begin with sqlite: or postgres:".to_owned());
        };
        match scheme {
            "sqlite" => sqlite_file(rest).map(Self::Sqlite),
            "postgres" | "postgresql" => {
                let wrong = "is not a PostgreSQL URL: postgres://user:password@host/name, the password percent-encoded";
                // Parsed twice: the database library takes a port that is none for a part of the host.
                url::Url::parse(url).map_err(|_| wrong.to_owned())?;
                PgConnectOptions::from_str(url).map(|o| Self::Postgres(Box::new(o))).map_err(|_| wrong.to_owned())
            }
            _ => Err("has to begin with sqlite: or postgres:".to_owned()),
        }
    }
}

/// Opens the database of a configuration and brings its schema up to date.
///
/// # Errors
/// [`StoreError`]; its text holds no password.
pub async fn open(database: &Database) -> Result<Arc<dyn Store>> {
    match Location::parse(&database.url.0).map_err(|e| StoreError::Corrupt(format!("database.url {e}")))? {
        Location::Sqlite(file) => Ok(Arc::new(SqliteStore::open(&file, database.max_connections).await?)),
        Location::Postgres(options) => Ok(Arc::new(PostgresStore::open(*options, database.max_connections).await?)),
    }
}

fn sqlite_file(rest: &str) -> std::result::Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.contains('?') {
        return Err("takes no parameters behind the file".to_owned());
    }
    let path = percent_decode_str(path).decode_utf8().map_err(|_| "is not UTF-8".to_owned())?;
    match path.as_ref() {
        "" => Err("names no file: sqlite:///path/to/file.db".to_owned()),
        ":memory:" => Err("has to name a file: what is in memory only would not survive a restart".to_owned()),
        path if path.contains('\0') => Err("is not a file name".to_owned()),
        path => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_places() {
        for (url, file) in [("sqlite:///a/b.db", "/a/b.db"), ("sqlite:b.db", "b.db"), ("sqlite:///a%20b", "/a b")] {
            assert!(matches!(Location::parse(url), Ok(Location::Sqlite(f)) if f.to_str() == Some(file)), "{url}");
        }
        assert!(matches!(Location::parse("postgres://u:p%40@h/n"), Ok(Location::Postgres(_))));
        for bad in
            ["", "x", "sqlite:", "sqlite://", "sqlite::memory:", "sqlite:///a?mode=ro", "mysql://h", "postgres://h:x/n"]
        {
            assert!(Location::parse(bad).is_err(), "{bad}");
        }
    }
}
