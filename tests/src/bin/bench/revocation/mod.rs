//! How soon a revocation holds: from the 200 of `/oauth2/revoke` to the first 401 at each worker of several Envoys; and
//! what it takes to hold many: memory, the time until a snapshot is served, and how long a worker is kept from its other
//! work meanwhile.

mod fleet;
mod followers;
mod report;
mod snapshot;
mod streams;
mod worker;

use crate::say;
use bearward_tests::Result;
use bearward_tests::pg::Postgres;
use bearward_tests::stack::Parts;
use fleet::{Authority, Database, Gateway};
use followers::Followers;
pub(crate) use report::sections;
use snapshot::Holding;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Envoys, and workers of each.
const ENVOYS: usize = 3;
const WORKERS: u32 = 8;
/// How many tokens are revoked in each scenario.
const REVOCATIONS: usize = 100;
/// And of those with open streams: each takes a new connection to every worker.
const STREAM_REVOCATIONS: usize = 25;
/// Other revocations that hold meanwhile.
const OTHERS: u64 = 100_000;
/// Followers of the feed beside the Envoys, in the scenario that has some.
const FOLLOWERS: usize = 200;
/// Where answers have no end.
const STREAM: &str = "/orders/stream";
/// Between one answer of a worker and the next question, so that asking does not take up the machine.
const PAUSE: Duration = Duration::from_millis(2);

/// Everything that was measured.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    scenarios: Vec<Scenario>,
    holding: Vec<Holding>,
}

/// What was measured in one scenario.
#[derive(Debug, Clone)]
struct Scenario {
    name: &'static str,
    /// From the 200 to the first 401, of every revocation and worker.
    workers: Vec<Duration>,
    /// The same until the last worker.
    last: Vec<Duration>,
    /// From the 200 to the end of a stream that was open, of every revocation and worker.
    streams: Vec<Duration>,
}

pub(crate) async fn measure(parts: &Parts) -> Result<Figures> {
    let server = Postgres::start()?;
    let mut scenarios = Vec::new();
    for (name, sqlite, followers) in
        [("PostgreSQL", false, 0), ("PostgreSQL, 200 followers beside", false, FOLLOWERS), ("SQLite", true, 0)]
    {
        say(&format!("revocation: {name}"));
        let database = if sqlite { Database::sqlite()? } else { Database::postgres(&server)? };
        scenarios.push(scenario(parts, &database, name, followers).await?);
    }
    let holding = snapshot::measure(parts, &Database::postgres(&server)?).await?;
    Ok(Figures { scenarios, holding })
}

async fn scenario(parts: &Parts, database: &Database<'_>, name: &'static str, followers: usize) -> Result<Scenario> {
    let authority = Authority::start(parts, database).await?;
    database.load(0, OTHERS)?;
    let service = streams::Service::start().await?;
    let mut gateways = Vec::new();
    for _ in 0..ENVOYS {
        gateways.push(Gateway::start(parts, &authority, WORKERS, service.address).await?);
    }
    let mut workers = Vec::new();
    let token = authority.token().await?;
    for gateway in &gateways {
        let mut connected = gateway.connect_each_worker(WORKERS, 0).await?;
        fleet::until_all_open(&mut connected, &token).await?;
        workers.append(&mut connected);
    }
    let _followers = Followers::start(authority.address(), followers).await?;
    let mut scenario = Scenario { name, workers: Vec::new(), last: Vec::new(), streams: Vec::new() };
    for _ in 0..REVOCATIONS {
        let token = authority.token().await?;
        for worker in &mut workers {
            worker.expect(&token, 200).await?;
        }
        authority.revoke(&token).await?;
        let since = Instant::now();
        let mut asked = JoinSet::new();
        for mut worker in workers.drain(..) {
            let token = token.clone();
            asked.spawn(async move {
                let refused = worker.until_refused(&token, PAUSE).await?;
                Ok::<_, bearward_tests::Error>((worker, refused.duration_since(since)))
            });
        }
        let mut last = Duration::ZERO;
        for done in asked.join_all().await {
            let (worker, took) = done?;
            workers.push(worker);
            scenario.workers.push(took);
            last = last.max(took);
        }
        scenario.last.push(last);
    }
    scenario.streams = streams::measure(&authority, &gateways).await?;
    Ok(scenario)
}
