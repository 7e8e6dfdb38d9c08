//! Clusters.

use std::collections::BTreeSet;

use kecs_model::types::{self, ClusterField, SettingName};
use kecs_model::{Refusal, refuse};

use super::page::{Paging, Pick};
use super::strategy::Whose;
use super::{account_setting, name, strategy, tags};
use crate::call::Call;
use crate::record::{CapacityProvider, Cluster, Kind as _, status};
use crate::tx::Tx;

pub(super) mod count;
mod setting;

use setting::{configuration, namespace, settings};

pub(super) use setting::is_namespace;

/// Clusters on a page where the request does not say.
const PAGE: usize = 100;

pub(super) fn create(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::CreateClusterRequest,
) -> Result<types::CreateClusterResponse, Refusal> {
    let given = request.cluster_name.clone();
    let name = given.unwrap_or_else(|| "default".to_owned());
    if !name::is_plain(&name) {
        return Err(refuse!(
            InvalidParameterException,
            "Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {value}",
            value = name
        ));
    }
    let wanted = wanted(tx, call, &name, request.clone())?;
    let key = tx.scope().cluster(&name);
    let known = tx.get::<Cluster>(&key)?.filter(is_active);
    let kept = match known {
        None => {
            tx.put(
                key,
                Cluster {
                    cluster: wanted.clone(),
                },
            );
            wanted
        }
        Some(known) if agrees(&known.cluster, &wanted, &request) => known.cluster,
        Some(_) => {
            return Err(refuse!(
                InvalidParameterException,
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
            ));
        }
    };
    Ok(types::CreateClusterResponse {
        cluster: Some(whole(tx, kept)?),
    })
}

/// The cluster that a request asks for.
fn wanted(
    tx: &Tx<'_>,
    call: &Call<'_>,
    name: &str,
    request: types::CreateClusterRequest,
) -> Result<types::Cluster, Refusal> {
    let providers = strategy::providers(tx, name, &request.capacity_providers.unwrap_or_default())?;
    let items = request.default_capacity_provider_strategy.unwrap_or_default();
    let items = strategy::checked(tx, &providers, items, Whose::Cluster)?;
    let mut known = Vec::new();
    if request.settings.as_ref().is_none_or(Vec::is_empty) {
        let insights = account_setting::effective(tx, call, SettingName::ContainerInsights)?;
        known = vec![setting::insights(insights)];
    }
    let default = request.service_connect_defaults;
    Ok(types::Cluster {
        cluster_arn: Some(tx.scope().arn(&format!("cluster/{name}"))),
        cluster_name: Some(name.to_owned()),
        status: Some(status::ACTIVE.to_owned()),
        tags: Some(tags::checked(request.tags)?),
        settings: Some(settings(known, request.settings.unwrap_or_default())?),
        configuration: request.configuration.map(configuration).transpose()?,
        capacity_providers: Some(providers),
        default_capacity_provider_strategy: Some(items),
        service_connect_defaults: default.map(namespace).transpose()?.flatten(),
        ..types::Cluster::default()
    })
}

/// Whether what is kept is what a request says, as far as it says anything.
fn agrees(known: &types::Cluster, wanted: &types::Cluster, request: &types::CreateClusterRequest) -> bool {
    (request.settings.is_none() || known.settings == wanted.settings)
        && (request.configuration.is_none() || known.configuration == wanted.configuration)
        && (request.capacity_providers.is_none() || known.capacity_providers == wanted.capacity_providers)
        && (request.default_capacity_provider_strategy.is_none()
            || known.default_capacity_provider_strategy == wanted.default_capacity_provider_strategy)
        && (request.service_connect_defaults.is_none()
            || known.service_connect_defaults == wanted.service_connect_defaults)
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeClustersRequest,
) -> Result<types::DescribeClustersResponse, Refusal> {
    let named = request.clusters.filter(|named| !named.is_empty());
    let named = named.unwrap_or_else(|| vec!["default".to_owned()]);
    let include = request.include.unwrap_or_default();
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for named in &named {
        let name = tx.scope().cluster_name(Some(named))?;
        // One that is named twice is told of once.
        if !seen.insert(name.clone()) {
            continue;
        }
        match tx.get::<Cluster>(&tx.scope().cluster(&name))? {
            Some(cluster) => clusters.push(shown(tx, cluster.cluster, &include)?),
            None => failures.push(name::missing(tx.scope().arn(&format!("cluster/{name}")))),
        }
    }
    Ok(types::DescribeClustersResponse {
        clusters: Some(clusters),
        failures: Some(failures),
    })
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListClustersRequest,
) -> Result<types::ListClustersResponse, Refusal> {
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    let listed = paging.select(tx, &tx.scope().term("clusters"), |entry| {
        let arn = Cluster::of(&entry.record).and_then(|it| it.cluster.cluster_arn.clone());
        Ok(arn.map_or(Pick::Skip, Pick::Take))
    })?;
    Ok(types::ListClustersResponse {
        cluster_arns: Some(listed.items),
        next_token: listed.next_token,
    })
}

