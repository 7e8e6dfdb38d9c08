//! What a task definition for Fargate has and must not have.
//!
//! Source: Amazon ECS developer guide, "Amazon ECS task definition differences for Fargate".

use kecs_model::types::{
    CPUArchitecture, ContainerDefinition, LinuxParameters, LogDriver, NetworkMode, OSFamily, PidMode,
    ResourceType, TaskDefinition,
};
use kecs_model::{Refusal, refuse};

use super::container::all;
use super::size::number;

/// CPU units, and the memory in MiB that goes with them: the least, the most, and the step between.
const SIZES: [(i64, i64, i64, i64); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// Seconds that a container may take to end. That it may take longer to start than the guide says is no mistake: it is
/// accepted.
const LONGEST_STOP: i32 = 120;

pub(super) fn check(definition: &TaskDefinition) -> Result<(), Refusal> {
    if definition.network_mode != Some(NetworkMode::Awsvpc) {
        return Err(refuse!(
            ClientException,
            "Fargate only supports network mode ‘awsvpc’."
        ));
    }
    sized(definition)?;
    whole(definition)?;
    for container in all(definition) {
        contained(container)?;
        logged(definition, container)?;
        if is_of_ecr(container.image.as_deref().unwrap_or_default())
            && definition.execution_role_arn.is_none()
        {
            return Err(refuse!(
                ClientException,
                "Fargate requires task definition to have execution role ARN to support ECR images."
            ));
        }
    }
    Ok(())
}

/// Whether there is such a combination of CPU and memory.
pub(in crate::api) fn sized(definition: &TaskDefinition) -> Result<(), Refusal> {
    let Some(cpu) = number(definition.cpu.as_deref()) else {
        return Err(refuse!(
            ClientException,
            "Fargate requires that 'cpu' be defined at the task level."
        ));
    };
    let Some(memory) = number(definition.memory.as_deref()) else {
        return Err(refuse!(
            ClientException,
            "Fargate requires that 'memory' be defined at the task level."
        ));
    };
    let fits = |(units, least, most, step): &(i64, i64, i64, i64)| {
        // The smallest size has no 1.5 GiB.
        let skipped = *units == 256 && memory == 1536;
        *units == cpu && (*least..=*most).contains(&memory) && (memory - least) % step == 0 && !skipped
    };
    if SIZES.iter().any(fits) && !(is_windows(definition) && cpu < 1024) {
        return Ok(());
    }
    Err(refuse!(
        ClientException,
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS \
         documentation for the valid values."
    ))
}

/// Whether its containers are of Windows.
pub(super) fn is_windows(definition: &TaskDefinition) -> bool {
    os(definition).is_some_and(|os| os != OSFamily::Linux)
}

fn os(definition: &TaskDefinition) -> Option<OSFamily> {
    definition.runtime_platform.as_ref()?.operating_system_family
}

fn whole(definition: &TaskDefinition) -> Result<(), Refusal> {
    if definition.ipc_mode.is_some() {
        return Err(refuse!(
            ClientException,
            "Tasks using the Fargate launch type do not support ipcMode."
        ));
    }
    if definition.pid_mode == Some(PidMode::Host) {
        return Err(refuse!(
            ClientException,
            "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is \
             'task'."
        ));
    }
    let platform = definition.runtime_platform.as_ref();
    let arm = platform.is_some_and(|it| it.cpu_architecture == Some(CPUArchitecture::Arm64));
    let runs = match os(definition) {
        None | Some(OSFamily::Linux) => true,
        Some(
            OSFamily::WindowsServer2019Full
            | OSFamily::WindowsServer2019Core
            | OSFamily::WindowsServer2022Core
            | OSFamily::WindowsServer2022Full
            | OSFamily::WindowsServer2025Core
            | OSFamily::WindowsServer2025Full,
        ) => !arm,
        Some(
            OSFamily::WindowsServer2016Full
            | OSFamily::WindowsServer2004Core
            | OSFamily::WindowsServer20h2Core,
        ) => false,
    };
    if !runs {
        return Err(unsupported("runtimePlatform"));
    }
    let full = |count: usize| count > 0;
    if full(definition.placement_constraints.iter().flatten().count()) {
        return Err(unsupported("constraints"));
    }
    for volume in definition.volumes.iter().flatten() {
        if volume
            .host
            .as_ref()
            .is_some_and(|host| host.source_path.is_some())
        {
            return Err(unsupported("sourcePath"));
        }
        if volume.docker_volume_configuration.is_some() {
            return Err(unsupported("dockerVolumeConfiguration"));
        }
        if volume.fsx_windows_file_server_volume_configuration.is_some() {
            return Err(unsupported("fsxWindowsFileServerVolumeConfiguration"));
        }
    }
    Ok(())
}

fn contained(container: &ContainerDefinition) -> Result<(), Refusal> {
    if container.privileged == Some(true) {
        return Err(unsupported("privileged"));
    }
    if container.docker_security_options.iter().flatten().count() > 0 {
        return Err(unsupported("dockerSecurityOptions"));
    }
    let mut required = container.resource_requirements.iter().flatten();
    if required.clone().any(|it| it.r#type == Some(ResourceType::Gpu)) {
        return Err(refuse!(
            ClientException,
            "Tasks using the Fargate launch type do not support GPU resource requirements."
        ));
    }
    if required.next().is_some() {
        return Err(unsupported("resourceRequirements"));
    }
    if let Some(linux) = &container.linux_parameters {
        confined(linux)?;
    }
    if container
        .stop_timeout
        .is_some_and(|seconds| seconds > LONGEST_STOP)
    {
        return Err(refuse!(
            ClientException,
            "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds."
        ));
    }
    Ok(())
}

fn confined(linux: &LinuxParameters) -> Result<(), Refusal> {
    let set = [
        ("devices", linux.devices.iter().flatten().count() > 0),
        ("sharedMemorySize", linux.shared_memory_size.is_some()),
        ("maxSwap", linux.max_swap.is_some()),
        ("swappiness", linux.swappiness.is_some()),
    ];
    if let Some((member, _)) = set.into_iter().find(|(_, given)| *given) {
        return Err(unsupported(member));
    }
    let added = linux.capabilities.iter().flat_map(|it| it.add.iter().flatten());
    match added.into_iter().find(|it| *it != "SYS_PTRACE") {
        Some(capability) => Err(refuse!(
            ClientException,
            "{value} is not allowed on Fargate.",
            value = capability
        )),
        None => Ok(()),
    }
}

fn logged(definition: &TaskDefinition, container: &ContainerDefinition) -> Result<(), Refusal> {
    let Some(log) = container.log_configuration.as_ref() else {
        return Ok(());
    };
    let Some(driver) = log.log_driver else {
        return Ok(());
    };
    let option = |name: &str| log.options.as_ref().is_some_and(|all| all.contains_key(name));
    match driver {
        LogDriver::Awslogs if definition.execution_role_arn.is_none() => Err(refuse!(
            ClientException,
            "Fargate requires task definition to have execution role ARN to support log driver awslogs."
        )),
        LogDriver::Awslogs if !option("awslogs-stream-prefix") => Err(refuse!(
            ClientException,
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver \
             awslogs."
        )),
        LogDriver::Awslogs | LogDriver::Splunk | LogDriver::Awsfirelens => Ok(()),
        LogDriver::JsonFile
        | LogDriver::Syslog
        | LogDriver::Journald
        | LogDriver::Gelf
        | LogDriver::Fluentd => Err(refuse!(
            ClientException,
            "{value} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
            value = driver
        )),
    }
}

/// Whether an image lies in a private registry of AWS: `<account>.dkr.ecr.<region>.amazonaws.com/<name>`.
pub(super) fn is_of_ecr(image: &str) -> bool {
    let host = image.split('/').next().unwrap_or_default();
    let mut parts = host.split('.');
    let account = parts.next().unwrap_or_default();
    account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && parts.next() == Some("dkr")
        && parts.next().is_some_and(|part| part.starts_with("ecr"))
        && host.contains(".amazonaws.com")
}

fn unsupported(member: &str) -> Refusal {
    refuse!(
        ClientException,
        "Fargate compatible task definitions do not support {member}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(cpu: i64) -> Vec<i64> {
        let fits = |memory: &i64| {
            let definition = TaskDefinition {
                cpu: Some(cpu.to_string()),
                memory: Some(memory.to_string()),
                ..TaskDefinition::default()
            };
            sized(&definition).is_ok()
        };
        (0..=130_000).step_by(256).filter(fits).collect()
    }

    #[test]
    fn each_cpu_goes_with_its_own_memory() {
        assert_eq!(sizes(256), [512, 1024, 2048]);
        assert_eq!(sizes(512), [1024, 2048, 3072, 4096]);
        let ends = |cpu| {
            let all = sizes(cpu);
            (all[0], all[1], all[all.len() - 1], all.len())
        };
        assert_eq!(ends(1024), (2048, 3072, 8192, 7));
        assert_eq!(ends(2048), (4096, 5120, 16_384, 13));
        assert_eq!(ends(4096), (8192, 9216, 30_720, 23));
        assert_eq!(ends(8192), (16_384, 20_480, 61_440, 12));
        assert_eq!(ends(16_384), (32_768, 40_960, 122_880, 12));
        assert!(sizes(128).is_empty() && sizes(1000).is_empty() && sizes(32_768).is_empty());
    }

    #[test]
    fn an_image_of_a_private_registry_is_known_by_its_host() {
        assert!(is_of_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"));
        assert!(is_of_ecr(
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web"
        ));
        assert!(!is_of_ecr("public.ecr.aws/web"));
        assert!(!is_of_ecr("nginx"));
        for image in [
            "12.dkr.ecr.eu-west-1.amazonaws.com/web",
            "12345678901a.dkr.ecr.eu-west-1.amazonaws.com/web",
            "123456789012.dkr.other.eu-west-1.amazonaws.com/web",
            "123456789012.doc.ecr.eu-west-1.amazonaws.com/web",
            "123456789012.dkr.ecr.eu-west-1.example.com/web",
            "example.com/123456789012.dkr.ecr.eu-west-1.amazonaws.com/web",
        ] {
            assert!(!is_of_ecr(image), "{image}");
        }
    }
}
