//! Which instance takes a task, and what the others lack.

use super::*;

#[test]
fn each_lack_and_its_words() {
    let changed = |change: fn(&mut ContainerInstance)| {
        let mut it = instance("a", "z1");
        change(&mut it.instance);
        it
    };
    let small = || need(1, 1);
    assert_eq!(
        lack(changed(|it| it.status = Some("DRAINING".to_owned())), &small()),
        Lack::Inactive
    );
    assert_eq!(
        lack(changed(|it| it.agent_connected = Some(false)), &small()),
        Lack::Agent
    );
    assert_eq!(
        lack(changed(|it| it.agent_connected = None), &small()),
        Lack::Agent
    );
    assert_eq!(
        lack(
            changed(|it| it.ec2_instance_id = Some("mi-1".to_owned())),
            &small()
        ),
        Lack::Elsewhere
    );
    assert_eq!(
        lack(instance("a", "z1"), &small().through(Some("mine"))),
        Lack::Elsewhere
    );
    assert_eq!(
        lack(instance("a", "z1"), &small().launched(Some(LaunchType::External))),
        Lack::Elsewhere
    );
    assert_eq!(lack(instance("a", "z1"), &need(1001, 1)), Lack::Cpu);
    assert_eq!(lack(instance("a", "z1"), &need(1000, 2001)), Lack::Memory);
    let under = small().under(&[member_of("attribute:stack == prod")], &[]);
    assert_eq!(lack(instance("a", "z1"), &under), Lack::MemberOf);
    let texts: Vec<_> = Lack::ALL.iter().map(|it| (it.reason(), it.phrase())).collect();
    insta::assert_debug_snapshot!(texts);
}

#[test]
fn capabilities_are_asked_for_where_an_agent_tells_of_any() {
    let wanting = |name: &str, value: Option<&str>| {
        let definition = TaskDefinition {
            requires_attributes: Some(vec![attribute(name, value)]),
            ..sized(1, 1)
        };
        Need::of(&definition, None, "g")
    };
    let docker = "com.amazonaws.ecs.capability.docker-remote-api.1.18";
    let network = "ecs.capability.task-eni";
    let mut telling = instance("a", "z1");
    let attributes = telling.instance.attributes.as_mut().unwrap();
    attributes.push(attribute("com.amazonaws.ecs.capability.task-iam-role", None));
    assert!(
        fleet(&[instance("a", "z1")])
            .place(&wanting(docker, None), 1)
            .is_ok()
    );
    for name in [docker, network] {
        assert_eq!(lack(telling.clone(), &wanting(name, None)), Lack::Attribute);
    }
    assert!(
        fleet(&[instance("a", "z1")])
            .place(&wanting(network, None), 1)
            .is_ok()
    );
    assert!(
        fleet(&[instance("a", "z1")])
            .place(&wanting("stack", None), 1)
            .is_ok()
    );
    assert_eq!(
        lack(instance("a", "z1"), &wanting("stack", Some("prod"))),
        Lack::Attribute
    );
    assert!(
        fleet(&[instance("a", "z1")])
            .place(&wanting("ecs.instance-type", Some("t3.large")), 1)
            .is_ok()
    );
}

#[test]
fn what_is_placed_is_taken_off_and_what_lives_is_counted() {
    let live = [
        on("a", "service:web", "RUNNING", "RUNNING"),
        on("a", "service:old", "STOPPED", "STOPPING"),
    ];
    let mut fleet = Fleet::new(&[instance("a", "z1")], live.iter().map(|it| (it, None)));
    let left = |fleet: &Fleet| {
        let all = fleet.remaining(&arn("a")).unwrap();
        (all[0].integer_value.unwrap(), all[1].integer_value.unwrap())
    };
    assert_eq!(left(&fleet), (800, 1600));
    assert_eq!(placed(&mut fleet, &need(400, 100), 9).len(), 2);
    assert_eq!(left(&fleet), (0, 1400));
    assert_eq!(fleet.remaining("elsewhere"), None);
}

