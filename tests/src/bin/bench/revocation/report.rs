//! What docs/benchmarks.md says of revocations.

use super::snapshot::Holding;
use super::{ENVOYS, FOLLOWERS, Figures, OTHERS, PAUSE, REVOCATIONS, STREAM_REVOCATIONS, Scenario, WORKERS};
use crate::document::Section;
use crate::percentile;
use std::time::Duration;

pub(crate) fn sections(figures: &Figures, machine: &str) -> [Section; 2] {
    let rows: String = figures.scenarios.iter().map(row).collect();
    let streams: String = figures.scenarios.iter().map(streams).collect();
    let soon = format!(
        "From the 200 of `/oauth2/revoke` to the first 401, in milliseconds; `make bench ARGS=revocation` on {machine}.

{ENVOYS} Envoys of {WORKERS} workers and one authserver, all on this machine; {OTHERS} other revocations hold. {REVOCATIONS} tokens, one after
the other, each known to every worker before it is revoked. Every worker is watched by a connection of its own, kept open: the
listener has `exact_balance`, which gives each new connection to the worker with the fewest, and Envoy's count of connections per
worker proves that each has one. The token is sent on it again {pause} ms after each answer; a figure holds the answer's way back and that
pause. PostgreSQL runs without fsync, which concerns what comes before the 200. The {FOLLOWERS} followers are long polls at the same
authserver.

| | p50 | p99 | max | until the last worker: p50 | p99 | max | budget |
|---|---|---|---|---|---|---|---|
{rows}
From the 200 to the end of an answer that was under way at each worker, for {STREAM_REVOCATIONS} tokens, with `open_streams.grace` 0. A worker
looks at what is open every 50 ms. `delayed_close_timeout` is 0: as it comes, Envoy closes a connection of HTTP/1.1 up to a second later, on
which nothing comes or goes any more.

| | p50 | p99 | max | budget |
|---|---|---|---|---|
{streams}",
        pause = PAUSE.as_millis(),
    );
    let rows: String = figures.holding.iter().map(held).collect();
    let many = format!(
        "`make bench ARGS=revocation` on {machine}. An Envoy of {WORKERS} workers is started before a feed that holds so many revocations.

| live revocations | linear memory of a VM | budget | Envoy in all | from start until served | longest turn of a worker | with nothing to do | budget |
|---|---|---|---|---|---|---|---|
{rows}
The budgets are 2 MB and 8 bytes per live revocation for each VM, and 1 ms for the longest callback. Linear memory is the resident part of
the largest WebAssembly memory of the process (one for each worker, one for the main thread, and one that Envoy clones these from); Envoy in
all has one for each VM, and once the log that they share: 16 bytes per revocation.  Served means that a token opens a route at every worker. The longest turn is what
Envoy's histogram of its event loop says of one worker while the whole snapshot is read again (`bearward feed reset`); a turn holds at
least one callback, so it bounds the longest of them from above. It is timed by the clock, so Envoy's threads run before those of others
here (`renice`): without that, turns that had nothing to do took up to 1.9 ms."
    );
    [
        Section { heading: "How soon a revocation holds", text: soon },
        Section { heading: "What it takes to hold many", text: many },
    ]
}

fn row(scenario: &Scenario) -> String {
    let (name, cells) = (scenario.name, [&scenario.workers, &scenario.last].map(|times| cells(times)).concat());
    format!("| {name} |{cells} {} |\n", verdict(&scenario.workers))
}

fn streams(scenario: &Scenario) -> String {
    format!("| {} |{} {} |\n", scenario.name, cells(&scenario.streams), verdict(&scenario.streams))
}

fn cells(times: &[Duration]) -> String {
    [0.5, 0.99, 1.0].map(|part| format!(" {:.1} |", percentile(times, part).as_secs_f64() * 1e3)).concat()
}

fn verdict(times: &[Duration]) -> String {
    let kept = percentile(times, 0.99) <= Duration::from_millis(100);
    format!("p99 under 100: {}", if kept { "kept" } else { "missed" })
}

#[allow(clippy::cast_precision_loss, reason = "bytes")]
fn held(holding: &Holding) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let budget = holding.revocations.saturating_mul(8).saturating_add(2_000_000);
    let verdict = |kept: bool| if kept { "kept" } else { "missed" };
    format!(
        "| {} | {:.2} MB | {:.2} MB: {} | {} MB with {} VMs | {:.1} s | {:.1} ms | {:.1} ms | 1 ms: {} |\n",
        holding.revocations,
        holding.vm as f64 / 1e6,
        budget as f64 / 1e6,
        verdict(holding.vm <= budget),
        holding.process_kib / 1000,
        holding.vms,
        holding.served.as_secs_f64(),
        millis(holding.longest.0),
        millis(holding.longest.1),
        verdict(holding.longest.0 <= Duration::from_millis(1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 0.5), Duration::from_millis(100));
        assert_eq!(percentile(&values, 0.99), Duration::from_millis(198));
        assert_eq!(percentile(&values, 1.0), Duration::from_millis(200));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
