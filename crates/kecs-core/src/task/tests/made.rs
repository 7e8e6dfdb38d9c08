//! What a task is made with.

use super::*;

#[test]
fn on_fargate() {
    let made = new_task(
        &scope(),
        &Blueprint {
            launch_type: Some(LaunchType::Fargate),
            definition: record::TaskDefinition {
                definition: TaskDefinition {
                    network_mode: Some(NetworkMode::Awsvpc),
                    cpu: Some("256".to_owned()),
                    memory: Some("512".to_owned()),
                    ..definition(vec![container("app", true, true)]).definition
                },
                tags: vec![],
            },
            network: Some(NetworkConfiguration {
                awsvpc_configuration: Some(AwsVpcConfiguration {
                    subnets: Some(vec!["subnet-1".to_owned(), "subnet-2".to_owned()]),
                    ..AwsVpcConfiguration::default()
                }),
            }),
            execute_command: true,
            started_by: Some("me".to_owned()),
            host: Host {
                zone: Some("eu-west-1b".to_owned()),
                subnet: Some("subnet-2".to_owned()),
                ..Host::default()
            },
            ..blueprint(vec![])
        },
        &Ids::new(1),
        at(0),
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&made.task).unwrap());
    assert_eq!(made.essential, ["app"]);
    assert_eq!(made.checked, ["app"]);
    assert_eq!(made.service, None);
}

#[test]
fn on_an_instance_of_what_its_containers_have_together() {
    let made = task(false);
    assert_eq!(made.task.last_status.as_deref(), Some("PENDING"));
    assert_eq!(made.task.cpu.as_deref(), Some("200"));
    assert_eq!(made.task.memory.as_deref(), Some("400"));
    assert_eq!(made.task.platform_version, None);
    assert_eq!(made.task.connectivity.unwrap().as_str(), "CONNECTED");
    assert_eq!(made.task.connectivity_at, Some(kecs_model::Time::from(at(0))));
    assert_eq!(made.task.attachments, Some(vec![]));
    assert_eq!(made.task.attributes, Some(vec![]));
    assert_eq!(made.task.ephemeral_storage, None);
    assert_eq!(made.task.group.as_deref(), Some("family:web"));
    assert_eq!(made.essential, ["app"]);
    assert_eq!(made.checked, Vec::<String>::new());
}