#[test]
fn sizes_are_read_in_units_and_in_vcpus() {
    let sized = |cpu: &str, memory: &str| {
        let definition = TaskDefinition {
            cpu: Some(cpu.to_owned()),
            memory: Some(memory.to_owned()),
            ..sized(1, 1)
        };
        let need = Need::of(&definition, None, "g");
        (need.cpu, need.memory)
    };
    assert_eq!(sized("256", "512"), (256, 512));
    assert_eq!(sized("1 vCPU", "2 GB"), (1024, 2048));
    assert_eq!(sized(".25 vcpu", "0.5GB"), (256, 512));
    assert_eq!(sized("much", "more"), (1, 1));
    let reserved = TaskDefinition {
        container_definitions: Some(vec![ContainerDefinition {
            memory: Some(500),
            memory_reservation: Some(300),
            ..ContainerDefinition::default()
        }]),
        ..TaskDefinition::default()
    };
    assert_eq!(Need::of(&reserved, None, "g").memory, 300);
}

#[test]
fn a_port_of_an_instance_goes_to_one_task() {
    let with =
        |mode: Option<NetworkMode>, host: Option<i32>, protocol: Option<TransportProtocol>| TaskDefinition {
            network_mode: mode,
            container_definitions: Some(vec![ContainerDefinition {
                port_mappings: Some(vec![PortMapping {
                    container_port: Some(80),
                    host_port: host,
                    protocol,
                    ..PortMapping::default()
                }]),
                ..ContainerDefinition::default()
            }]),
            ..TaskDefinition::default()
        };
    let places = |definition: &TaskDefinition| {
        let mut fleet = fleet(&[instance("a", "z1")]);
        placed(&mut fleet, &Need::of(definition, None, "g"), 3).len()
    };
    assert_eq!(places(&with(None, Some(8080), None)), 1);
    assert_eq!(places(&with(None, Some(22), None)), 0);
    assert_eq!(places(&with(None, Some(22), Some(TransportProtocol::Udp))), 1);
    assert_eq!(places(&with(Some(NetworkMode::Bridge), Some(0), None)), 3);
    assert_eq!(places(&with(Some(NetworkMode::Bridge), None, None)), 3);
    assert_eq!(places(&with(Some(NetworkMode::Host), None, None)), 1);
    assert_eq!(places(&with(Some(NetworkMode::Awsvpc), Some(80), None)), 3);
    let taken = record::TaskDefinition {
        definition: with(None, Some(8080), None),
        tags: vec![],
    };
    let live = on("a", "g", "RUNNING", "PENDING");
    let mut fleet = Fleet::new(&[instance("a", "z1")], [(&live, Some(&taken))]);
    let need = Need::of(&with(None, Some(8080), None), None, "h");
    let unplaced = fleet.place(&need, 1).unwrap_err();
    assert_eq!(unplaced.failures()[0].reason.as_deref(), Some("RESOURCE:PORTS"));
    assert_eq!(
        fleet.remaining(&arn("a")).unwrap()[2]
            .string_set_value
            .as_ref()
            .unwrap(),
        &["22", "8080"]
    );
}

#[test]
fn gpus_are_given_out_one_by_one() {
    let definition = TaskDefinition {
        container_definitions: Some(vec![ContainerDefinition {
            resource_requirements: Some(vec![ResourceRequirement {
                r#type: Some(ResourceType::Gpu),
                value: Some("1".to_owned()),
                ..ResourceRequirement::default()
            }]),
            ..ContainerDefinition::default()
        }]),
        ..TaskDefinition::default()
    };
    let need = Need::of(&definition, None, "g");
    let mut fleet = fleet(&[instance("a", "z1")]);
    assert_eq!(fleet.place(&need, 1).unwrap().gpus, ["g1"]);
    assert_eq!(fleet.place(&need, 1).unwrap().gpus, ["g2"]);
    assert_eq!(
        *fleet.place(&need, 1).unwrap_err().lacks.values().next().unwrap(),
        Lack::Gpu
    );
}

