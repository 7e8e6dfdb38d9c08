//! Clusters.

use kecs_core::record;
use kecs_model::{Operation, types};
use serde_json::{Value, json};

use crate::fixture::with;
use crate::world::World;

mod again;
mod capacity;

const INCONSISTENT: &str =
    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";

fn describe(world: &mut World, name: &str, include: &[&str]) -> Value {
    let input = json!({"clusters": [name], "include": include});
    world.ok(Operation::DescribeClusters, input)["clusters"][0].clone()
}

#[test]
fn create_cluster_fills_in_what_is_not_said() {
    let mut world = World::new();
    let answer = world.ok(Operation::CreateCluster, json!({}));
    assert_eq!(
        answer,
        json!({"cluster": {
            "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/default",
            "clusterName": "default",
            "status": "ACTIVE",
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": 0,
            "pendingTasksCount": 0,
            "activeServicesCount": 0,
            "statistics": [],
            "tags": [],
            "settings": [{"name": "containerInsights", "value": "disabled"}],
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        }})
    );
    assert_eq!(world.events.len(), 1);
}

#[test]
fn create_cluster_twice_is_the_same_cluster() {
    let mut world = World::new();
    let input = json!({"clusterName": "blue", "settings": [{"name": "containerInsights", "value": "enhanced"}],
        "tags": [{"key": "team", "value": "a"}]});
    let first = world.ok(Operation::CreateCluster, input.clone());
    assert_eq!(world.ok(Operation::CreateCluster, input), first);
    assert_eq!(
        world.ok(Operation::CreateCluster, json!({"clusterName": "blue"})),
        first
    );
    assert_eq!(world.events.len(), 1);
}

#[test]
fn create_cluster_with_other_arguments_is_invalid_parameter() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    for other in [
        json!({"clusterName": "blue", "settings": [{"name": "containerInsights", "value": "enabled"}]}),
        json!({"clusterName": "blue", "capacityProviders": ["FARGATE"]}),
        json!({"clusterName": "blue", "serviceConnectDefaults": {"namespace": "net"}}),
        json!({"clusterName": "blue", "configuration": {"executeCommandConfiguration": {"logging": "NONE"}}}),
    ] {
        assert_eq!(
            world.refused(Operation::CreateCluster, other),
            ("InvalidParameterException", INCONSISTENT.to_owned())
        );
    }
}

#[test]
fn create_cluster_takes_container_insights_from_the_account_setting() {
    let mut world = World::new();
    let setting = json!({"name": "containerInsights", "value": "enabled"});
    world.ok(Operation::PutAccountSettingDefault, setting);
    let answer = world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    assert_eq!(answer["cluster"]["settings"][0]["value"], "enabled");
}

#[test]
fn create_cluster_brings_an_inactive_name_back_as_new() {
    let mut world = World::new();
    let input = json!({"clusterName": "blue", "tags": [{"key": "a", "value": "b"}]});
    world.ok(Operation::CreateCluster, input);
    world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    let answer = world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    assert_eq!(answer["cluster"]["status"], "ACTIVE");
    assert_eq!(answer["cluster"]["tags"], json!([]));
    let names: Vec<&str> = world.events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(names, ["cluster.created", "cluster.deleted", "cluster.created"]);
}

