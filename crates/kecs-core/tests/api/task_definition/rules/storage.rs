//! Volumes and mounts that cannot be registered.

use serde_json::{Value, json};

use super::{accepted, app, refused, two};
use crate::task_definition::minimal;

#[test]
fn register_task_definition_wants_volumes_that_are_there() {
    let base = two();
    let mount = |volume: Value, path: &str| json!([{"sourceVolume": volume, "containerPath": path}]);
    let mounts = app("mountPoints");
    assert_eq!(
        refused(&base, &[(&mounts, mount(json!("data"), "/data"))]),
        "Unknown volume 'data'."
    );
    assert_eq!(
        refused(&base, &[(&mounts, mount(Value::Null, "/data"))]),
        "Unknown volume 'null'."
    );
    let data = ("volumes", json!([{"name": "data"}]));
    accepted(&base, &[(&mounts, mount(json!("data"), "/data")), data.clone()]);
    assert_eq!(
        refused(&base, &[(&mounts, mount(json!("data"), "")), data.clone()]),
        "Invalid 'mountPoints.containerPath' setting for container 'app'."
    );
    let twice = json!([{"sourceVolume": "data", "containerPath": "/a"}, {"sourceVolume": "data", "containerPath": "/a"}]);
    assert_eq!(
        refused(&base, &[(&mounts, twice), data]),
        "Invalid 'mountPoints.containerPath' setting for container 'app'."
    );
    let from = app("volumesFrom");
    accepted(&base, &[(&from, json!([{"sourceContainer": "side"}]))]);
    for source in ["gone", "app"] {
        assert_eq!(
            refused(&base, &[(&from, json!([{"sourceContainer": source}]))]),
            format!("Unknown volume '{source}'.")
        );
    }
}

#[test]
fn register_task_definition_wants_volumes_of_one_kind() {
    let base = minimal("web");
    let volumes = |volumes: Value| [("volumes", volumes)];
    assert_eq!(
        refused(&base, &volumes(json!([{"name": "a"}, {"name": "a"}]))),
        "Duplicate volume name 'a'."
    );
    assert_eq!(
        refused(&base, &volumes(json!([{"name": ""}]))),
        "Volume.name should not be null or empty."
    );
    assert_eq!(
        refused(&base, &volumes(json!([{"name": "a b"}]))),
        "Volume.name contains invalid characters."
    );
    let efs = json!({"fileSystemId": "fs-1"});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "host": {"sourcePath": "/a"}, "efsVolumeConfiguration": efs}]))
        ),
        "Only one volume configuration can be specified for volume 'a'."
    );
    let definition = accepted(
        &base,
        &volumes(json!([{"name": "a", "efsVolumeConfiguration": efs}])),
    );
    assert_eq!(
        definition["volumes"],
        json!([{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/"}}])
    );
    let access = json!({"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1"}});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "efsVolumeConfiguration": access}]))
        ),
        "EFS access point requires TransitEncryption to be enabled."
    );
    let role = json!({"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "efsVolumeConfiguration": role}]))
        ),
        "EFS IAM authorization requires TransitEncryption to be enabled."
    );
    let port = |encryption: &str| {
        let efs =
            json!({"fileSystemId": "fs-1", "transitEncryptionPort": 2999, "transitEncryption": encryption});
        volumes(json!([{"name": "a", "efsVolumeConfiguration": efs}]))
    };
    assert_eq!(
        refused(&base, &port("DISABLED")),
        "TransitEncryptionPort requires that TransitEncryption is enabled."
    );
    accepted(&base, &port("ENABLED"));
    let deep = json!({"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1"},
        "transitEncryption": "ENABLED", "rootDirectory": "/deep"});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "efsVolumeConfiguration": deep}]))
        ),
        "When using an EFS access point, the root directory must either be set to \"/\" or be omitted."
    );
    let docker = json!([{"name": "a", "dockerVolumeConfiguration": {}}]);
    assert_eq!(
        accepted(&base, &volumes(docker))["volumes"][0]["dockerVolumeConfiguration"],
        json!({"scope": "task", "driver": "local"})
    );
    let provision = |scope: &str| {
        volumes(json!([{"name": "a", "dockerVolumeConfiguration": {"scope": scope, "autoprovision": true}}]))
    };
    accepted(&base, &provision("shared"));
    assert_eq!(
        refused(&base, &provision("task")),
        "Invalid 'autoprovision' setting for volume 'a'. It is only valid for the scope shared."
    );
    let launch =
        json!([{"name": "a", "configuredAtLaunch": true}, {"name": "b", "configuredAtLaunch": true}]);
    assert_eq!(
        refused(&base, &volumes(launch)),
        "Only one volume of a task definition can be configured at launch."
    );
}

