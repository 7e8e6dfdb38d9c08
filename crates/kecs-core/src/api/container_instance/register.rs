//! `RegisterContainerInstance`.

use std::collections::BTreeMap;

use kecs_model::types::{
    self, AgentUpdateStatus, Attribute, PlatformDevice, PlatformDeviceType, Resource, SettingName, TargetType,
};
use kecs_model::{Refusal, refuse};
use serde::Deserialize;

use super::agent_update::is_under_way;
use super::{bump, referenced, whole};
use crate::api::{account_setting, name, strategy, tags};
use crate::call::Call;
use crate::record::{ContainerInstance, status};
use crate::tx::Tx;

/// What a machine tells of itself, as its metadata service signs it.
///
/// Source: Amazon EC2 user guide, "Instance identity documents".
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    instance_id: Option<String>,
    availability_zone: Option<String>,
    instance_type: Option<String>,
    image_id: Option<String>,
    architecture: Option<String>,
}

pub(in crate::api) fn register(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::RegisterContainerInstanceRequest,
) -> Result<types::RegisterContainerInstanceResponse, Refusal> {
    let (cluster, of) = name::active_cluster(tx, request.cluster.as_deref())?;
    let identity = identity(request.instance_identity_document.as_deref())?;
    let tags = tags::checked(request.tags)?;
    let mut resources = resources(request.total_resources.unwrap_or_default())?;
    resources.extend(gpus(&request.platform_devices.unwrap_or_default()));
    let attributes = request.attributes.unwrap_or_default();
    let known = request.container_instance_arn.filter(|arn| !arn.is_empty());
    let (key, record) = if let Some(arn) = known {
        let (key, mut record) = referenced(tx, &cluster, &arn)?;
        let instance = &mut record.instance;
        if instance.status.as_deref() == Some(status::INACTIVE) {
            return Err(refuse!(
                ClientException,
                "The container instance {value} is INACTIVE. Register it as a new one.",
                value = arn
            ));
        }
        if identity.instance_id.is_some() && identity.instance_id != instance.ec2_instance_id {
            return Err(refuse!(
                ClientException,
                "The container instance {value} is another machine.",
                value = arn
            ));
        }
        let updating = instance.agent_update_status.is_some_and(is_under_way);
        if updating && instance.version_info != request.version_info {
            instance.agent_update_status = Some(AgentUpdateStatus::Updated);
        }
        let attributes = merged(instance.attributes.take().unwrap_or_default(), attributes);
        instance.attributes = Some(attributes);
        instance.version_info = request.version_info;
        instance.registered_resources = Some(resources);
        instance.agent_connected = Some(true);
        bump(&mut record);
        (key, record)
    } else {
        let id = call.ids.hex();
        let long = account_setting::is_long_arn(tx, call, SettingName::ContainerInstanceLongArnFormat)?;
        let path = if long {
            format!("{cluster}/{id}")
        } else {
            id.clone()
        };
        let instance = types::ContainerInstance {
            container_instance_arn: Some(tx.scope().arn(&format!("container-instance/{path}"))),
            ec2_instance_id: identity.instance_id.clone(),
            capacity_provider_name: provider(&of.cluster, &attributes),
            version: Some(1),
            version_info: request.version_info,
            registered_resources: Some(resources),
            status: Some(status::ACTIVE.to_owned()),
            agent_connected: Some(true),
            attributes: Some(merged(told(&identity), attributes)),
            registered_at: Some(call.time()),
            tags: Some(tags),
            ..types::ContainerInstance::default()
        };
        let key = tx.scope().container_instance(&cluster, &id);
        (key, ContainerInstance { instance, cluster })
    };
    tx.put(key, record.clone());
    Ok(types::RegisterContainerInstanceResponse {
        container_instance: Some(whole(tx, record)?),
    })
}