#[test]
fn create_cluster_refuses_what_does_not_fit_together() {
    let mut world = World::new();
    let mut refused = |input: Value| {
        let (code, message) = world.refused(Operation::CreateCluster, input);
        assert_eq!(code, "InvalidParameterException");
        message
    };
    assert_eq!(
        refused(json!({"capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]})),
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the \
         cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again."
    );
    assert_eq!(
        refused(json!({"capacityProviders": ["other"]})),
        "The specified capacity provider 'other' was not found. Specify a valid name or ARN and try again."
    );
    assert_eq!(
        refused(json!({"capacityProviders": ["FARGATE", "FARGATE"]})),
        "The specified capacity provider 'FARGATE' is given more than once."
    );
    assert_eq!(
        refused(
            json!({"capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [
            {"capacityProvider": "FARGATE", "base": 1}, {"capacityProvider": "FARGATE_SPOT", "base": 1}]})
        ),
        "The specified capacity provider strategy contains multiple capacity providers with a base value defined. Only one \
         capacity provider per strategy can have a base value defined."
    );
    for nowhere in [
        json!({}),
        json!({"logConfiguration": {"s3KeyPrefix": "a", "s3EncryptionEnabled": true}}),
    ] {
        let execute = with(nowhere, json!({"logging": "OVERRIDE"}));
        assert_eq!(
            refused(json!({"configuration": {"executeCommandConfiguration": execute}})),
            "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration."
        );
    }
    assert_eq!(
        refused(
            json!({"configuration": {"executeCommandConfiguration": {"logging": "NONE",
            "logConfiguration": {"s3BucketName": "logs"}}}})
        ),
        "You must set logging to 'OVERRIDE' when you supply a log configuration."
    );
    assert_eq!(
        refused(json!({"settings": [{"name": "containerInsights", "value": "on"}]})),
        "Invalid setting 'value'"
    );
}

#[test]
fn describe_clusters_shows_no_more_than_is_asked_for() {
    let mut world = World::new();
    world.ok(
        Operation::CreateCluster,
        json!({"clusterName": "blue", "tags": [{"key": "team", "value": ""}],
            "configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}}}),
    );
    let bare = describe(&mut world, "blue", &[]);
    assert_eq!((&bare["tags"], &bare["settings"]), (&json!([]), &json!([])));
    assert_eq!(bare.get("configuration"), None);
    let all = ["TAGS", "SETTINGS", "CONFIGURATIONS", "STATISTICS", "ATTACHMENTS"];
    let whole = describe(&mut world, "blue", &all);
    assert_eq!(whole["attachments"], json!([]));
    assert_eq!(whole["tags"], json!([{"key": "team", "value": ""}]));
    assert_eq!(
        whole["settings"],
        json!([{"name": "containerInsights", "value": "disabled"}])
    );
    assert_eq!(
        whole["configuration"]["executeCommandConfiguration"]["logging"],
        "DEFAULT"
    );
    let names: Vec<&str> = whole["statistics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "runningEC2TasksCount",
            "runningFargateTasksCount",
            "pendingEC2TasksCount",
            "pendingFargateTasksCount",
            "runningExternalTasksCount",
            "pendingExternalTasksCount",
            "runningManagedInstancesTasksCount",
            "pendingManagedInstancesTasksCount",
            "activeEC2ServiceCount",
            "activeFargateServiceCount",
            "drainingEC2ServiceCount",
            "drainingFargateServiceCount",
            "activeExternalServiceCount",
            "drainingExternalServiceCount",
            "activeManagedInstancesServiceCount",
            "drainingManagedInstancesServiceCount",
        ]
    );
}

#[test]
fn describe_clusters_tells_what_is_missing() {
    let mut world = World::new();
    let missing = json!([{"arn": world.arn("cluster/default"), "reason": "MISSING"}]);
    for input in [
        json!({}),
        json!({"clusters": []}),
        json!({"clusters": ["default"]}),
    ] {
        let answer = world.ok(Operation::DescribeClusters, input);
        assert_eq!(answer, json!({"clusters": [], "failures": missing}));
    }
    world.ok(Operation::CreateCluster, json!({}));
    let arn = world.arn("cluster/default");
    let answer = world.ok(Operation::DescribeClusters, json!({"clusters": [arn, "other"]}));
    assert_eq!(answer["clusters"][0]["clusterName"], "default");
    assert_eq!(answer["failures"][0]["arn"], world.arn("cluster/other"));
}

/// A task, a service and an instance in each state that counts.
fn populate(world: &mut World) {
    let cluster = world.arn("cluster/blue");
    let states = [
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "RUNNING",
        "STOPPING",
        "STOPPED",
    ];
    for (number, state) in states.into_iter().enumerate() {
        let task = types::Task {
            cluster_arn: Some(cluster.clone()),
            last_status: Some(state.to_owned()),
            launch_type: Some(types::LaunchType::Fargate),
            ..types::Task::default()
        };
        let key = world.scope().task("blue", &number.to_string());
        world.put(
            key,
            record::Task {
                task,
                ..record::Task::default()
            },
        );
    }
    for (number, state) in ["ACTIVE", "DRAINING", "INACTIVE"].into_iter().enumerate() {
        let service = types::Service {
            cluster_arn: Some(cluster.clone()),
            status: Some(state.to_owned()),
            ..types::Service::default()
        };
        let key = world.scope().service("blue", &number.to_string());
        world.put(
            key,
            record::Service {
                service,
                ..record::Service::default()
            },
        );
        let instance = types::ContainerInstance {
            status: Some(state.to_owned()),
            ..types::ContainerInstance::default()
        };
        let key = world.scope().container_instance("blue", &number.to_string());
        world.put(
            key,
            record::ContainerInstance {
                instance,
                cluster: "blue".to_owned(),
            },
        );
    }
}

#[test]
fn describe_clusters_counts_what_there_is() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    populate(&mut world);
    let cluster = describe(&mut world, "blue", &["STATISTICS"]);
    assert_eq!(cluster["runningTasksCount"], 2);
    // One that stops is neither pending nor running.
    assert_eq!(cluster["pendingTasksCount"], 3);
    assert_eq!(cluster["activeServicesCount"], 1);
    assert_eq!(cluster["registeredContainerInstancesCount"], 2);
    let statistics: Vec<&str> = cluster["statistics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["value"].as_str().unwrap())
        .collect();
    assert_eq!(
        statistics,
        [
            "0", "2", "0", "3", "0", "0", "0", "0", "1", "0", "1", "0", "0", "0", "0", "0"
        ]
    );
}

#[test]
fn delete_cluster_leaves_it_inactive_and_out_of_lists() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let arn = world.arn("cluster/blue");
    let answer = world.ok(Operation::DeleteCluster, json!({"cluster": arn}));
    assert_eq!(answer["cluster"]["status"], "INACTIVE");
    assert_eq!(
        world.ok(Operation::ListClusters, json!({})),
        json!({"clusterArns": []})
    );
    assert_eq!(describe(&mut world, "blue", &[])["status"], "INACTIVE");
    let again = world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    assert_eq!(again["cluster"]["status"], "INACTIVE");
    assert_eq!(world.events.len(), 2);
}

#[test]
fn delete_cluster_of_what_was_never_there_is_cluster_not_found() {
    assert_eq!(
        World::new().refused(Operation::DeleteCluster, json!({"cluster": "blue"})),
        ("ClusterNotFoundException", "Cluster not found.".to_owned())
    );
}

#[test]
fn delete_cluster_with_something_in_it_is_refused() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    populate(&mut world);
    let refused = |world: &mut World| world.refused(Operation::DeleteCluster, json!({"cluster": "blue"}));
    assert_eq!(
        refused(&mut world),
        (
            "ClusterContainsContainerInstancesException",
            "The Cluster cannot be deleted while Container Instances are active or draining.".to_owned()
        )
    );
    let instances = ["0", "1"].map(|id| world.scope().container_instance("blue", id));
    for key in instances {
        let mut instance: record::ContainerInstance = world.get(&key).unwrap();
        instance.instance.status = Some("INACTIVE".to_owned());
        world.put(key, instance);
    }
    assert_eq!(
        refused(&mut world),
        (
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.".to_owned()
        )
    );
    let services = ["0", "1"].map(|name| world.scope().service("blue", name));
    for key in services {
        let mut service: record::Service = world.get(&key).unwrap();
        service.service.status = Some("INACTIVE".to_owned());
        world.put(key, service);
    }
    assert_eq!(
        refused(&mut world),
        (
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.".to_owned()
        )
    );
    for number in 0..6 {
        let key = world.scope().task("blue", &number.to_string());
        let mut task: record::Task = world.get(&key).unwrap();
        task.task.last_status = Some("STOPPED".to_owned());
        world.put(key, task);
    }
    let answer = world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    assert_eq!(answer["cluster"]["status"], "INACTIVE");
}

#[test]
fn delete_cluster_with_a_capacity_provider_of_its_own_is_refused() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    world.ok(
        Operation::CreateCapacityProvider,
        crate::capacity_provider::managed("mine", "blue"),
    );
    assert_eq!(
        world.refused(Operation::DeleteCluster, json!({"cluster": "blue"})),
        (
            "ClusterContainsCapacityProviderException",
            "The Cluster cannot be deleted while Capacity Providers are associated.".to_owned()
        )
    );
}

