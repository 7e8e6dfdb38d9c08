//! Capacity providers.

use kecs_model::types::{
    self, CapacityProviderField, CapacityProviderStatus, CapacityProviderType, CapacityProviderUpdateStatus,
};
use kecs_model::{Refusal, refuse};

use super::page::{Listed, Paging, Pick};
use super::strategy::{FARGATE, provider_name};
use super::{name, tags};
use crate::call::Call;
use crate::key::{Key, Scope};
use crate::record::{CapacityProvider, Cluster, Kind as _};
use crate::tx::Tx;
use crate::view::Page;

mod group;
mod managed;

/// Capacity providers on a page where the request does not say.
const PAGE: usize = 10;

pub(super) fn create(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::CreateCapacityProviderRequest,
) -> Result<types::CreateCapacityProviderResponse, Refusal> {
    let name = request.name.unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let reserved = ["aws", "ecs", "fargate"]
        .iter()
        .any(|prefix| lower.starts_with(prefix));
    if !name::is_plain(&name) || reserved {
        return Err(refuse!(
            ClientException,
            "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters \
             (upper and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with \"aws\", \
             \"ecs\", or \"fargate\". Specify a valid name and try again."
        ));
    }
    let cluster = request.cluster.as_deref();
    let cluster = cluster
        .map(|named| name::active_cluster(tx, Some(named)))
        .transpose()?;
    let key = tx.scope().capacity_provider(&name);
    let known = tx.get::<CapacityProvider>(&key)?;
    if known.is_some_and(|it| it.provider.status != Some(CapacityProviderStatus::Inactive)) {
        return Err(refuse!(
            ClientException,
            "The specified capacity provider already exists. To change the configuration of an existing capacity \
             provider, update the capacity provider."
        ));
    }
    let mut provider = types::CapacityProvider {
        capacity_provider_arn: Some(arn(tx.scope(), &name)),
        name: Some(name),
        status: Some(CapacityProviderStatus::Active),
        update_status: Some(CapacityProviderUpdateStatus::CreateComplete),
        tags: Some(tags::checked(request.tags)?),
        ..types::CapacityProvider::default()
    };
    match (
        request.auto_scaling_group_provider,
        request.managed_instances_provider,
    ) {
        (Some(group), None) => {
            if cluster.is_some() {
                return Err(refuse!(
                    InvalidParameterException,
                    "A cluster can only be specified for a capacity provider with managed instances."
                ));
            }
            group::is_free(tx, group.auto_scaling_group_arn.as_deref())?;
            provider.auto_scaling_group_provider = Some(group::checked(group)?);
            provider.r#type = Some(CapacityProviderType::Ec2Autoscaling);
        }
        (None, Some(managed)) => {
            let (cluster, _) = cluster.ok_or_else(|| {
                refuse!(
                    InvalidParameterException,
                    "A cluster must be specified for a capacity provider with managed instances."
                )
            })?;
            provider.cluster = Some(cluster);
            provider.managed_instances_provider = Some(managed::created(managed)?);
            provider.r#type = Some(CapacityProviderType::ManagedInstances);
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err(refuse!(
                ClientException,
                "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified."
            ));
        }
    }
    let shown = provider.clone();
    tx.put(key, CapacityProvider { provider });
    Ok(types::CreateCapacityProviderResponse {
        capacity_provider: Some(shown),
    })
}

pub(super) fn update(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::UpdateCapacityProviderRequest,
) -> Result<types::UpdateCapacityProviderResponse, Refusal> {
    let reserved = refuse!(
        ClientException,
        "The specified capacity provider is reserved and cannot be updated."
    );
    let (key, mut provider) = changeable(tx, request.cluster.as_deref(), request.name.as_deref(), reserved)?;
    match (
        request.auto_scaling_group_provider,
        request.managed_instances_provider,
    ) {
        (Some(update), None) => {
            let group = provider.auto_scaling_group_provider.take();
            let group = group.ok_or_else(other_kind)?;
            provider.auto_scaling_group_provider = Some(group::updated(group, update)?);
        }
        (None, Some(update)) => {
            let managed = provider.managed_instances_provider.take();
            let managed = managed.ok_or_else(other_kind)?;
            provider.managed_instances_provider = Some(managed::updated(managed, update)?);
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err(refuse!(
                ClientException,
                "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified."
            ));
        }
    }
    provider.update_status = Some(CapacityProviderUpdateStatus::UpdateComplete);
    let shown = provider.clone();
    tx.put(key, CapacityProvider { provider });
    Ok(types::UpdateCapacityProviderResponse {
        capacity_provider: Some(shown),
    })
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DeleteCapacityProviderRequest,
) -> Result<types::DeleteCapacityProviderResponse, Refusal> {
    let named = request.capacity_provider.as_deref();
    let reserved = refuse!(
        ClientException,
        "The specified capacity provider is reserved and cannot be deleted."
    );
    let (key, mut provider) = changeable(tx, request.cluster.as_deref(), named, reserved)?;
    let name = provider.name.clone().unwrap_or_default();
    let users = tx.scope().term("clusters").and("provider", &name);
    if tx.guarded_count(&users)? > 0 {
        let first = Page {
            limit: 1,
            ..Page::ALL
        };
        let user = tx.list(&users, first)?;
        let cluster = user.first().and_then(|entry| Cluster::of(&entry.record));
        let cluster = cluster.and_then(|it| it.cluster.cluster_name.as_deref());
        return Err(refuse!(
            ClientException,
            "The capacity provider cannot be deleted because it is associated with cluster: {cluster}. Remove the \
             capacity provider from the cluster and try again.",
            cluster = cluster.unwrap_or_default()
        ));
    }
    provider.status = Some(CapacityProviderStatus::Inactive);
    provider.update_status = Some(CapacityProviderUpdateStatus::DeleteComplete);
    let shown = provider.clone();
    tx.put(key, CapacityProvider { provider });
    Ok(types::DeleteCapacityProviderResponse {
        capacity_provider: Some(shown),
    })
}

