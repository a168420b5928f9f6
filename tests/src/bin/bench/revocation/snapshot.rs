//! What it takes to hold many revocations: the memory of a VM, the time until a snapshot is served, and the longest that
//! a worker is kept from its other work while one is read.

use super::WORKERS;
use super::fleet::{Authority, Database, Gateway, until_all_open};
use crate::say;
use bearward_tests::stack::{Parts, local};
use bearward_tests::{Error, Result, cpu, ports, wait};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many revocations are held, each time.
const STEPS: [u64; 3] = [0, 100_000, 1_000_000];
/// For how long nothing is done, to see how long a worker's turn takes then.
const IDLE: Duration = Duration::from_secs(3);

/// What so many revocations take.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// How many.
    pub(super) revocations: u64,
    /// The resident part of each VM's linear memory, in bytes; the largest of all VMs.
    pub(super) vm: u64,
    /// How many VMs there are.
    pub(super) vms: usize,
    /// Resident memory of the whole process, in KiB.
    pub(super) process_kib: u64,
    /// From the start of Envoy until a token opens a route at every worker.
    pub(super) served: Duration,
    /// The longest turn of any thread's loop, while the snapshot is read again and while nothing happens.
    pub(super) longest: (Duration, Duration),
}

pub(super) async fn measure(parts: &Parts, database: &Database<'_>) -> Result<Vec<Holding>> {
    let authority = Authority::start(parts, database).await?;
    let mut holding = Vec::new();
    let mut there = 0;
    for revocations in STEPS {
        say(&format!("revocation: holding {revocations}"));
        database.load(there, revocations.saturating_sub(there))?;
        there = revocations;
        let token = authority.token().await?;
        let since = Instant::now();
        let gateway = Gateway::start(parts, &authority, WORKERS, local(ports::free()?)).await?;
        let mut workers = gateway.connect_each_worker(WORKERS, 0).await?;
        until_all_open(&mut workers, &token).await?;
        let served = since.elapsed();
        let pid = gateway.envoy.child.pid();
        until_settled(pid).await?;
        let vms = linear_memories(pid)?;
        let (vm, process_kib) = (vms.iter().copied().max().unwrap_or(0), cpu::resident_kib(pid)?);
        drop(gateway);
        let longest = longest_turn(parts, &authority, &token).await?;
        holding.push(Holding { revocations, vm, vms: vms.len(), process_kib, served, longest });
    }
    Ok(holding)
}

/// Waits until the memory of the process stays as it is: the main thread's VM, which serves nobody, has read all too.
async fn until_settled(pid: u32) -> Result<()> {
    let (mut last, mut since) = (0, Instant::now());
    wait::until("memory to settle", Duration::from_secs(30), async || {
        let now = cpu::resident_kib(pid).map_err(|error| error.to_string())?;
        if now.abs_diff(last) > 256 {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > Duration::from_secs(2) { Ok(()) } else { Err(format!("{now} KiB")) }
    })
    .await
}

/// The resident bytes of each WebAssembly memory: V8 keeps gigabytes of address space free behind each, so that an address
/// out of bounds needs no check.
fn linear_memories(pid: u32) -> Result<Vec<u64>> {
    let path = format!("/proc/{pid}/smaps");
    let text = std::fs::read_to_string(&path).map_err(Error::io(path.as_str()))?;
    let mut memories = Vec::new();
    let mut written = None;
    for mapping in mappings(&text) {
        if mapping.permissions == "---p" && mapping.kib >= 1024 * 1024 {
            memories.extend(written.take());
        }
        written = (mapping.permissions == "rw-p").then_some(mapping.resident_kib.saturating_mul(1024));
    }
    Ok(memories)
}

struct Mapping<'a> {
    permissions: &'a str,
    kib: u64,
    resident_kib: u64,
}

