//! What `RegisterTaskDefinition` accepts.

use kecs_model::types::{Compatibility, RegisterTaskDefinitionRequest, TaskDefinition};
use kecs_model::{Refusal, refuse};

use crate::placement::Query;

use super::{capability, container, dependency, external, fargate, filled, network, size, volume};

/// Bytes of JSON that a task definition has at most.
const LONGEST: usize = 65_536;

/// The task definition that a request asks for, without its number: its parts agree.
pub(super) fn checked(request: RegisterTaskDefinitionRequest) -> Result<TaskDefinition, Refusal> {
    let length = serde_json::to_string(&request).map_or(0, |text| text.len());
    if length > LONGEST {
        return Err(refuse!(
            ClientException,
            "Actual length: '{length}'. Max allowed length is '65536' bytes."
        ));
    }
    let mut definition = drafted(request);
    if definition.inference_accelerators.is_some() {
        return Err(refuse!(
            ClientException,
            "Unsupported field 'inferenceAccelerators'."
        ));
    }
    roles(&definition)?;
    definition.cpu = size::cpu(definition.cpu.as_deref())?;
    definition.memory = size::memory(definition.memory.as_deref())?;
    constraints(&definition)?;
    let required = definition.requires_compatibilities.clone().unwrap_or_default();
    let for_fargate = required.contains(&Compatibility::Fargate);
    size::of_machine(&definition, &required)?;
    container::check(&definition)?;
    volume::check(&definition)?;
    network::check(&definition)?;
    dependency::check(&definition)?;
    if for_fargate {
        fargate::check(&definition)?;
    } else {
        container::has_memory(&definition)?;
    }
    if required.contains(&Compatibility::Ec2) && definition.ephemeral_storage.is_some() {
        return Err(refuse!(
            ClientException,
            "Tasks using the EC2 launch type do not support EphemeralStorage."
        ));
    }
    if required.contains(&Compatibility::External) {
        external::check(&definition)?;
    }
    container::fits(&definition)?;
    let mut definition = filled::filled(definition);
    definition.compatibilities = Some(compatibilities(&definition));
    definition.requires_attributes =
        Some(capability::required(&definition)).filter(|attributes| !attributes.is_empty());
    Ok(definition)
}

fn drafted(request: RegisterTaskDefinitionRequest) -> TaskDefinition {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    TaskDefinition {
        family: request.family,
        task_role_arn: given(request.task_role_arn),
        execution_role_arn: given(request.execution_role_arn),
        network_mode: request.network_mode,
        container_definitions: request.container_definitions,
        volumes: request.volumes,
        placement_constraints: request.placement_constraints,
        requires_compatibilities: request.requires_compatibilities.filter(|it| !it.is_empty()),
        cpu: given(request.cpu),
        memory: given(request.memory),
        pid_mode: request.pid_mode,
        ipc_mode: request.ipc_mode,
        proxy_configuration: request.proxy_configuration,
        inference_accelerators: request.inference_accelerators.filter(|it| !it.is_empty()),
        ephemeral_storage: request.ephemeral_storage,
        runtime_platform: request.runtime_platform,
        enable_fault_injection: request.enable_fault_injection,
        trusted_execution_configuration: request.trusted_execution_configuration,
        ..TaskDefinition::default()
    }
}

/// A role is named by its ARN, or by its name alone.
fn roles(definition: &TaskDefinition) -> Result<(), Refusal> {
    for role in [&definition.task_role_arn, &definition.execution_role_arn]
        .into_iter()
        .flatten()
    {
        let parts: Vec<&str> = role.splitn(6, ':').collect();
        let is_role = matches!(parts.as_slice(), ["arn", _, "iam", "", _, name] if name.starts_with("role/"));
        if parts[0] == "arn" && !is_role {
            return Err(refuse!(ClientException, "Role is not valid"));
        }
    }
    Ok(())
}

/// Every constraint is an expression that can be read.
fn constraints(definition: &TaskDefinition) -> Result<(), Refusal> {
    for constraint in definition.placement_constraints.iter().flatten() {
        let expression = constraint.expression.as_deref().unwrap_or_default();
        if constraint.r#type.is_none() || Query::parse(expression).is_err() {
            return Err(refuse!(
                ClientException,
                "Invalid placement constraint expression."
            ));
        }
    }
    Ok(())
}

/// Where the task definition can run.
fn compatibilities(definition: &TaskDefinition) -> Vec<Compatibility> {
    let fargate = fargate::check(definition).is_ok();
    let required = definition.requires_compatibilities.as_deref().unwrap_or_default();
    let all = [
        (Compatibility::External, external::check(definition).is_ok()),
        // What only Fargate has makes it no task for machines of one's own.
        (Compatibility::Ec2, definition.ephemeral_storage.is_none()),
        (Compatibility::Fargate, fargate),
        (
            Compatibility::ManagedInstances,
            fargate && !fargate::is_windows(definition),
        ),
    ];
    let fits = |(it, fits): &(Compatibility, bool)| *fits || required.contains(it);
    all.into_iter().filter(fits).map(|(it, _)| it).collect()
}