/// A capacity provider that is there and is not one of those that every account has. Where a request names a cluster,
/// it is of that cluster. Those are `reserved`.
fn changeable(
    tx: &Tx<'_>,
    cluster: Option<&str>,
    named: Option<&str>,
    reserved: Refusal,
) -> Result<(Key, types::CapacityProvider), Refusal> {
    let cluster = cluster
        .map(|named| name::active_cluster(tx, Some(named)))
        .transpose()?;
    let name = provider_name(tx, named.unwrap_or_default())?;
    if FARGATE.contains(&name.as_str()) {
        return Err(reserved);
    }
    let key = tx.scope().capacity_provider(&name);
    let known = tx.get::<CapacityProvider>(&key)?.map(|it| it.provider);
    let of_cluster = |it: &types::CapacityProvider| match &cluster {
        Some((cluster, _)) => it.cluster.as_ref() == Some(cluster),
        None => true,
    };
    let known = known.filter(|it| it.status != Some(CapacityProviderStatus::Inactive) && of_cluster(it));
    let known = known.ok_or_else(|| {
        refuse!(
            ClientException,
            "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
        )
    })?;
    Ok((key, known))
}

fn other_kind() -> Refusal {
    refuse!(
        InvalidParameterException,
        "The kind of a capacity provider cannot be changed."
    )
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeCapacityProvidersRequest,
) -> Result<types::DescribeCapacityProvidersResponse, Refusal> {
    let of_it = request
        .cluster
        .as_deref()
        .map(|cluster| of_a_cluster(tx, cluster));
    let of_it = of_it.transpose()?;
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    let named = request.capacity_providers.filter(|named| !named.is_empty());
    let mut failures = Vec::new();
    let listed = match (named, of_it) {
        (None, None) => everything(tx, &paging)?,
        (named, of_it) => {
            let names = match &named {
                Some(named) => named
                    .iter()
                    .map(|it| provider_name(tx, it))
                    .collect::<Result<_, _>>()?,
                None => of_it.clone().unwrap_or_default(),
            };
            let mut found = Vec::new();
            for name in names {
                let asked = of_it.as_ref().is_none_or(|all| all.contains(&name));
                match known(tx, &name)?.filter(|_| asked) {
                    Some(it) => found.push((tx.scope().capacity_provider(&name), it)),
                    None => failures.push(name::missing(arn(tx.scope(), &name))),
                }
            }
            found.sort_by(|one, other| one.0.cmp(&other.0));
            paging.cut(found)
        }
    };
    let tags = request
        .include
        .unwrap_or_default()
        .contains(&CapacityProviderField::Tags);
    let shown = |mut provider: types::CapacityProvider| {
        if !tags {
            provider.tags = Some(Vec::new());
        }
        provider
    };
    Ok(types::DescribeCapacityProvidersResponse {
        capacity_providers: Some(listed.items.into_iter().map(shown).collect()),
        failures: Some(failures),
        next_token: listed.next_token,
    })
}

/// The capacity providers of a cluster by name: those that are associated with it, and its own.
fn of_a_cluster(tx: &Tx<'_>, named: &str) -> Result<Vec<String>, Refusal> {
    let (cluster, record) = name::active_cluster(tx, Some(named))?;
    let mut names = record.cluster.capacity_providers.unwrap_or_default();
    let own = tx.scope().term_in("capacity-providers", &cluster);
    for (_, it) in tx.all::<CapacityProvider>(&own)? {
        let name = it.provider.name.unwrap_or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// A page of all that there are. Those that every account has are not kept, so they are set between the others.
fn everything(tx: &Tx<'_>, paging: &Paging) -> Result<Listed<types::CapacityProvider>, Refusal> {
    let term = tx.scope().term("capacity-providers");
    let kept = paging.select(tx, &term, |entry| {
        let kept = CapacityProvider::of(&entry.record);
        Ok(kept.map_or(Pick::Skip, |it| {
            Pick::Take((entry.key.clone(), it.provider.clone()))
        }))
    })?;
    let fixed = FARGATE.map(|name| (tx.scope().capacity_provider(name), fargate(tx.scope(), name)));
    Ok(paging.blend(kept, fixed))
}

fn known(tx: &Tx<'_>, name: &str) -> Result<Option<types::CapacityProvider>, Refusal> {
    if FARGATE.contains(&name) {
        return Ok(Some(fargate(tx.scope(), name)));
    }
    let kept = tx.get::<CapacityProvider>(&tx.scope().capacity_provider(name))?;
    Ok(kept.map(|it| it.provider))
}

fn fargate(scope: &Scope, name: &str) -> types::CapacityProvider {
    let kind = if name == FARGATE[0] {
        CapacityProviderType::Fargate
    } else {
        CapacityProviderType::FargateSpot
    };
    types::CapacityProvider {
        capacity_provider_arn: Some(arn(scope, name)),
        name: Some(name.to_owned()),
        status: Some(CapacityProviderStatus::Active),
        tags: Some(Vec::new()),
        r#type: Some(kind),
        ..types::CapacityProvider::default()
    }
}

fn arn(scope: &Scope, name: &str) -> String {
    scope.arn(&format!("capacity-provider/{name}"))
}