#[test]
fn register_task_definition_reads_what_instances_need_for_volumes() {
    let capability = |driver: &str| {
        let volume = json!([{"name": "data", "dockerVolumeConfiguration": {"driver": driver}}]);
        let made = accepted(&minimal("web"), &[("volumes", volume)]);
        let wanted = json!({"name": "ecs.capability.docker-plugin.local"});
        let needed = made["requiresAttributes"].as_array();
        needed.is_some_and(|it| it.contains(&wanted))
    };
    assert!(capability("local") && !capability("rexray"));
}

#[test]
fn register_task_definition_encrypts_what_is_shared_through_an_access_point() {
    let efs = |more: Value| {
        let mut volume = json!({"fileSystemId": "fs-1", "transitEncryption": "ENABLED"});
        volume
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        [(
            "volumes",
            json!([{"name": "data", "efsVolumeConfiguration": volume}]),
        )]
    };
    let base = minimal("web");
    let (role, point) = (json!({"iam": "ENABLED"}), json!({"accessPointId": "fsap-1"}));
    for more in [
        json!({"authorizationConfig": role, "rootDirectory": "/data"}),
        json!({"authorizationConfig": point, "rootDirectory": "/"}),
        json!({"authorizationConfig": point}),
        json!({"rootDirectory": "/data", "transitEncryption": "DISABLED"}),
    ] {
        accepted(&base, &efs(more));
    }
    for (access, what) in [(&role, "IAM authorization"), (&point, "access point")] {
        let open = json!({"authorizationConfig": access, "transitEncryption": "DISABLED"});
        let expected = format!("EFS {what} requires TransitEncryption to be enabled.");
        assert_eq!(refused(&base, &efs(open)), expected);
    }
    let below = json!({"authorizationConfig": point, "rootDirectory": "/data"});
    assert_eq!(
        refused(&base, &efs(below)),
        "When using an EFS access point, the root directory must either be set to \"/\" or be omitted."
    );
}

#[test]
fn register_task_definition_takes_a_volume_of_each_kind_beside_an_empty_host() {
    let base = minimal("web");
    let efs = json!({"fileSystemId": "fs-1"});
    let volume = |value: Value| [("volumes", json!([value]))];
    for value in [
        json!({"name": "a", "host": {}, "efsVolumeConfiguration": efs}),
        json!({"name": "a", "host": {"sourcePath": "/a"}, "configuredAtLaunch": false}),
        json!({"name": "a", "host": {}, "configuredAtLaunch": true}),
    ] {
        accepted(&base, &volume(value));
    }
    for value in [
        json!({"name": "a", "host": {"sourcePath": "/a"}, "efsVolumeConfiguration": efs}),
        json!({"name": "a", "host": {"sourcePath": "/a"}, "configuredAtLaunch": true}),
        json!({"name": "a", "efsVolumeConfiguration": efs, "configuredAtLaunch": true}),
    ] {
        assert_eq!(
            refused(&base, &volume(value)),
            "Only one volume configuration can be specified for volume 'a'."
        );
    }
}