#[test]
fn with_overrides() {
    let overrides = TaskOverride {
        cpu: Some("1024".to_owned()),
        memory: Some("2048".to_owned()),
        container_overrides: Some(vec![ContainerOverride {
            name: Some("app".to_owned()),
            cpu: Some(7),
            memory: Some(8),
            memory_reservation: Some(9),
            resource_requirements: Some(vec![ResourceRequirement {
                r#type: Some(ResourceType::Gpu),
                value: Some("2".to_owned()),
                ..ResourceRequirement::default()
            }]),
            ..ContainerOverride::default()
        }]),
        ..TaskOverride::default()
    };
    let gpus = ["gpu-1", "gpu-2", "gpu-3"].map(str::to_owned).to_vec();
    let made = new_task(
        &scope(),
        &Blueprint {
            overrides: Some(overrides),
            host: Host {
                instance: Some("arn:i".to_owned()),
                gpus,
                ..Host::default()
            },
            ..blueprint(vec![
                container("app", true, false),
                container("side", false, false),
            ])
        },
        &Ids::new(1),
        at(0),
    );
    let shown = &made.task;
    assert_eq!(
        (shown.cpu.as_deref(), shown.memory.as_deref()),
        (Some("1024"), Some("2048"))
    );
    assert_eq!(shown.container_instance_arn.as_deref(), Some("arn:i"));
    let containers = shown.containers.as_ref().unwrap();
    let sizes: Vec<_> = containers
        .iter()
        .map(|it| {
            (
                it.cpu.as_deref(),
                it.memory.as_deref(),
                it.memory_reservation.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        sizes,
        [
            (Some("7"), Some("8"), Some("9")),
            (Some("100"), Some("200"), None)
        ]
    );
    assert_eq!(containers[0].gpu_ids.as_ref().unwrap(), &["gpu-1", "gpu-2"]);
    assert_eq!(containers[1].gpu_ids, None);
    let names: Vec<_> = shown
        .overrides
        .as_ref()
        .unwrap()
        .container_overrides
        .iter()
        .flatten()
        .map(|it| it.name.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["app", "side"]);
}

#[test]
fn tags_are_passed_on_as_asked_and_its_own_win() {
    let tags = |propagate_tags, managed_tags| {
        let service = Service {
            service_name: Some("web".to_owned()),
            tags: Some(vec![tag("from", "service"), tag("kept", "service")]),
            ..Service::default()
        };
        let made = new_task(
            &scope(),
            &Blueprint {
                tags: vec![tag("from", "task")],
                propagate_tags,
                managed_tags,
                service: Some(service),
                ..blueprint(vec![container("app", true, false)])
            },
            &Ids::new(1),
            at(0),
        );
        assert_eq!(made.task.group.as_deref(), Some("service:web"));
        assert_eq!(made.service.as_deref(), Some("web"));
        let tags = made.task.tags.unwrap();
        let texts = tags
            .iter()
            .map(|it| format!("{}={}", it.key.as_ref().unwrap(), it.value.as_ref().unwrap()));
        texts.collect::<Vec<_>>()
    };
    assert_eq!(tags(None, false), ["from=task"]);
    assert_eq!(tags(Some(PropagateTags::None), false), ["from=task"]);
    assert_eq!(
        tags(Some(PropagateTags::TaskDefinition), false),
        ["from=task", "kept=definition"]
    );
    assert_eq!(
        tags(Some(PropagateTags::Service), true),
        [
            "aws:ecs:clusterName=blue",
            "aws:ecs:serviceName=web",
            "from=task",
            "kept=service"
        ]
    );
}

#[test]
fn the_platform_version_and_the_capacity_provider() {
    let made = |version: Option<&str>, launch_type, provider: Option<&str>| {
        new_task(
            &scope(),
            &Blueprint {
                launch_type,
                capacity_provider: provider.map(str::to_owned),
                platform_version: version.map(str::to_owned),
                ..blueprint(vec![container("app", true, false)])
            },
            &Ids::new(1),
            at(0),
        )
        .task
    };
    let fargate = Some(LaunchType::Fargate);
    assert_eq!(
        made(None, fargate, None).platform_version.as_deref(),
        Some("1.4.0")
    );
    assert_eq!(
        made(Some("LATEST"), fargate, None).platform_version.as_deref(),
        Some("1.4.0")
    );
    assert_eq!(
        made(Some("1.3.0"), fargate, None).platform_version.as_deref(),
        Some("1.3.0")
    );
    let spot = made(None, None, Some("FARGATE_SPOT"));
    assert_eq!(spot.launch_type, fargate);
    assert_eq!(spot.capacity_provider_name.as_deref(), Some("FARGATE_SPOT"));
    assert_eq!(spot.platform_family.as_deref(), Some("Linux"));
    let own = made(None, None, Some("mine"));
    assert_eq!((own.launch_type, own.platform_version), (None, None));
}

/// A task on an instance with a network interface of its own.
fn of_its_own_network() -> record::Task {
    let mut blueprint = blueprint(vec![container("app", true, false)]);
    blueprint.definition.definition.network_mode = Some(NetworkMode::Awsvpc);
    blueprint.network = Some(NetworkConfiguration {
        awsvpc_configuration: Some(AwsVpcConfiguration {
            subnets: Some(vec!["subnet-1".to_owned()]),
            ..AwsVpcConfiguration::default()
        }),
    });
    new_task(&scope(), &blueprint, &Ids::new(1), at(0))
}

#[test]
fn on_an_instance_with_a_network_interface() {
    let made = of_its_own_network();
    assert_eq!(made.task.last_status.as_deref(), Some("PROVISIONING"));
    let attachments = made.task.attachments.as_ref().unwrap();
    assert_eq!(attachments[0].status.as_deref(), Some("PRECREATED"));
    assert_eq!(
        attachments[0].details.as_ref().unwrap()[0].value.as_deref(),
        Some("subnet-1")
    );
    assert_eq!(made.task.ephemeral_storage, None);
}

#[test]
fn images_are_pulled_from_pending_until_it_is_left() {
    let pending = apply(&of_its_own_network(), &report(1, TaskStatus::Pending, &[])).unwrap();
    assert_eq!(pending.task.pull_started_at, Some(kecs_model::Time::from(at(1))));
    assert_eq!(pending.task.pull_stopped_at, None);
    let running = apply(&pending, &report(3, TaskStatus::Running, &[])).unwrap();
    assert_eq!(running.task.pull_stopped_at, Some(kecs_model::Time::from(at(3))));
}
