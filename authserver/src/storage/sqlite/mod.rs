//! SQLite: one writer connection, readers beside it, WAL.
//!
//! Every commit is on the disk before it is acknowledged (`synchronous = FULL`). A transaction that writes takes the
//! write lock first (`BEGIN IMMEDIATE`) and never asks for a second connection, so it cannot wait for itself.

mod changes;
mod feed;
mod steps;

use crate::storage::sql::{Row, SqlStore, Value, bind};
use crate::storage::{Result, StoreError};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Sqlite, Transaction};
use std::path::Path;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a write waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for the writer or for a reader: beyond it, better an error than a queue.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_READERS: u32 = 4;

/// The store on an SQLite file.
pub type SqliteStore = SqlStore<SqliteBackend>;

/// SQLite's own way.
pub struct SqliteBackend {
    writer: SqlitePool,
    readers: SqlitePool,
    changes: changes::Watcher,
}

impl SqliteStore {
    /// Opens the file, makes it if it is not there (readable by its owner only), brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the file cannot be opened, [`StoreError::Migrate`] if the schema is of a newer build.
    pub async fn open(file: &Path, readers: Option<u32>) -> Result<Self> {
        create_private(file).map_err(|e| StoreError::Database(sqlx::Error::Io(e)))?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", "67108864")
            .disable_statement_logging();
        let writer = pool(1).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writer).await?;
        let options = options.pragma("query_only", "ON");
        let readers = pool(readers.unwrap_or(DEFAULT_READERS).max(1)).connect_with(options.clone()).await?;
        let changes = changes::Watcher::start(options.connect().await?).await?;
        Ok(Self(SqliteBackend { writer, readers, changes }))
    }
}

impl SqliteBackend {
    /// A transaction that holds the write lock from its first step.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<()> {
        transaction.commit().await?;
        self.changes.look();
        Ok(())
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str, args: &[Value<'_>]) -> Result<u64> {
    Ok(bind!(sql, args).execute(connection).await?.rows_affected())
}

async fn fetch(connection: &mut SqliteConnection, sql: &'static str, args: &[Value<'_>]) -> Result<Vec<Row>> {
    Ok(bind!(sql, args).fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect())
}

fn pool(size: u32) -> SqlitePoolOptions {
    // A connection to a file has nothing to time out, and making one anew costs its page cache.
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// The file holds password hashes and sealed keys: nobody but its owner reads it. SQLite gives its side files the same mode.
fn create_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}
