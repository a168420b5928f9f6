//! `make bench`: what a request costs in Envoy and what a token costs in the authserver, written to docs/benchmarks.md.
//!
//! The figure is processor time (user and system time of the process, divided by its requests): other work on the
//! machine changes it far less than it changes requests per second. All variants run side by side and are measured in
//! turns, so that what slows the machine down slows all of them down.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

mod authserver;
mod gateway;
mod nothing;
mod report;
mod tokens;
mod wrk;

use bearward_tests::artifacts::Profile;
use bearward_tests::stack::Parts;
use bearward_tests::{Error, Result, workspace};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures, and writes docs/benchmarks.md.
#[derive(Parser, Debug)]
struct Args {
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
    // To compare filters, the authserver need not be as quick as it can be.
    let profile = if args.beside.is_empty() { Profile::Release } else { Profile::Dev };
    let parts = Parts::get(profile, &say)?;
    let gateway = gateway::measure(&parts, args).await?;
    if !args.beside.is_empty() {
        println!("{}", report::gateway(args, &gateway));
        return Ok(());
    }
    let authserver = authserver::measure(&parts, args).await?;
    let wasm = std::fs::metadata(&parts.filter).map_err(Error::io("looking at the filter"))?.len();
    let text = report::text(args, &gateway, &authserver, wasm);
    let file = workspace::root().join("docs/benchmarks.md");
    std::fs::write(&file, &text).map_err(Error::io("writing docs/benchmarks.md"))?;
    println!("{text}");
    say("written to docs/benchmarks.md");
    Ok(())
}

/// The middle of the values; 0 of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
