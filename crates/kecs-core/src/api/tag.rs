//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use kecs_model::{ErrorCode, Refusal, refuse, types};

use super::{name, tags};
use crate::call::Call;
use crate::key::Key;
use crate::record::{
    CapacityProvider, Cluster, ContainerInstance, Kind, Service, Task, TaskDefinition, TaskSet, status,
};
use crate::tx::Tx;

pub(super) fn tag(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::TagResourceRequest,
) -> Result<types::TagResourceResponse, Refusal> {
    let more = tags::checked(request.tags)?;
    let arn = request.resource_arn.unwrap_or_default();
    change(tx, &arn, |known| tags::merged(known, more))?;
    Ok(types::TagResourceResponse::default())
}

pub(super) fn untag(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::UntagResourceRequest,
) -> Result<types::UntagResourceResponse, Refusal> {
    let keys = request.tag_keys.unwrap_or_default();
    if keys.iter().any(|key| tags::is_reserved(key)) {
        return Err(tags::reserved());
    }
    let arn = request.resource_arn.unwrap_or_default();
    let stays = |tag: &types::Tag| tag.key.as_ref().is_none_or(|key| !keys.contains(key));
    change(tx, &arn, |known| Ok(known.into_iter().filter(stays).collect()))?;
    Ok(types::UntagResourceResponse::default())
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListTagsForResourceRequest,
) -> Result<types::ListTagsForResourceResponse, Refusal> {
    let arn = request.resource_arn.unwrap_or_default();
    let mut found = Vec::new();
    let shown = change(tx, &arn, |known| {
        found.clone_from(&known);
        Ok(known)
    });
    // The model names no ResourceNotFoundException for this operation.
    shown.map_err(|refusal| {
        if refusal.code == ErrorCode::ResourceNotFoundException {
            refuse!(
                InvalidParameterException,
                "The specified resource could not be found. You can view your available resources with the list APIs."
            )
        } else {
            refusal
        }
    })?;
    Ok(types::ListTagsForResourceResponse { tags: Some(found) })
}

/// What has tags.
trait Tagged: Kind {
    /// Its ARN, to tell the one that a request names from one under the same name.
    fn arn(&self) -> Option<&str>;
    /// Whether its tags cannot be seen or changed any more.
    fn is_over(&self) -> bool;
    /// What is said of it then.
    fn over() -> Refusal;
    /// Its tags.
    fn tags(&mut self) -> &mut Option<Vec<types::Tag>>;
}

macro_rules! tagged {
    ($($kind:ident: $shape:ident $arn:ident, $status:expr, $over:expr;)*) => { $(
        impl Tagged for $kind {
            fn arn(&self) -> Option<&str> {
                self.$shape.$arn.as_deref()
            }
            fn is_over(&self) -> bool {
                let status: fn(&Self) -> Option<&str> = $status;
                matches!(status(self), Some(status::INACTIVE | status::STOPPED))
            }
            fn over() -> Refusal {
                $over
            }
            fn tags(&mut self) -> &mut Option<Vec<types::Tag>> {
                &mut self.$shape.tags
            }
        }
    )* };
}

tagged!(
    Cluster: cluster cluster_arn, |it| it.cluster.status.as_deref(),
        refuse!(InvalidParameterException, "The specified cluster is inactive. Specify an active cluster and try again.");
    Service: service service_arn, |it| it.service.status.as_deref(),
        refuse!(InvalidParameterException, "The specified service is inactive. Specify an active service and try again.");
    Task: task task_arn, |it| it.task.last_status.as_deref(),
        refuse!(InvalidParameterException, "The specified task is stopped. Specify a running task and try again.");
    TaskSet: task_set task_set_arn, |_| None, not_found();
    ContainerInstance: instance container_instance_arn, |it| it.instance.status.as_deref(), not_found();
    CapacityProvider: provider capacity_provider_arn,
        |it| it.provider.status.map(types::CapacityProviderStatus::as_str), not_found();
);

/// Changes the tags of the resource that an ARN names.
fn change(
    tx: &mut Tx<'_>,
    arn: &str,
    how: impl FnOnce(Vec<types::Tag>) -> Result<Vec<types::Tag>, Refusal>,
) -> Result<(), Refusal> {
    let scope = tx.scope();
    let own = scope.own(arn).map_err(|_| not_valid())?;
    let (kind, names) = own.split();
    match (kind, names.as_slice()) {
        ("cluster", [name]) => {
            let key = scope.cluster(name);
            tx.get::<Cluster>(&key)?.ok_or_else(name::cluster_not_found)?;
            of::<Cluster>(tx, key, arn, how)
        }
        ("service", [cluster, name]) => of::<Service>(tx, scope.service(cluster, name), arn, how),
        ("task", [cluster, id]) => of::<Task>(tx, scope.task(cluster, id), arn, how),
        ("task-set", [cluster, service, ..]) => {
            let key = scope.task_set(cluster, service, names.last().unwrap_or(&""));
            of::<TaskSet>(tx, key, arn, how)
        }
        ("container-instance", [cluster, id]) => {
            of::<ContainerInstance>(tx, scope.container_instance(cluster, id), arn, how)
        }
        ("capacity-provider", [name]) => of::<CapacityProvider>(tx, scope.capacity_provider(name), arn, how),
        ("task-definition", [name]) => of_task_definition(tx, name, how),
        ("service" | "task" | "container-instance", [_]) => Err(refuse!(
            InvalidParameterException,
            "Long arn format must be used for tagging operations"
        )),
        _ => Err(not_valid()),
    }
}

fn of<K: Tagged>(
    tx: &mut Tx<'_>,
    key: Key,
    arn: &str,
    how: impl FnOnce(Vec<types::Tag>) -> Result<Vec<types::Tag>, Refusal>,
) -> Result<(), Refusal> {
    let mut record = tx.get::<K>(&key)?.ok_or_else(not_found)?;
    if record.is_over() {
        return Err(K::over());
    }
    if record.arn() != Some(arn) {
        // It has kept the short ARN that it was made with.
        return Err(refuse!(
            InvalidParameterException,
            "The specified resource does not have the longArn format. Only resources created after opting in will \
             have the new format."
        ));
    }
    let tags = how(record.tags().take().unwrap_or_default())?;
    *record.tags() = tags::shown(tags);
    tx.put(key, record);
    Ok(())
}

fn of_task_definition(
    tx: &mut Tx<'_>,
    name: &str,
    how: impl FnOnce(Vec<types::Tag>) -> Result<Vec<types::Tag>, Refusal>,
) -> Result<(), Refusal> {
    let (family, revision) = name.rsplit_once(':').ok_or_else(not_found)?;
    let revision: i32 = revision.parse().map_err(|_| not_found())?;
    let key = tx.scope().task_definition(family, revision);
    let mut record = tx.get::<TaskDefinition>(&key)?.ok_or_else(not_found)?;
    record.tags = how(std::mem::take(&mut record.tags))?;
    tx.put(key, record);
    Ok(())
}

fn not_found() -> Refusal {
    refuse!(
        ResourceNotFoundException,
        "The specified resource could not be found. You can view your available resources with the list APIs."
    )
}

fn not_valid() -> Refusal {
    refuse!(
        InvalidParameterException,
        "The specified ARN is not valid. Check the ARN and try again."
    )
}
