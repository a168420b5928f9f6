//! What was acknowledged survives `kill -9` at any moment.

use super::fixture::{Fixture, NOW, revocation};
use bearward::storage::Store as _;
use bearward::storage::sqlite::SqliteStore;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Set for the child: the file it writes to.
pub(crate) const WRITER: &str = "BEARWARD_TEST_WRITER";
const ROUNDS: usize = 3;

/// The child: writes one revocation after another and says so when each was acknowledged.
pub(crate) fn write_until_killed(file: &Path) -> ! {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(file, None).await.unwrap();
        let from: u64 = store.feed(None, 100_000, NOW).await.unwrap().entries.len() as u64;
        for i in from.. {
            store.revoke(&revocation(&i.to_string())).await.unwrap();
            println!("{i}");
            std::io::stdout().flush().unwrap();
        }
    });
    unreachable!()
}

pub(crate) async fn what_was_acknowledged_survives_kill_9(fixture: Fixture) {
    let file = fixture.dir.path().join("db");
    let mut acknowledged = None;
    for round in 1..=ROUNDS {
        let mut child =
            Command::new(std::env::current_exe().unwrap()).env(WRITER, &file).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..30 * round {
            acknowledged = Some(lines.next().unwrap().unwrap().parse::<u64>().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it still managed to say counts as well.
        for line in lines.map_while(Result::ok) {
            acknowledged = line.parse().ok().or(acknowledged);
        }
        let store = SqliteStore::open(&file, None).await.unwrap();
        for i in 0..=acknowledged.unwrap() {
            let key = revocation(&i.to_string()).key;
            assert_eq!(store.revocations(&[key], NOW).await.unwrap().len(), 1, "{i} was acknowledged and is lost");
        }
    }
}