#[test]
fn strategies() {
    use PlacementStrategyType::{Binpack, Random, Spread};
    let three = [instance("a", "z1"), instance("b", "z1"), instance("c", "z2")];
    let with = |strategies: &[PlacementStrategy], cpu| {
        let need = need(cpu, 10).under(&[], strategies);
        placed(&mut fleet(&three), &need, 6).concat()
    };
    assert_eq!(with(&[], 100), "acbcac");
    assert_eq!(with(&[strategy(Spread, "instanceId")], 100), "abcabc");
    assert_eq!(with(&[strategy(Spread, "host")], 100), "abcabc");
    assert_eq!(
        with(&[strategy(Spread, "attribute:ecs.availability-zone")], 100),
        "acacac"
    );
    assert_eq!(with(&[strategy(Binpack, "cpu")], 400), "aabbcc");
    assert_eq!(with(&[strategy(Binpack, "memory")], 100), "aaaaaa");
    let spread_then_pack = [
        strategy(Spread, "attribute:ecs.availability-zone"),
        strategy(Binpack, "cpu"),
    ];
    assert_eq!(with(&spread_then_pack, 400), "acacbb");
    let random = with(&[strategy(Random, "")], 1);
    assert_eq!(random, with(&[strategy(Random, "")], 1), "the same seed");
    let chosen: std::collections::BTreeSet<_> = (0..20)
        .map(|seed| {
            fleet(&three)
                .place(&need(1, 1).under(&[], &[strategy(Random, "")]), seed)
                .unwrap()
                .instance
        })
        .collect();
    assert_eq!(chosen.len(), 3);
}

#[test]
fn packing_fills_what_has_least_left_of_what_is_packed() {
    use PlacementStrategyType::Binpack;
    let sized = |name: &str, cpu: i32, memory: i32| {
        let mut it = instance(name, "z1");
        it.instance.registered_resources = Some(vec![number("CPU", cpu), number("MEMORY", memory)]);
        it
    };
    let three = [sized("a", 900, 900), sized("b", 500, 800), sized("c", 600, 400)];
    for (field, expected) in [("cpu", "b"), ("CPU", "b"), ("memory", "c"), ("MEMORY", "c")] {
        let need = need(1, 1).under(&[], &[strategy(Binpack, field)]);
        assert_eq!(placed(&mut fleet(&three), &need, 1), [expected], "{field}");
    }
}

#[test]
fn chance_is_fair() {
    let three = [instance("a", "z1"), instance("b", "z1"), instance("c", "z2")];
    let need = need(1, 1).under(&[], &[strategy(PlacementStrategyType::Random, "")]);
    let chosen = |seed| fleet(&three).place(&need, seed).unwrap().instance.unwrap();
    for name in ["a", "b", "c"] {
        let count = (0..600).filter(|seed| chosen(*seed) == arn(name)).count();
        assert!(
            (150..250).contains(&count),
            "{name} was chosen {count} times out of 600"
        );
    }
}

#[test]
fn what_is_overridden_is_needed_instead() {
    use kecs_model::types::{ContainerOverride, TaskOverride};
    let container = |name: &str, cpu: i32, memory: i32| ContainerDefinition {
        name: Some(name.to_owned()),
        cpu: Some(cpu),
        memory: Some(memory),
        ..ContainerDefinition::default()
    };
    let definition = TaskDefinition {
        container_definitions: Some(vec![container("app", 100, 200), container("side", 30, 300)]),
        ..TaskDefinition::default()
    };
    let of = |over: TaskOverride| {
        let need = Need::of(&definition, Some(&over), "g");
        (need.cpu, need.memory)
    };
    let over = ContainerOverride {
        name: Some("side".to_owned()),
        cpu: Some(7),
        memory: Some(9),
        ..ContainerOverride::default()
    };
    let reserved = ContainerOverride {
        memory_reservation: Some(8),
        ..over.clone()
    };
    let with = |it: ContainerOverride| TaskOverride {
        container_overrides: Some(vec![it]),
        ..TaskOverride::default()
    };
    assert_eq!(of(TaskOverride::default()), (130, 500));
    assert_eq!(of(with(over)), (107, 209));
    assert_eq!(of(with(reserved.clone())), (107, 208));
    let whole = TaskOverride {
        cpu: Some("1 vCPU".to_owned()),
        memory: Some("1 GB".to_owned()),
        ..with(reserved)
    };
    assert_eq!(of(whole), (1024, 1024));
}

#[test]
fn the_constraints_of_a_definition_count_beside_those_of_a_request() {
    let definition = |expression: &str| TaskDefinition {
        placement_constraints: Some(vec![kecs_model::types::TaskDefinitionPlacementConstraint {
            expression: Some(expression.to_owned()),
            ..Default::default()
        }]),
        ..sized(1, 1)
    };
    let need = |own: &str, asked: &str| Need::of(&definition(own), None, "g").under(&[member_of(asked)], &[]);
    let (holds, fails) = ("attribute:stack exists", "attribute:stack !exists");
    assert!(
        fleet(&[instance("a", "z1")])
            .place(&need(holds, holds), 1)
            .is_ok()
    );
    for (own, asked) in [(holds, fails), (fails, holds)] {
        assert_eq!(lack(instance("a", "z1"), &need(own, asked)), Lack::MemberOf);
    }
}

