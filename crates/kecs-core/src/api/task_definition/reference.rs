//! How requests name task definitions: by family, by family and revision, by ARN.

use kecs_model::types::TaskDefinitionStatus;
use kecs_model::{Refusal, refuse};

use crate::key::{Key, Scope};
use crate::record::{Family, Kind as _, TaskDefinition};
use crate::tx::Tx;
use crate::view::Page;

/// The task definition that a request names, in any status; the newest that is ACTIVE where it names a family alone.
pub fn resolve(tx: &Tx<'_>, named: &str) -> Result<Option<(Key, TaskDefinition)>, Refusal> {
    let (family, revision) = split(tx.scope(), named)?;
    match revision {
        Some(revision) => of(tx, &family, revision),
        None => newest(tx, &family),
    }
}

/// The task definition that a request names for use: it is ACTIVE.
pub fn usable(tx: &Tx<'_>, named: &str) -> Result<TaskDefinition, Refusal> {
    let found = resolve(tx, named)?;
    let (_, record) = found.ok_or_else(|| refuse!(ClientException, "TaskDefinition not found."))?;
    if record.definition.status != Some(TaskDefinitionStatus::Active) {
        return Err(refuse!(ClientException, "TaskDefinition is inactive"));
    }
    Ok(record)
}

/// The task definition that a request names with its revision, as it must.
pub(super) fn exact(tx: &Tx<'_>, named: &str) -> Result<Option<(Key, TaskDefinition)>, Refusal> {
    match split(tx.scope(), named)? {
        (family, Some(revision)) => of(tx, &family, revision),
        (_, None) => Err(refuse!(InvalidParameterException, "Revision is missing")),
    }
}

fn of(tx: &Tx<'_>, family: &str, revision: i32) -> Result<Option<(Key, TaskDefinition)>, Refusal> {
    let key = tx.scope().task_definition(family, revision);
    let record = tx.get::<TaskDefinition>(&key)?;
    Ok(record.map(|record| (key, record)))
}

fn newest(tx: &Tx<'_>, family: &str) -> Result<Option<(Key, TaskDefinition)>, Refusal> {
    // The commit fails if a revision is registered meanwhile.
    if let Some(kept) = tx.get::<Family>(&tx.scope().family(family))?
        && let Some(last) = of(tx, family, kept.last_revision)?
        && last.1.definition.status == Some(TaskDefinitionStatus::Active)
    {
        return Ok(Some(last));
    }
    let active = tx.scope().term("task-definitions").and("status", "ACTIVE");
    let last = Page {
        after: None,
        limit: 1,
        descending: true,
    };
    let entries = tx.list(&active.and("family", family), last)?;
    let found = entries.into_iter().next();
    Ok(found.and_then(|entry| Some((entry.key.clone(), TaskDefinition::of(&entry.record).cloned()?))))
}

/// The family, and the revision if there is one.
fn split(scope: &Scope, named: &str) -> Result<(String, Option<i32>), Refusal> {
    let name = if named.starts_with("arn:") {
        let arn = scope.own(named)?;
        match arn.split() {
            ("task-definition", names) if names.len() == 1 => names[0].to_owned(),
            (kind, _) => {
                return Err(refuse!(
                    InvalidParameterException,
                    "Invalid identifier: Unsupported resource type: {kind}"
                ));
            }
        }
    } else {
        named.to_owned()
    };
    let Some((family, revision)) = name.split_once(':') else {
        return Ok((name, None));
    };
    // A sign would be read as part of a number.
    let digits = revision.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<i32> = revision.parse().ok().filter(|number| digits && *number > 0);
    let number = number.ok_or_else(|| {
        refuse!(
            InvalidParameterException,
            "Invalid revision number. Number: {value}",
            value = revision
        )
    })?;
    Ok((family.to_owned(), Some(number)))
}