fn mappings(smaps: &str) -> Vec<Mapping<'_>> {
    let mut mappings: Vec<Mapping<'_>> = Vec::new();
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        match (first, mappings.last_mut()) {
            ("Size:", Some(mapping)) => mapping.kib = second.parse().unwrap_or(0),
            ("Rss:", Some(mapping)) => mapping.resident_kib = second.parse().unwrap_or(0),
            (range, _) if range.contains('-') && !range.ends_with(':') => {
                mappings.push(Mapping { permissions: second, kib: 0, resident_kib: 0 });
            }
            _ => {}
        }
    }
    mappings
}

/// Has an Envoy of one worker, which two processors can run without making it wait, read the whole snapshot again.
async fn longest_turn(parts: &Parts, authority: &Authority, token: &str) -> Result<(Duration, Duration)> {
    let gateway = Gateway::start(parts, authority, 1, local(ports::free()?)).await?;
    go_first(gateway.envoy.child.pid());
    let mut workers = gateway.connect_each_worker(1, 0).await?;
    until_all_open(&mut workers, token).await?;
    let idle = {
        // What the start took is in the first interval, so another one has to come.
        let mut first = None;
        wait::until("another interval", Duration::from_secs(30), async || {
            let now = turns(&gateway).await.map_err(|error| error.to_string())?;
            match &first {
                Some(first) if *first != now => return Ok(()),
                None if longest_of(&now) > Duration::ZERO => first = Some(now),
                _ => {}
            }
            Err("none yet".to_owned())
        })
        .await?;
        let end = Instant::now() + IDLE;
        let mut idle = Duration::ZERO;
        while Instant::now() < end {
            idle = idle.max(turn(&gateway).await?);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        idle
    };
    let before = gateway.envoy.stat("bearward.feed.generation").await?;
    authority.reset_feed()?;
    let mut longest = Duration::ZERO;
    let end = Instant::now() + Duration::from_secs(60);
    let mut settled = None;
    loop {
        longest = longest.max(turn(&gateway).await?);
        let done = gateway.envoy.stat("bearward.feed.generation").await? > before;
        if done && settled.is_none() {
            until_all_open(&mut workers, token).await?;
            // An interval more, as what is shown is the last whole one.
            settled = Some(Instant::now() + Duration::from_secs(2));
        }
        if settled.is_some_and(|settled| Instant::now() >= settled) {
            return Ok((longest, idle));
        }
        if Instant::now() >= end {
            let last = format!("generation {before}");
            return Err(Error::Timeout {
                what: "the feed to begin anew".to_owned(),
                limit: Duration::from_secs(60),
                last,
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Has its threads run before those of others: a turn is timed by the clock, and what it waits for a processor is not its
/// work. Where that is not allowed, the figure holds the waiting too.
fn go_first(pid: u32) {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let threads = threads.map(|thread| thread.file_name());
    let _ = Command::new("renice").args(["-n", "-19", "-p"]).args(threads).stdout(Stdio::null()).status();
}

/// The longest turn of any thread's loop in the last interval, by Envoy's own histogram.
async fn turn(gateway: &Gateway) -> Result<Duration> {
    Ok(longest_of(&turns(gateway).await?))
}

fn longest_of(histogram: &str) -> Duration {
    let most = |line: &str| {
        let (_, rest) = line.split_once("P100(")?;
        rest.split(',').next()?.parse::<f64>().ok()
    };
    let micros = histogram.lines().filter_map(most).fold(0.0, f64::max);
    Duration::from_secs_f64(micros / 1e6)
}

async fn turns(gateway: &Gateway) -> Result<String> {
    gateway.envoy.ask("/stats?filter=worker_0.dispatcher.loop_duration_us").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_read() {
        let text = "7f00-7f10 rw-p 00000000 00:00 0 \nSize:  64 kB\nRss:   12 kB\nVmFlags: rd\n\
                    7f10-8f10 ---p 00000000 00:00 0 \nSize:  8388608 kB\nRss:   0 kB\n";
        let read = mappings(text);
        assert_eq!(
            read.iter().map(|m| (m.permissions, m.kib, m.resident_kib)).collect::<Vec<_>>(),
            [("rw-p", 64, 12), ("---p", 8_388_608, 0)]
        );
    }
}
