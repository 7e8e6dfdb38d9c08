//! The task definition that a request names.

use kecs_model::Refusal;
use kecs_model::types::TaskDefinitionStatus;

use crate::record::{Kind as _, TaskDefinition, status};
use crate::tx::Tx;
use crate::view::Page;

/// A task definition to make tasks from: it is ACTIVE. A family alone means the newest revision that is.
pub(in crate::api) fn usable(tx: &Tx<'_>, named: &str) -> Result<TaskDefinition, Refusal> {
    let found = resolve(tx, named)?;
    if found.definition.status == Some(TaskDefinitionStatus::Active) {
        return Ok(found);
    }
    Err(Refusal::client("TaskDefinition is inactive"))
}

/// A task definition in any status.
pub(in crate::api) fn resolve(tx: &Tx<'_>, named: &str) -> Result<TaskDefinition, Refusal> {
    let not_found = || Refusal::client("TaskDefinition not found.");
    let name = if named.starts_with("arn:") {
        let arn = tx.scope().own(named)?;
        let name = arn.resource.strip_prefix("task-definition/");
        name.ok_or_else(not_found)?.to_owned()
    } else {
        named.to_owned()
    };
    let (family, revision) = match name.split_once(':') {
        Some((family, revision)) => (family, Some(revision.parse::<i32>())),
        None => (name.as_str(), None),
    };
    let revision = match revision {
        Some(Ok(revision)) => revision,
        Some(Err(_)) => {
            return Err(Refusal::invalid(format!(
                "Invalid revision number. Number: {}",
                name.rsplit(':').next().unwrap_or_default()
            )));
        }
        None => {
            let term = tx.scope().term("task-definitions").and("status", status::ACTIVE);
            let newest = Page {
                after: None,
                limit: 1,
                descending: true,
            };
            let listed = tx.list(&term.and("family", family), newest)?;
            let newest = listed.first().and_then(|entry| TaskDefinition::of(&entry.record));
            let newest = newest.and_then(|it| it.definition.revision);
            newest.ok_or_else(not_found)?
        }
    };
    let key = tx.scope().task_definition(family, revision);
    tx.get::<TaskDefinition>(&key)?.ok_or_else(not_found)
}
