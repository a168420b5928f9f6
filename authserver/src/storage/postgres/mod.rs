//! PostgreSQL, 13 or later: any number of replicas on one database.
//!
//! Steps of several rows are one statement each (data-modifying CTEs), so a method is one round trip. They hold under
//! READ COMMITTED because whoever decides by a row locks it first, and a conditional update decides again on the
//! row's newest version after it waited.

mod changes;
mod cursor;
mod feed;
mod steps;

use crate::storage::sql::SqlStore;
use crate::storage::{Result, StoreError};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a request waits for a connection: beyond it, better an error than a queue.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_CONNECTIONS: u32 = 16;
/// What every connection starts with. Steps rely on READ COMMITTED; nothing may wait for ever; and a server that was set
/// to acknowledge what is not on its disk is not believed.
const SESSION: &str = "SET default_transaction_isolation = 'read committed';
    SET statement_timeout = '15s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// The store on a PostgreSQL database.
pub type PostgresStore = SqlStore<PostgresBackend>;

/// PostgreSQL's own way.
pub struct PostgresBackend {
    pool: PgPool,
    identity: feed::Identity,
    changes: changes::Watcher,
}

impl PostgresStore {
    /// Connects and brings the schema up to date; replicas that start at once take turns.
    ///
    /// # Errors
    /// [`StoreError::Database`] if there is no connection, [`StoreError::Migrate`] if the schema is of a newer build.
    pub async fn open(options: PgConnectOptions, connections: Option<u32>) -> Result<Self> {
        let options = options.application_name("bearward").disable_statement_logging();
        // On a connection of its own: the time limits of the others are not for migrations.
        let mut connection = options.connect().await?;
        MIGRATIONS.run(&mut connection).await?;
        let identity = feed::Identity::find(&mut connection).await?;
        feed::restamp(&mut connection).await?;
        connection.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections.unwrap_or(DEFAULT_CONNECTIONS).max(1))
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(sqlx::raw_sql(SESSION)).await.map(drop) })
            })
            .connect_with(options.clone())
            .await?;
        let changes = changes::Watcher::start(options, pool.clone()).await?;
        Ok(Self(PostgresBackend { pool, identity, changes }))
    }
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        // Connections are closed in the background; nothing waits for them.
        drop(self.pool.close());
    }
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}
