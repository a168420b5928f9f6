//! What docs/benchmarks.md says of the console.

use super::fill::{CLIENTS, ENTRIES, GRANTS, PEOPLE};
use super::{Figure, TIMES};
use crate::document::Section;
use crate::percentile;
use std::time::Duration;

/// For each page, 95 times of 100.
const BUDGET: Duration = Duration::from_millis(100);

pub(crate) fn section(figures: &[Figure], machine: &str) -> Section {
    let rows: String = figures.iter().map(row).collect();
    let text = format!(
        "`make bench ARGS=console` on {machine}: {CLIENTS} clients, {PEOPLE} people, {GRANTS} grants, {ENTRIES} entries of the audit
log, on PostgreSQL; few clients and few people have most of the grants. An administrator who signed in by the form asks for every page
{TIMES} times, over HTTP, one page after the other, each time about another object or place of the list. In milliseconds, from the
request to the last byte of the page; the size is that of the largest, not compressed.

| page | p50 | p95 | max | size | budget |
|---|---|---|---|---|---|
{rows}"
    );
    Section { heading: "How quick the console is", text }
}

fn row(figure: &Figure) -> String {
    let at = |part| percentile(&figure.times, part);
    let millis = |part| at(part).as_secs_f64() * 1e3;
    let verdict = if at(0.95) <= BUDGET { "kept" } else { "missed" };
    format!(
        "| {} | {:.1} | {:.1} | {:.1} | {} KB | p95 under {}: {verdict} |\n",
        figure.page.name,
        millis(0.5),
        millis(0.95),
        millis(1.0),
        figure.bytes.div_ceil(1000),
        BUDGET.as_millis(),
    )
}
