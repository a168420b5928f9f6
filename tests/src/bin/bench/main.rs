//! `make bench`: what a request costs in Envoy, what a token costs in the authserver, how soon a revocation holds
//! and how quick the console is, written to docs/benchmarks.md.
//!
//! The figure is processor time (user and system time of the process, divided by its requests): other work on the
//! machine changes it far less than it changes requests per second. All variants run side by side and are measured in
//! turns, so that what slows the machine down slows all of them down.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

mod authserver;
mod console;
mod document;
mod gateway;
mod probe;
mod report;
mod revocation;
mod tokens;
mod wrk;

use crate::gateway::Variant;
use crate::tokens::Algorithm;
use bearward_tests::artifacts::Profile;
use bearward_tests::stack::Parts;
use bearward_tests::{Error, Result, workspace};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measures, and writes docs/benchmarks.md.
#[derive(Parser, Debug)]
struct Args {
    /// What is measured; without any, everything. What docs/benchmarks.md says of the others stays.
    parts: Vec<Part>,
    /// Measure an authserver that is not optimised, to try the measuring; docs/benchmarks.md stays as it is.
    #[arg(long)]
    dry: bool,
    /// How often each variant is measured; the median counts.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long each time, in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Another build of the filter, to compare with this one; may be given several times. Nothing else is measured, and
    /// docs/benchmarks.md stays as it is.
    #[arg(long, value_name = "WASM")]
    beside: Vec<PathBuf>,
}

/// A part that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Gateway,
    HostCalls,
    Authserver,
    Revocation,
    Console,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bearward: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(step: &str) {
    println!("bearward: {step}");
}

async fn run(args: &Args) -> Result<()> {
    let quick = args.dry || !args.beside.is_empty();
    let parts = Parts::get(if quick { Profile::Dev } else { Profile::Release }, &say)?;
    if !args.beside.is_empty() {
        println!(
            "{}",
            report::table(args, &gateway::measure(&parts, args, &gateway::beside(args), &Algorithm::ALL).await?)
        );
        return Ok(());
    }
    let wanted = |part: Part| args.parts.is_empty() || args.parts.contains(&part);
    let mut sections = Vec::new();
    if wanted(Part::Gateway) {
        let figures = gateway::measure(&parts, args, &Variant::ALL, &Algorithm::ALL).await?;
        let wasm = std::fs::metadata(&parts.filter).map_err(Error::io("looking at the filter"))?.len();
        sections.push(report::gateway(args, &figures, wasm));
    }
    if wanted(Part::HostCalls) {
        let figures = gateway::measure(&parts, args, &gateway::probes(), &[Algorithm::Es256]).await?;
        sections.push(report::host_calls(&figures));
    }
    if wanted(Part::Authserver) {
        sections.push(report::authserver(&authserver::measure(&parts, args).await?));
    }
    if wanted(Part::Revocation) {
        sections.extend(revocation::sections(&revocation::measure(&parts).await?, &report::machine()));
    }
    if wanted(Part::Console) {
        sections.push(console::section(&console::measure(&parts).await?, &report::machine()));
    }
    let file = workspace::root().join("docs/benchmarks.md");
    let old = std::fs::read_to_string(&file).map_err(Error::io("reading docs/benchmarks.md"))?;
    let text = document::merged(&old, report::INTRO, &sections);
    println!("{text}");
    if !args.dry {
        std::fs::write(&file, &text).map_err(Error::io("writing docs/benchmarks.md"))?;
        say("written to docs/benchmarks.md");
    }
    Ok(())
}

/// The middle of the values; 0 of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The nearest rank: the least of the values that so large a part of them does not exceed.
pub(crate) fn percentile(values: &[Duration], part: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
