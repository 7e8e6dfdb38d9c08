//! What the data plane is told of a task.

use kecs_core::key::{Key, Scope};
use kecs_core::plane::Order;
use kecs_core::record::{Kind, Service, Task, TaskDefinition};
use kecs_core::view::{Unreadable, View};
use kecs_model::types;

/// All that it takes to run a task; `None` if what it is made from is gone.
pub(crate) fn order(
    view: &dyn View,
    scope: &Scope,
    key: &Key,
    task: &Task,
) -> Result<Option<Order>, Unreadable> {
    let arn = task.task.task_definition_arn.as_deref().unwrap_or_default();
    let Some((family, revision)) = revision_of(arn) else {
        return Ok(None);
    };
    let Some(definition) = get::<TaskDefinition>(view, &scope.task_definition(family, revision))? else {
        return Ok(None);
    };
    let service = match (&task.service, cluster_of(key)) {
        (Some(service), Some(cluster)) => get::<Service>(view, &scope.service(cluster, service))?,
        (Some(_) | None, _) => None,
    };
    Ok(Some(Order {
        task: task.task.clone(),
        definition: definition.definition,
        // Without what has become of it so far, which is most of it.
        service: service.map(|it| types::Service {
            deployments: None,
            events: None,
            ..it.service
        }),
    }))
}

/// The record under a key, if it is of this kind.
pub(crate) fn get<K: Kind>(view: &dyn View, key: &Key) -> Result<Option<K>, Unreadable> {
    Ok(view.get(key)?.and_then(|entry| K::of(&entry.record).cloned()))
}

/// The family and revision that the ARN of a task definition names.
fn revision_of(arn: &str) -> Option<(&str, i32)> {
    let (family, revision) = arn.rsplit('/').next()?.rsplit_once(':')?;
    Some((family, revision.parse().ok()?))
}

/// The cluster that the key of a task, a task set or a service lies in.
pub(crate) fn cluster_of(key: &Key) -> Option<&str> {
    key.as_str().split('/').nth(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_an_arn_say_what_they_belong_to() {
        let scope = Scope::new("123456789012", "eu-west-1");
        assert_eq!(cluster_of(&scope.task("blue", "0af3")), Some("blue"));
        assert_eq!(cluster_of(&scope.service("blue", "web")), Some("blue"));
        assert_eq!(revision_of(&scope.arn("task-definition/web:7")), Some(("web", 7)));
        assert_eq!(revision_of("web"), None);
    }
}