#[test]
fn update_cluster_changes_what_it_names_and_nothing_else() {
    let mut world = World::new();
    world.ok(
        Operation::CreateCluster,
        json!({"clusterName": "blue", "serviceConnectDefaults": {"namespace": "net"}}),
    );
    let answer = world.ok(
        Operation::UpdateCluster,
        json!({"cluster": "blue", "settings": [{"name": "containerInsights", "value": "enabled"}]}),
    );
    assert_eq!(
        answer["cluster"]["settings"],
        json!([{"name": "containerInsights", "value": "enabled"}])
    );
    assert_eq!(
        answer["cluster"]["serviceConnectDefaults"],
        json!({"namespace": "net"})
    );
    let input = json!({"cluster": "blue", "serviceConnectDefaults": {"namespace": ""}});
    let answer = world.ok(Operation::UpdateCluster, input);
    assert_eq!(answer["cluster"].get("serviceConnectDefaults"), None);
    assert_eq!(answer["cluster"]["settings"][0]["value"], "enabled");
}

#[test]
fn operations_that_change_a_cluster_want_an_active_one() {
    let mut world = World::new();
    let settings = json!([{"name": "containerInsights", "value": "enabled"}]);
    let requests = [
        (Operation::UpdateCluster, json!({"cluster": "blue"})),
        (
            Operation::UpdateClusterSettings,
            json!({"cluster": "blue", "settings": settings}),
        ),
        (
            Operation::PutClusterCapacityProviders,
            json!({"cluster": "blue", "capacityProviders": [], "defaultCapacityProviderStrategy": []}),
        ),
    ];
    for (operation, input) in &requests {
        assert_eq!(
            world.refused(*operation, input.clone()),
            ("ClusterNotFoundException", "Cluster not found.".to_owned())
        );
    }
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    for (operation, input) in requests {
        assert_eq!(
            world.refused(operation, input),
            (
                "ClusterNotFoundException",
                "The referenced cluster was inactive.".to_owned()
            )
        );
    }
}

#[test]
fn describe_clusters_tells_once_of_what_is_named_twice() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let arn = world.arn("cluster/blue");
    let input = json!({"clusters": ["green", "blue", arn, "green"]});
    let answer = world.ok(Operation::DescribeClusters, input);
    assert_eq!(answer["clusters"].as_array().unwrap().len(), 1);
    assert_eq!(
        answer["failures"],
        json!([{"arn": world.arn("cluster/green"), "reason": "MISSING"}])
    );
}