pub(super) fn update(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::UpdateClusterRequest,
) -> Result<types::UpdateClusterResponse, Refusal> {
    let (name, mut record) = name::active_cluster(tx, request.cluster.as_deref())?;
    let cluster = &mut record.cluster;
    if let Some(more) = request.settings {
        let known = cluster.settings.take().unwrap_or_default();
        cluster.settings = Some(settings(known, more)?);
    }
    if let Some(new) = request.configuration {
        cluster.configuration = Some(configuration(new)?);
    }
    if let Some(defaults) = request.service_connect_defaults {
        cluster.service_connect_defaults = namespace(defaults)?;
    }
    let cluster = keep(tx, &name, record)?;
    Ok(types::UpdateClusterResponse {
        cluster: Some(cluster),
    })
}

pub(super) fn update_settings(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::UpdateClusterSettingsRequest,
) -> Result<types::UpdateClusterSettingsResponse, Refusal> {
    let (name, mut record) = name::active_cluster(tx, request.cluster.as_deref())?;
    let more = request.settings.unwrap_or_default();
    if more.is_empty() {
        return Err(refuse!(InvalidParameterException, "settings cannot be empty."));
    }
    let known = record.cluster.settings.take().unwrap_or_default();
    record.cluster.settings = Some(settings(known, more)?);
    let cluster = keep(tx, &name, record)?;
    Ok(types::UpdateClusterSettingsResponse {
        cluster: Some(cluster),
    })
}

pub(super) fn put_capacity_providers(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::PutClusterCapacityProvidersRequest,
) -> Result<types::PutClusterCapacityProvidersResponse, Refusal> {
    let (name, mut record) = name::active_cluster(tx, request.cluster.as_deref())?;
    let providers = strategy::providers(tx, &name, &request.capacity_providers.unwrap_or_default())?;
    let items = request.default_capacity_provider_strategy.unwrap_or_default();
    for item in &items {
        let named = item.capacity_provider.as_deref().unwrap_or_default();
        if !providers.contains(&strategy::provider_name(tx, named)?) {
            return Err(refuse!(
                InvalidParameterException,
                "The default capacity provider strategy cannot contain a capacity provider that is not associated \
                 with the cluster."
            ));
        }
    }
    let items = strategy::checked(tx, &providers, items, Whose::Cluster)?;
    let before = record.cluster.capacity_providers.take().unwrap_or_default();
    for gone in before.iter().filter(|name| !providers.contains(name)) {
        let scope = tx.scope();
        let tasks = scope.term_in("tasks", &name).and("live-with", gone);
        let services = scope.term_in("services", &name).and("provider", gone);
        if tx.guarded_count(&tasks)? > 0 || tx.guarded_count(&services)? > 0 {
            return Err(strategy::in_use());
        }
    }
    let cluster = &mut record.cluster;
    let attached = cluster.attachments.take().unwrap_or_default();
    cluster.attachments = Some(attachments(tx, call, &providers, &attached)?);
    cluster.attachments_status = Some("UPDATE_COMPLETE".to_owned());
    cluster.capacity_providers = Some(providers);
    cluster.default_capacity_provider_strategy = Some(items);
    let attachments = (cluster.attachments.clone(), cluster.attachments_status.clone());
    let mut cluster = keep(tx, &name, record)?;
    (cluster.attachments, cluster.attachments_status) = attachments;
    Ok(types::PutClusterCapacityProvidersResponse {
        cluster: Some(cluster),
    })
}

