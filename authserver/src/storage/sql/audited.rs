//! The one way in which a change and its entry of the audit log are written: together, or not at all.

use super::{Backend, Step, Value};
use crate::model::Change;
use crate::storage::Result;

/// Carries out the steps and records the change, in one transaction; whether that was done. What was recorded is a line of
/// the log too: once it is committed, so that the log names nothing that was refused.
pub(super) async fn audited<'a>(backend: &impl Backend, mut steps: Vec<Step<'a>>, change: &'a Change) -> Result<bool> {
    steps.push(recorded(change));
    let done = backend.together(&steps).await?;
    if done {
        let Change { at: _, actor_kind, actor, address, action, object_kind, object, before, after } = change;
        tracing::info!(
            target: "bearward::audit",
            action, object_kind, object, actor_kind, actor, address, before, after,
            "audit"
        );
    }
    Ok(done)
}

fn recorded(change: &Change) -> Step<'_> {
    let sql = "INSERT INTO audit (at, actor_kind, actor, address, action, object_kind, object, before, after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let args = vec![
        Value::Int(change.at),
        Value::Text(change.actor_kind),
        Value::Text(&change.actor),
        Value::OptText(change.address.as_deref()),
        Value::Text(change.action),
        Value::Text(change.object_kind),
        Value::Text(&change.object),
        Value::OptText(change.before.as_deref()),
        Value::OptText(change.after.as_deref()),
    ];
    Step::new(sql, args)
}
