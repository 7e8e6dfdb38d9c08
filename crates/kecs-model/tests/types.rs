//! The types on the wire, the operations, the codes, and the page that tells them all.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::collections::BTreeSet;

use kecs_model::types::{
    Cluster, ContainerDefinition, CreateClusterRequest, LaunchType, PortMapping, SettingName, Task,
    TransportProtocol, UlimitName,
};
use kecs_model::{ErrorCode, Input, Operation, Refusal, Time, default_value, operations_markdown};
use serde_json::{Value, json};

fn model() -> Value {
    serde_json::from_str(include_str!("../model/ecs.json")).unwrap()
}

#[test]
fn members_have_their_names_of_the_wire_and_what_is_absent_is_not_written() {
    let container = ContainerDefinition {
        name: Some("web".to_owned()),
        memory_reservation: Some(64),
        readonly_root_filesystem: Some(true),
        port_mappings: Some(vec![PortMapping {
            container_port: Some(80),
            protocol: Some(TransportProtocol::Tcp),
            ..PortMapping::default()
        }]),
        ..ContainerDefinition::default()
    };
    let wire = json!({
        "name": "web",
        "memoryReservation": 64,
        "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
        "readonlyRootFilesystem": true,
    });
    assert_eq!(serde_json::to_value(&container).unwrap(), wire);
    assert_eq!(
        serde_json::from_value::<ContainerDefinition>(wire).unwrap(),
        container
    );
    assert_eq!(serde_json::to_string(&Cluster::default()).unwrap(), "{}");
}

#[test]
fn null_and_unknown_members_are_read_as_absent() {
    let task: Task =
        serde_json::from_value(json!({"group": null, "noSuchMember": 1, "createdAt": 1.5})).unwrap();
    assert_eq!(
        task,
        Task {
            created_at: Time::from_millisecond(1500),
            ..Task::default()
        }
    );
}

#[test]
fn words_are_written_as_on_the_wire_and_read_only_so() {
    assert_eq!(
        serde_json::to_value(LaunchType::ManagedInstances).unwrap(),
        json!("MANAGED_INSTANCES")
    );
    assert_eq!(LaunchType::Fargate.to_string(), "FARGATE");
    assert_eq!(LaunchType::from_word("EC2"), Some(LaunchType::Ec2));
    assert_eq!(LaunchType::from_word("ec2"), None);
    assert!(serde_json::from_value::<LaunchType>(json!("ec2")).is_err());
    assert_eq!(UlimitName::ALL.len(), 15);
    assert_eq!(SettingName::FargateFIPSMode.as_str(), "fargateFIPSMode");
    for word in UlimitName::ALL {
        assert_eq!(UlimitName::from_word(word.as_str()), Some(*word));
    }
}

#[test]
fn an_input_knows_its_operation() {
    assert_eq!(CreateClusterRequest::OPERATION, Operation::CreateCluster);
    let output: <CreateClusterRequest as Input>::Output =
        serde_json::from_value(json!({"cluster": {"clusterName": "a"}})).unwrap();
    assert_eq!(output.cluster.unwrap().cluster_name.as_deref(), Some("a"));
}

#[test]
fn there_are_sixty_classic_operations_and_twenty_eight_newer_ones() {
    assert_eq!(Operation::ALL.len(), 88);
    assert_eq!(Operation::classic().count(), 60);
    let names: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(names.len(), 88);
    for operation in Operation::ALL {
        assert_eq!(Operation::from_name(operation.name()), Some(*operation));
    }
    assert_eq!(Operation::from_name("createcluster"), None);
    assert_eq!(Operation::from_name(""), None);
    let of_model = model();
    for operation in of_model["operations"].as_array().unwrap() {
        let known = Operation::from_name(operation["name"].as_str().unwrap()).unwrap();
        assert_eq!(known.is_classic(), operation.get("input").is_some());
        let errors: Vec<&str> = known.errors().iter().map(|code| code.name()).collect();
        assert_eq!(json!(errors), operation["errors"]);
    }
}

#[test]
fn every_exception_of_the_model_is_a_code() {
    let of_model = model();
    let exceptions = of_model["exceptions"].as_object().unwrap();
    assert_eq!(exceptions.len(), 31);
    for name in exceptions.keys() {
        let code = ErrorCode::from_name(name).unwrap();
        let status = if name == "ServerException" { 500 } else { 400 };
        assert_eq!(code.status(), status, "{name}");
    }
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
        assert_eq!(code.to_string(), code.name());
    }
}

#[test]
fn codes_of_the_wire_have_their_status() {
    let of_model = model();
    let of_wire: Vec<(&str, u16)> = ErrorCode::ALL
        .iter()
        .filter(|code| of_model["exceptions"].get(code.name()).is_none())
        .map(|code| (code.name(), code.status()))
        .collect();
    assert_eq!(
        of_wire,
        [
            ("UnknownOperationException", 400),
            ("SerializationException", 400),
            ("MissingAuthenticationTokenException", 400),
            ("IncompleteSignatureException", 400),
            ("InvalidSignatureException", 400),
            ("UnrecognizedClientException", 400),
            ("ExpiredTokenException", 400),
            ("ThrottlingException", 400),
            ("InvalidAction", 400),
            ("RequestEntityTooLargeException", 413),
            ("RequestTimeoutException", 408),
            ("InternalFailure", 500),
            ("ServiceUnavailableException", 503),
        ]
    );
}

#[test]
fn a_refusal_is_the_body_of_an_answer() {
    let refusal = Refusal::new(ErrorCode::ConflictException, "again").with("resourceIds", json!(["a"]));
    assert_eq!(
        refusal.body(),
        json!({"__type": "ConflictException", "message": "again", "resourceIds": ["a"]})
    );
    assert_eq!(refusal.to_string(), "ConflictException: again");
    assert_eq!(Refusal::client("c").code, ErrorCode::ClientException);
    assert_eq!(Refusal::invalid("i").code, ErrorCode::InvalidParameterException);
    assert_eq!(Refusal::server("s").code, ErrorCode::ServerException);
    let masked = Refusal::client("c").with("message", "m").with("__type", "t");
    assert_eq!(
        masked.body(),
        json!({"__type": "ClientException", "message": "c"})
    );
}

#[test]
fn pages_have_their_sizes() {
    let sizes: Vec<(&str, Option<i64>)> = Operation::classic()
        .filter(|operation| operation.input().unwrap().member("maxResults").is_some())
        .map(|operation| {
            let size = default_value(operation, "maxResults").and_then(Value::as_i64);
            (operation.name(), size)
        })
        .collect();
    assert_eq!(
        sizes,
        [
            ("DescribeCapacityProviders", Some(10)),
            ("ListAccountSettings", Some(10)),
            ("ListAttributes", Some(100)),
            ("ListClusters", Some(100)),
            ("ListContainerInstances", Some(100)),
            ("ListServiceDeployments", Some(20)),
            ("ListServices", Some(10)),
            ("ListServicesByNamespace", Some(10)),
            ("ListTaskDefinitionFamilies", Some(100)),
            ("ListTaskDefinitions", Some(100)),
            ("ListTasks", Some(100)),
        ]
    );
    assert_eq!(
        default_value(Operation::ListTasks, "desiredStatus"),
        Some(&json!("RUNNING"))
    );
    assert_eq!(default_value(Operation::ListTasks, "noSuchMember"), None);
}

#[test]
fn the_page_of_operations_is_as_it_was_read() {
    insta::assert_snapshot!(operations_markdown());
}