/// The capacity provider that a machine belongs to.
///
/// AWS knows it from the Auto Scaling group that has started the machine. There are no groups here, so the machine
/// says it itself by the attribute `ecs.capacity-provider`; one that does not belongs to the one that its cluster has,
/// if that has only one besides those of Fargate.
fn provider(cluster: &types::Cluster, attributes: &[Attribute]) -> Option<String> {
    let own = attributes
        .iter()
        .find(|it| it.name.as_deref() == Some("ecs.capacity-provider"));
    if let Some(named) = own.and_then(|it| it.value.clone()) {
        return Some(named);
    }
    let providers = cluster.capacity_providers.iter().flatten();
    let mut on_machines = providers.filter(|name| !strategy::FARGATE.contains(&name.as_str()));
    let only = on_machines.next().cloned();
    only.filter(|_| on_machines.next().is_none())
}

fn identity(document: Option<&str>) -> Result<Identity, Refusal> {
    let Some(document) = document.filter(|document| !document.trim().is_empty()) else {
        return Ok(Identity::default());
    };
    serde_json::from_str(document).map_err(|_| {
        refuse!(
            InvalidParameterException,
            "The instance identity document cannot be read."
        )
    })
}

/// The attributes that come of what a machine tells of itself.
///
/// Source: Amazon ECS developer guide, "Amazon ECS container instance attributes".
fn told(identity: &Identity) -> Vec<Attribute> {
    let architecture = identity.architecture.as_deref().filter(|it| !it.is_empty());
    let told = [
        ("ecs.ami-id", identity.image_id.as_deref()),
        ("ecs.availability-zone", identity.availability_zone.as_deref()),
        ("ecs.cpu-architecture", architecture),
        ("ecs.instance-type", identity.instance_type.as_deref()),
    ];
    let attribute = |(name, value): (&str, &str)| Attribute {
        name: Some(name.to_owned()),
        value: Some(value.to_owned()),
        ..Attribute::default()
    };
    let told = told.into_iter().filter_map(|(name, value)| Some((name, value?)));
    told.map(attribute).collect()
}

/// Attributes by name, the later ones in the place of the earlier.
pub(in crate::api) fn merged(known: Vec<Attribute>, more: Vec<Attribute>) -> Vec<Attribute> {
    let mut all = BTreeMap::new();
    for attribute in known.into_iter().chain(more) {
        let name = attribute.name.clone().unwrap_or_default();
        // Whose they are is plain where they are kept.
        let attribute = Attribute {
            target_id: None,
            target_type: None::<TargetType>,
            ..attribute
        };
        all.insert(name, attribute);
    }
    all.into_values().collect()
}

/// Resources in the shape that they are shown in: a number of each kind, or a set of texts.
fn resources(given: Vec<Resource>) -> Result<Vec<Resource>, Refusal> {
    let mut all = BTreeMap::new();
    for resource in given {
        let name = resource.name.clone().filter(|name| !name.is_empty());
        let name =
            name.ok_or_else(|| refuse!(InvalidParameterException, "Resource name can not be blank."))?;
        let kind = resource.r#type.as_deref().unwrap_or_default();
        if !["INTEGER", "LONG", "DOUBLE", "STRINGSET"].contains(&kind) {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid type of the resource {name}: {value}",
                value = kind
            ));
        }
        let long = resource.long_value.and_then(|value| i32::try_from(value).ok());
        if resource.integer_value.or(long).is_some_and(|value| value < 0) {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid value of the resource {name}."
            ));
        }
        let set = (kind == "STRINGSET").then(|| resource.string_set_value.clone().unwrap_or_default());
        let shown = Resource {
            double_value: Some(resource.double_value.unwrap_or(0.0)),
            long_value: Some(resource.long_value.unwrap_or(0)),
            integer_value: Some(resource.integer_value.or(long).unwrap_or(0)),
            string_set_value: set,
            ..resource
        };
        if all.insert(name.clone(), shown).is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "The resource {name} is given more than once."
            ));
        }
    }
    Ok(all.into_values().collect())
}

/// The GPUs among the devices of a machine.
fn gpus(devices: &[PlatformDevice]) -> Option<Resource> {
    let gpus = devices
        .iter()
        .filter(|it| it.r#type == Some(PlatformDeviceType::Gpu));
    let ids: Vec<String> = gpus.filter_map(|it| it.id.clone()).collect();
    (!ids.is_empty()).then(|| Resource {
        name: Some("GPU".to_owned()),
        r#type: Some("STRINGSET".to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(0),
        string_set_value: Some(ids),
    })
}
