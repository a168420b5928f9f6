//! What scenarios run on: built once, started when first needed.

use bearward_tests::pg::Postgres;
use bearward_tests::stack::{Options, Parts, Stack};
use serde_json::Value;
use std::fmt;
use tokio::sync::OnceCell;

/// The database under the authserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// Ended, with all that runs in it, when the tests are over; the stacks before the database that they are on.
pub struct Context {
    sqlite: OnceCell<Stack>,
    postgres: OnceCell<Stack>,
    server: OnceCell<Postgres>,
    parts: Option<Parts>,
}

impl Context {
    /// `parts` are left out where nothing is to run.
    pub fn new(parts: Option<Parts>) -> Self {
        let (sqlite, postgres, server) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { sqlite, postgres, server, parts }
    }

    pub fn parts(&self) -> &Parts {
        self.parts.as_ref().unwrap()
    }

    /// The stack that scenarios share.
    pub async fn shared(&self, backend: Backend) -> &Stack {
        let cell = match backend {
            Backend::Sqlite => &self.sqlite,
            Backend::Postgres => &self.postgres,
        };
        cell.get_or_init(|| self.stack(backend, 1)).await
    }

    /// A stack for one scenario, with a gateway of its own kind.
    pub async fn stack_behind(&self, gateway: fn(&mut Value)) -> Stack {
        Stack::start(self.parts(), &Options { gateway, ..Options::default() }).await.unwrap()
    }

    /// A stack for one scenario, with so many replicas of the authserver.
    pub async fn stack(&self, backend: Backend, replicas: usize) -> Stack {
        let databases = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => {
                let server = self.server.get_or_init(async || Postgres::start().unwrap()).await;
                Some(vec![server.database().unwrap(); replicas])
            }
        };
        let more = vec![("BEARWARD_REGISTRATION__ENABLED".to_owned(), "true".to_owned())];
        let options = Options { databases, more, ..Options::default() };
        Stack::start(self.parts(), &options).await.unwrap()
    }
}
