//! `bearward overview`.

use super::failure::Failure;
use super::{Context, Output, as_json, print_json, table};
use crate::admin::{Overview, Point};

pub(super) async fn run(context: &Context, output: Output) -> Result<(), Failure> {
    let overview = context.admin().overview().await?;
    if output.json {
        print_json(&as_json(&overview)?);
        return Ok(());
    }
    println!("{} clients ({} disabled), {} people", overview.clients, overview.clients_disabled, overview.people);
    println!("last 24 hours: {}", sums(&overview));
    println!("{} gateways follow revocations, {} behind", overview.followers_count, overview.followers_behind);
    if overview.followers.is_empty() {
        return Ok(());
    }
    let rows = overview.followers.into_iter().map(|one| {
        let behind = one.behind.map_or_else(|| "still reading".to_owned(), |seconds| format!("{seconds} s"));
        [one.node.unwrap_or_default(), one.id, one.address, table::at(one.seen_at), behind]
    });
    table::print(["gateway", "process", "address", "asked last", "behind"], rows);
    Ok(())
}

fn sums(overview: &Overview) -> String {
    let sum = |count: fn(&Point) -> i64| overview.hours.iter().map(count).sum::<i64>();
    format!(
        "{} tokens issued, {} denied; {} revocations; {} sign-ins, {} refused",
        sum(|hour| hour.issued),
        sum(|hour| hour.denied),
        sum(|hour| hour.revoked),
        sum(|hour| hour.signed_in),
        sum(|hour| hour.refused)
    )
}