#[test]
fn an_instance_has_one_task_of_a_group_if_they_are_to_be_distinct() {
    let two = [instance("a", "z1"), instance("b", "z2")];
    let need = need(1, 1).under(&[distinct()], &[]);
    assert_eq!(placed(&mut fleet(&two), &need, 9), ["a", "b"]);
    let leaving = on("a", "service:web", "STOPPED", "STOPPING");
    let other = on("b", "service:other", "RUNNING", "RUNNING");
    let live = [(&leaving, None), (&other, None)];
    assert_eq!(placed(&mut Fleet::new(&two, live), &need, 9), ["b"]);
    let unplaced = Fleet::new(&two[..1], live).place(&need, 1).unwrap_err();
    assert_eq!(
        unplaced.failures()[0].reason.as_deref(),
        Some("DistinctInstance placement constraint unsatisfied.")
    );
}

#[test]
fn failures_name_each_instance_and_the_closest_is_told() {
    let mut gone = instance("a", "z1");
    gone.instance.status = Some("DRAINING".to_owned());
    let full = instance("b", "z1");
    let mut elsewhere = instance("c", "z1");
    elsewhere.instance.ec2_instance_id = Some("mi-c".to_owned());
    let unplaced = fleet(&[gone, full, elsewhere])
        .place(&need(1, 9999), 1)
        .unwrap_err();
    let failures: Vec<_> = unplaced
        .failures()
        .into_iter()
        .map(|it| (it.arn.unwrap(), it.reason.unwrap()))
        .collect();
    assert_eq!(
        failures,
        [
            (arn("a"), "INACTIVE".to_owned()),
            (arn("b"), "RESOURCE:MEMORY".to_owned())
        ]
    );
    assert_eq!(
        unplaced.closest(),
        Some(("b".to_owned(), "has insufficient memory available"))
    );
    let equals = fleet(&[instance("a", "z1"), instance("b", "z1")]).place(&need(1, 9999), 1);
    assert_eq!(equals.unwrap_err().closest().unwrap().0, "a");
    assert_eq!(fleet(&[]).place(&need(1, 1), 1).unwrap_err().closest(), None);
}

#[test]
fn a_task_for_an_instance_needs_room_but_no_constraint() {
    let mut fleet = fleet(&[instance("a", "z1"), instance("b", "z2")]);
    let need = need(600, 1).under(&[member_of("attribute:nothing exists")], &[]);
    assert!(!fleet.takes(&need, &arn("b")));
    let host = fleet.place_on(&need, &arn("b")).unwrap();
    assert_eq!(
        (host.instance, host.zone.as_deref()),
        (Some(arn("b")), Some("z2"))
    );
    assert!(!fleet.fits(&need, &arn("b")) && fleet.fits(&need, &arn("a")));
    let unplaced = fleet.place_on(&need, &arn("b")).unwrap_err();
    assert_eq!(unplaced.failures()[0].reason.as_deref(), Some("RESOURCE:CPU"));
    assert_eq!(fleet.place_on(&need, "nowhere").unwrap_err().failures(), []);
}

#[test]
fn tasks_of_other_groups_do_not_count_where_a_group_is_spread() {
    let two = [instance("a", "z1"), instance("b", "z2")];
    let live = [
        on("a", "service:other", "RUNNING", "RUNNING"),
        on("b", "service:web", "STOPPED", "RUNNING"),
    ];
    let mut fleet = Fleet::new(&two, live.iter().map(|it| (it, None)));
    assert_eq!(placed(&mut fleet, &need(1, 1), 3).concat(), "aba");
}

#[test]
fn of_more_than_one_lack_the_first_is_told() {
    assert_eq!(lack(instance("a", "z1"), &need(1001, 2001)), Lack::Cpu);
    let mut gone = instance("a", "z1");
    gone.instance.status = Some("DRAINING".to_owned());
    gone.instance.agent_connected = Some(false);
    assert_eq!(lack(gone, &need(1001, 1)), Lack::Inactive);
}
