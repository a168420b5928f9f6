//! `bearward audit`.

use super::failure::Failure;
use super::{Context, Output, as_json, table};
use crate::model::AuditFilter;

#[derive(clap::Args)]
pub(super) struct Audit {
    /// Only by this person (their sub), client or user of the machine.
    #[arg(long)]
    actor: Option<String>,
    /// Only this action, such as client.edit.
    #[arg(long)]
    action: Option<String>,
    /// Only about this object, as kind:id, such as client:web.
    #[arg(long, value_name = "KIND:ID")]
    object: Option<String>,
    /// Only since then: Unix time in seconds.
    #[arg(long, value_name = "TIME")]
    since: Option<i64>,
    /// At most so many entries, the newest first; 0 for all.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    output: Output,
}

/// With `--json` each entry is one line, so that the whole log can be streamed elsewhere.
pub(super) async fn run(context: &Context, audit: Audit) -> Result<(), Failure> {
    let object = match audit.object.as_deref().map(|object| object.split_once(':')) {
        None => None,
        Some(Some((kind, id))) => Some((kind.to_owned(), id.to_owned())),
        Some(None) => return Err(Failure::new("--object is kind:id, such as client:web")),
    };
    let (object_kind, object) = object.unzip();
    let filter = AuditFilter { actor: audit.actor, action: audit.action, object_kind, object, since: audit.since };
    let mut left = if audit.limit == 0 { usize::MAX } else { audit.limit };
    let mut after: Option<String> = None;
    let mut rows = Vec::new();
    while left > 0 {
        let most = u32::try_from(left.min(500)).unwrap_or(500);
        let page = context.admin().audit(&filter, after.as_deref(), most).await?;
        left = left.saturating_sub(page.items.len());
        for entry in page.items {
            if audit.output.json {
                println!("{}", as_json(&entry)?);
                continue;
            }
            let who = format!("{} {}", entry.actor_kind, entry.actor);
            let what = format!("{} {}", entry.object_kind, entry.object);
            rows.push([table::at(entry.at), who, entry.address.unwrap_or_default(), entry.action, what]);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if !audit.output.json {
        table::print(["when", "who", "from", "did", "to"], rows);
    }
    Ok(())
}
