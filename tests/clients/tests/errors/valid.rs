//! For each classic operation an input that is right, in a region that was set up for it.

use anyhow::Result;
use clients::wire::Connection;
use kecs_model::Operation;
use serde_json::{Value, json};

/// What is there to be spoken of.
pub(crate) struct World {
    pub(crate) cluster: String,
    pub(crate) fargate: String,
    pub(crate) task: String,
    pub(crate) spare: String,
    pub(crate) held: String,
    pub(crate) instance: String,
    pub(crate) old_instance: String,
    pub(crate) attachment: String,
    pub(crate) task_set: String,
    pub(crate) service_deployment: String,
    pub(crate) service_revision: String,
}

/// The network of tasks in awsvpc mode.
pub(crate) fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}})
}

/// A task definition for Fargate.
pub(crate) fn fargate(family: &str) -> Value {
    json!({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "app", "image": "public.example.com/app:1"}],
        "taskRoleArn": "arn:aws:iam::123456789012:role/app",
    })
}

/// Asks again until what is asked for is there.
async fn until(
    connection: &mut Connection,
    operation: &str,
    input: &Value,
    there: fn(&Value) -> bool,
) -> Result<Value> {
    for _ in 0..600 {
        let output = connection.ok(operation, input).await?;
        if there(&output) {
            return Ok(output);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("{operation} {input} does not come to show what is waited for")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl World {
    /// One of which nothing is there: for inputs that are refused before anybody looks.
    pub(crate) fn described() -> Self {
        let arn = |rest: &str| format!("arn:aws:ecs:us-east-1:123456789012:{rest}");
        let id = "0123456789abcdef0123456789abcdef";
        Self {
            cluster: arn("cluster/default"),
            fargate: arn("task-definition/app:1"),
            task: arn(&format!("task/default/{id}")),
            spare: arn(&format!("task/default/{id}")),
            held: arn(&format!("task/default/{id}")),
            instance: arn(&format!("container-instance/default/{id}")),
            old_instance: arn(&format!("container-instance/default/{id}")),
            attachment: arn("attachment/01234567-89ab-4cde-8f01-23456789abcd"),
            task_set: "ecs-svc/1234567890123456789".to_owned(),
            service_deployment: arn("service-deployment/default/web/0123456789abcdef"),
            service_revision: arn("service-revision/default/web/1234567890123456789"),
        }
    }

    /// Sets up everything.
    pub(crate) async fn set_up(connection: &mut Connection) -> Result<Self> {
        let cluster = connection.ok("CreateCluster", &json!({})).await?;
        connection
            .ok("CreateCluster", &json!({"clusterName": "spare"}))
            .await?;
        let fargate_definition = connection.ok("RegisterTaskDefinition", &fargate("app")).await?;
        let definition = text(&fargate_definition["taskDefinition"]["taskDefinitionArn"]);
        for family in ["gone", "going"] {
            connection.ok("RegisterTaskDefinition", &fargate(family)).await?;
        }
        connection
            .ok("DeregisterTaskDefinition", &json!({"taskDefinition": "gone:1"}))
            .await?;
        let plain = json!({
            "family": "plain", "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}],
        });
        connection.ok("RegisterTaskDefinition", &plain).await?;
        // Without a cluster or a service that names it there is no namespace.
        let named = json!({"clusterName": "named", "serviceConnectDefaults": {"namespace": "internal"}});
        connection.ok("CreateCluster", &named).await?;
        let register = json!({"totalResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": []},
        ], "versionInfo": {"agentVersion": "1.90.0"}});
        let instance = connection.ok("RegisterContainerInstance", &register).await?;
        let old_instance = connection.ok("RegisterContainerInstance", &register).await?;
        let service = |name: &str| {
            json!({
                "serviceName": name, "taskDefinition": definition, "desiredCount": 1, "launchType": "FARGATE",
                "networkConfiguration": network(),
            })
        };
        for name in ["web", "old"] {
            connection.ok("CreateService", &service(name)).await?;
        }
        let external =
            json!({"serviceName": "sets", "desiredCount": 1, "deploymentController": {"type": "EXTERNAL"}});
        connection.ok("CreateService", &external).await?;
        let set = json!({
            "service": "sets", "cluster": "default", "taskDefinition": definition, "launchType": "FARGATE",
            "networkConfiguration": network(), "scale": {"unit": "PERCENT", "value": 100.0},
        });
        let task_set = connection.ok("CreateTaskSet", &set).await?;
        connection.ok("CreateCapacityProvider", &provider("old")).await?;
        let run = json!({
            "taskDefinition": definition, "count": 2, "launchType": "FARGATE", "networkConfiguration": network(),
            "enableExecuteCommand": true,
        });
        let run = connection.ok("RunTask", &run).await?;
        let tasks = [
            text(&run["tasks"][0]["taskArn"]),
            text(&run["tasks"][1]["taskArn"]),
        ];
        let running = |it: &Value| {
            it["tasks"][0]["lastStatus"] == "RUNNING" && it["tasks"][1]["lastStatus"] == "RUNNING"
        };
        let shown = until(connection, "DescribeTasks", &json!({"tasks": tasks}), running).await?;
        let attachment = text(&shown["tasks"][0]["attachments"][0]["id"]);
        let stable = |it: &Value| it["services"][0]["deployments"][0]["rolloutState"] == "COMPLETED";
        until(
            connection,
            "DescribeServices",
            &json!({"services": ["web"]}),
            stable,
        )
        .await?;
        let held = connection.ok("ListTasks", &json!({"serviceName": "web"})).await?;
        // One deployment that is over to go back to, and one that is under way: its image cannot be pulled, and without
        // a circuit breaker it is tried for ever.
        let mut hopeless = fargate("hopeless");
        hopeless["containerDefinitions"][0]["image"] = json!("registry.invalid/app:1");
        connection.ok("RegisterTaskDefinition", &hopeless).await?;
        connection
            .ok(
                "UpdateService",
                &json!({"service": "web", "taskDefinition": "hopeless"}),
            )
            .await?;
        let under_way = json!({"service": "web", "status": ["PENDING", "IN_PROGRESS"]});
        let under_way = connection.ok("ListServiceDeployments", &under_way).await?;
        let under_way = &under_way["serviceDeployments"][0];
        Ok(Self {
            cluster: text(&cluster["cluster"]["clusterArn"]),
            fargate: definition,
            task: tasks[0].clone(),
            spare: tasks[1].clone(),
            held: text(&held["taskArns"][0]),
            instance: text(&instance["containerInstance"]["containerInstanceArn"]),
            old_instance: text(&old_instance["containerInstance"]["containerInstanceArn"]),
            attachment: text(&cluster["cluster"]["clusterArn"])
                .replace("cluster/default", &format!("attachment/{attachment}")),
            task_set: text(&task_set["taskSet"]["id"]),
            service_deployment: text(&under_way["serviceDeploymentArn"]),
            service_revision: text(&under_way["targetServiceRevisionArn"]),
        })
    }
}

/// A capacity provider of an Auto Scaling group of its name.
pub(crate) fn provider(name: &str) -> Value {
    let group = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:\
                 00000000-0000-4000-8000-000000000000:autoScalingGroupName/";
    json!({"name": name, "autoScalingGroupProvider": {"autoScalingGroupArn": format!("{group}{name}")}})
}

/// The classic operations in an order in which each can be done once.
pub(crate) const ORDER: &[Operation] = &[
    Operation::StopServiceDeployment,
    Operation::CreateCapacityProvider,
    Operation::CreateCluster,
    Operation::CreateService,
    Operation::CreateTaskSet,
    Operation::RegisterContainerInstance,
    Operation::RegisterTaskDefinition,
    Operation::RunTask,
    Operation::StartTask,
    Operation::PutAccountSetting,
    Operation::PutAccountSettingDefault,
    Operation::PutAttributes,
    Operation::PutClusterCapacityProviders,
    Operation::TagResource,
    Operation::DescribeCapacityProviders,
    Operation::DescribeClusters,
    Operation::DescribeContainerInstances,
    Operation::DescribeServiceDeployments,
    Operation::DescribeServiceRevisions,
    Operation::DescribeServices,
    Operation::DescribeTaskDefinition,
    Operation::DescribeTaskSets,
    Operation::DescribeTasks,
    Operation::DiscoverPollEndpoint,
    Operation::ExecuteCommand,
    Operation::ListAccountSettings,
    Operation::ListAttributes,
    Operation::ListClusters,
    Operation::ListContainerInstances,
    Operation::ListServiceDeployments,
    Operation::ListServices,
    Operation::ListServicesByNamespace,
    Operation::ListTagsForResource,
    Operation::ListTaskDefinitionFamilies,
    Operation::ListTaskDefinitions,
    Operation::ListTasks,
    Operation::UpdateTaskProtection,
    Operation::GetTaskProtection,
    Operation::UpdateCapacityProvider,
    Operation::UpdateCluster,
    Operation::UpdateClusterSettings,
    Operation::UpdateContainerAgent,
    Operation::UpdateContainerInstancesState,
    Operation::UpdateService,
    Operation::UpdateServicePrimaryTaskSet,
    Operation::UpdateTaskSet,
    Operation::SubmitAttachmentStateChanges,
    Operation::SubmitContainerStateChange,
    Operation::SubmitTaskStateChange,
    Operation::StopTask,
    Operation::UntagResource,
    Operation::DeleteAccountSetting,
    Operation::DeleteAttributes,
    Operation::DeleteCapacityProvider,
    Operation::DeleteService,
    Operation::DeleteTaskDefinitions,
    Operation::DeleteTaskSet,
    Operation::DeregisterContainerInstance,
    Operation::DeregisterTaskDefinition,
    Operation::DeleteCluster,
];

/// An input that is right, with little more than what is required.
pub(crate) fn input(operation: Operation, world: &World) -> Value {
    let attribute = json!({"name": "rack", "value": "7", "targetId": world.instance});
    let set = json!({"service": "sets", "cluster": "default", "taskSet": world.task_set});
    match operation.name() {
        "CreateCapacityProvider" => provider("new"),
        "CreateCluster" => json!({"clusterName": "new"}),
        "CreateService" => json!({
            "serviceName": "new", "taskDefinition": world.fargate, "desiredCount": 1, "launchType": "FARGATE",
            "networkConfiguration": network(),
        }),
        "CreateTaskSet" => json!({
            "service": "sets", "cluster": "default", "taskDefinition": world.fargate, "launchType": "FARGATE",
            "networkConfiguration": network(),
        }),
        "DeleteAccountSetting" => json!({"name": "containerInsights"}),
        "DeleteAttributes" => json!({"attributes": [{"name": "rack", "targetId": world.instance}]}),
        "DeleteCapacityProvider" => json!({"capacityProvider": "old"}),
        "DeleteCluster" => json!({"cluster": "spare"}),
        "DeleteService" => json!({"service": "old", "force": true}),
        "DeleteTaskDefinitions" => json!({"taskDefinitions": ["gone:1"]}),
        "DeleteTaskSet" => {
            json!({"service": "sets", "cluster": "default", "taskSet": world.task_set, "force": true})
        }
        "DeregisterContainerInstance" => json!({"containerInstance": world.old_instance, "force": true}),
        "DeregisterTaskDefinition" => json!({"taskDefinition": "going:1"}),
        "DescribeContainerInstances" => json!({"containerInstances": [world.instance]}),
        "DescribeServiceDeployments" => json!({"serviceDeploymentArns": [world.service_deployment]}),
        "DescribeServiceRevisions" => json!({"serviceRevisionArns": [world.service_revision]}),
        "DescribeServices" => json!({"services": ["web"]}),
        "DescribeTaskDefinition" => json!({"taskDefinition": "app"}),
        "DescribeTaskSets" => json!({"service": "sets", "cluster": "default"}),
        "DescribeTasks" => json!({"tasks": [world.task]}),
        "ExecuteCommand" => json!({"task": world.task, "command": "ls", "interactive": true}),
        "GetTaskProtection" => json!({"cluster": "default", "tasks": [world.held]}),
        "ListAttributes" => json!({"targetType": "container-instance"}),
        "ListServiceDeployments" => json!({"service": "web"}),
        "ListServicesByNamespace" => json!({"namespace": "internal"}),
        "ListTagsForResource" => json!({"resourceArn": world.cluster}),
        "PutAccountSetting" | "PutAccountSettingDefault" => {
            json!({"name": "containerInsights", "value": "enabled"})
        }
        "PutAttributes" => json!({"attributes": [attribute]}),
        "PutClusterCapacityProviders" => json!({
            "cluster": "spare", "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
        }),
        "RegisterTaskDefinition" => fargate("new"),
        "RunTask" => json!({
            "taskDefinition": world.fargate, "launchType": "FARGATE", "networkConfiguration": network(),
        }),
        "StartTask" => json!({"taskDefinition": "plain", "containerInstances": [world.instance]}),
        "StopServiceDeployment" => json!({"serviceDeploymentArn": world.service_deployment}),
        "StopTask" => json!({"task": world.spare}),
        "SubmitAttachmentStateChanges" => json!({
            "attachments": [{"attachmentArn": world.attachment, "status": "ATTACHED"}],
        }),
        "SubmitContainerStateChange" => {
            json!({"task": world.spare, "containerName": "app", "status": "RUNNING"})
        }
        "SubmitTaskStateChange" => json!({"task": world.spare, "status": "RUNNING"}),
        "TagResource" => json!({"resourceArn": world.cluster, "tags": [{"key": "team", "value": "dev"}]}),
        "UntagResource" => json!({"resourceArn": world.cluster, "tagKeys": ["team"]}),
        "UpdateCapacityProvider" => json!({
            "name": "old", "autoScalingGroupProvider": {"managedScaling": {"targetCapacity": 50}},
        }),
        "UpdateCluster" => json!({"cluster": "default"}),
        "UpdateClusterSettings" => json!({
            "cluster": "default", "settings": [{"name": "containerInsights", "value": "enabled"}],
        }),
        "UpdateContainerAgent" => json!({"containerInstance": world.instance}),
        "UpdateContainerInstancesState" => {
            json!({"containerInstances": [world.old_instance], "status": "DRAINING"})
        }
        "UpdateService" => json!({"service": "old", "desiredCount": 2}),
        "UpdateServicePrimaryTaskSet" => json!({
            "service": "sets", "cluster": "default", "primaryTaskSet": world.task_set,
        }),
        "UpdateTaskProtection" => {
            json!({"cluster": "default", "tasks": [world.held], "protectionEnabled": true})
        }
        "UpdateTaskSet" => {
            let mut input = set;
            input["scale"] = json!({"unit": "PERCENT", "value": 50.0});
            input
        }
        // Nothing is required.
        _ => json!({}),
    }
}