/// What scales the machines of a cluster: a policy for each capacity provider whose group is scaled for it.
fn attachments(
    tx: &Tx<'_>,
    call: &Call<'_>,
    providers: &[String],
    attached: &[types::Attachment],
) -> Result<Vec<types::Attachment>, Refusal> {
    let pair = |name: &str, value: String| types::KeyValuePair {
        name: Some(name.to_owned()),
        value: Some(value),
    };
    let mut attachments = Vec::new();
    for name in providers {
        let provider = tx.get::<CapacityProvider>(&tx.scope().capacity_provider(name))?;
        let group = provider.and_then(|it| it.provider.auto_scaling_group_provider);
        let scaling = group.and_then(|group| group.managed_scaling?.status);
        if scaling != Some(types::ManagedScalingStatus::Enabled) {
            continue;
        }
        let named = pair("capacityProviderName", name.clone());
        let known = attached
            .iter()
            .find(|it| it.details.as_ref().is_some_and(|all| all.contains(&named)));
        attachments.push(known.cloned().unwrap_or_else(|| {
            let policy = format!("ECSManagedAutoScalingPolicy-{}", call.ids.uuid());
            types::Attachment {
                id: Some(call.ids.uuid()),
                r#type: Some("as_policy".to_owned()),
                status: Some("CREATED".to_owned()),
                details: Some(vec![named, pair("scalingPolicyName", policy)]),
            }
        }));
    }
    Ok(attachments)
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DeleteClusterRequest,
) -> Result<types::DeleteClusterResponse, Refusal> {
    // A cluster that is gone already is told of once more.
    let (name, mut record) = name::cluster(tx, request.cluster.as_deref())?;
    if is_active(&record) {
        deletable(tx, &name)?;
    }
    record.cluster.status = Some(status::INACTIVE.to_owned());
    let cluster = keep(tx, &name, record)?;
    Ok(types::DeleteClusterResponse {
        cluster: Some(cluster),
    })
}

/// Whether nothing is left in a cluster. It stays so until this is committed.
fn deletable(tx: &Tx<'_>, name: &str) -> Result<(), Refusal> {
    let scope = tx.scope();
    let guards = [
        (
            vec![scope.term_in("container-instances", name)],
            refuse!(
                ClusterContainsContainerInstancesException,
                "The Cluster cannot be deleted while Container Instances are active or draining."
            ),
        ),
        (
            vec![scope.term_in("services", name)],
            refuse!(
                ClusterContainsServicesException,
                "The Cluster cannot be deleted while Services are active."
            ),
        ),
        (
            vec![scope.term_in("live-tasks", name)],
            refuse!(
                ClusterContainsTasksException,
                "The Cluster cannot be deleted while Tasks are active."
            ),
        ),
        (
            vec![scope.term_in("capacity-providers", name)],
            refuse!(
                ClusterContainsCapacityProviderException,
                "The Cluster cannot be deleted while Capacity Providers are associated."
            ),
        ),
    ];
    for (terms, refusal) in guards {
        for term in terms {
            if tx.guarded_count(&term)? > 0 {
                return Err(refusal);
            }
        }
    }
    Ok(())
}

fn is_active(record: &Cluster) -> bool {
    record.cluster.status.as_deref() == Some(status::ACTIVE)
}

fn keep(tx: &mut Tx<'_>, name: &str, record: Cluster) -> Result<types::Cluster, Refusal> {
    let cluster = record.cluster.clone();
    tx.put(tx.scope().cluster(name), record);
    whole(tx, cluster)
}

/// A cluster as the operations that change it show it.
fn whole(tx: &Tx<'_>, cluster: types::Cluster) -> Result<types::Cluster, Refusal> {
    shown(
        tx,
        cluster,
        &[
            ClusterField::Configurations,
            ClusterField::Settings,
            ClusterField::Tags,
        ],
    )
}

/// A cluster with its counts, and with no more than is asked for.
fn shown(
    tx: &Tx<'_>,
    mut cluster: types::Cluster,
    include: &[ClusterField],
) -> Result<types::Cluster, Refusal> {
    let name = cluster.cluster_name.clone().unwrap_or_default();
    let counts = count::of(tx, &name)?;
    cluster.registered_container_instances_count = Some(counts.instances);
    cluster.running_tasks_count = Some(counts.running);
    cluster.pending_tasks_count = Some(counts.pending);
    cluster.active_services_count = Some(counts.services);
    cluster.statistics = Some(if include.contains(&ClusterField::Statistics) {
        count::statistics(tx, &name)?
    } else {
        Vec::new()
    });
    if !include.contains(&ClusterField::Tags) {
        cluster.tags = Some(Vec::new());
    }
    if !include.contains(&ClusterField::Settings) {
        cluster.settings = Some(Vec::new());
    }
    if !include.contains(&ClusterField::Configurations) {
        cluster.configuration = None;
    }
    if include.contains(&ClusterField::Attachments) {
        cluster.attachments.get_or_insert_default();
    } else {
        cluster.attachments = None;
        cluster.attachments_status = None;
    }
    cluster.tags.get_or_insert_default();
    Ok(cluster)
}
