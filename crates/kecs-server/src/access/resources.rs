//! Which resources a request is about, by ARN, as permissions name them.
//!
//! Source: service authorization reference of Amazon ECS, "Actions defined by Amazon ECS".

use kecs_core::key::Scope;
use kecs_model::Operation;
use serde_json::Value;

/// What stands for all resources, where an operation is about none in particular.
const ANY: &str = "*";

/// The ARNs of what a request is about; at least one.
///
/// What is named in a short form is told by its ARN, in this scope and in the cluster that the request names; a task
/// definition without a revision as `...:task-definition/web:*`.
#[allow(
    clippy::too_many_lines,
    reason = "a table: a line for each operation, and all of them in one place"
)]
pub fn resources(operation: Operation, input: &Value, scope: &Scope) -> Vec<String> {
    let named = Named { input, scope };
    let found = match operation {
        Operation::CreateCluster => {
            vec![named.arn("cluster", text(input, "clusterName").or(Some("default")))]
        }
        Operation::DeleteCluster
        | Operation::UpdateCluster
        | Operation::UpdateClusterSettings
        | Operation::PutClusterCapacityProviders
        | Operation::RegisterContainerInstance
        | Operation::DeregisterContainerInstance
        | Operation::ListContainerInstances
        | Operation::ListAttributes
        | Operation::SubmitAttachmentStateChanges
        | Operation::SubmitContainerStateChange
        | Operation::SubmitTaskStateChange => vec![named.cluster()],
        Operation::DescribeClusters => {
            let described = named.each("clusters", |it| named.arn("cluster", Some(it)));
            if described.is_empty() {
                vec![named.arn("cluster", Some("default"))]
            } else {
                described
            }
        }
        Operation::CreateCapacityProvider | Operation::UpdateCapacityProvider => {
            vec![named.arn("capacity-provider", text(input, "name"))]
        }
        Operation::DeleteCapacityProvider => {
            vec![named.arn("capacity-provider", text(input, "capacityProvider"))]
        }
        Operation::DescribeCapacityProviders => {
            named.each("capacityProviders", |it| named.arn("capacity-provider", Some(it)))
        }
        Operation::RegisterTaskDefinition => vec![named.definition(text(input, "family"))],
        Operation::DeleteTaskDefinitions => named.each("taskDefinitions", |it| named.definition(Some(it))),
        Operation::RunTask | Operation::StartTask => vec![named.definition(text(input, "taskDefinition"))],
        Operation::CreateService => vec![named.inside("service", text(input, "serviceName"))],
        Operation::UpdateService
        | Operation::DeleteService
        | Operation::UpdateServicePrimaryTaskSet
        | Operation::ListServiceDeployments => vec![named.inside("service", text(input, "service"))],
        Operation::DescribeServices => named.each("services", |it| named.inside("service", Some(it))),
        Operation::CreateTaskSet => vec![named.task_set(ANY)],
        Operation::UpdateTaskSet | Operation::DeleteTaskSet => {
            vec![named.task_set(text(input, "taskSet").unwrap_or(ANY))]
        }
        Operation::DescribeTaskSets => named.each("taskSets", |it| named.task_set(it)),
        Operation::StopTask | Operation::ExecuteCommand => vec![named.inside("task", text(input, "task"))],
        Operation::DescribeTasks | Operation::GetTaskProtection | Operation::UpdateTaskProtection => {
            named.each("tasks", |it| named.inside("task", Some(it)))
        }
        Operation::ListTasks => named
            .input
            .get("containerInstance")
            .and_then(Value::as_str)
            .map(|it| named.inside("container-instance", Some(it)))
            .into_iter()
            .collect(),
        Operation::DescribeContainerInstances | Operation::UpdateContainerInstancesState => named
            .each("containerInstances", |it| {
                named.inside("container-instance", Some(it))
            }),
        Operation::UpdateContainerAgent => {
            vec![named.inside("container-instance", text(input, "containerInstance"))]
        }
        Operation::PutAttributes | Operation::DeleteAttributes => named.targets(),
        Operation::DescribeServiceDeployments => named.each("serviceDeploymentArns", str::to_owned),
        Operation::StopServiceDeployment => named.given("serviceDeploymentArn"),
        Operation::DescribeServiceRevisions => named.each("serviceRevisionArns", str::to_owned),
        Operation::TagResource | Operation::UntagResource | Operation::ListTagsForResource => {
            named.given("resourceArn")
        }
        Operation::DeleteAccountSetting
        | Operation::ListAccountSettings
        | Operation::PutAccountSetting
        | Operation::PutAccountSettingDefault
        | Operation::DeregisterTaskDefinition
        | Operation::DescribeTaskDefinition
        | Operation::ListTaskDefinitionFamilies
        | Operation::ListTaskDefinitions
        | Operation::ListClusters
        | Operation::ListServices
        | Operation::ListServicesByNamespace
        | Operation::DiscoverPollEndpoint
        | Operation::AssociateGatewayWithCluster
        | Operation::ContinueServiceDeployment
        | Operation::CreateDaemon
        | Operation::CreateExpressGatewayService
        | Operation::CreateGateway
        | Operation::DeleteDaemon
        | Operation::DeleteDaemonTaskDefinition
        | Operation::DeleteExpressGatewayService
        | Operation::DeleteGateway
        | Operation::DescribeDaemon
        | Operation::DescribeDaemonDeployments
        | Operation::DescribeDaemonRevisions
        | Operation::DescribeDaemonTaskDefinition
        | Operation::DescribeExpressGatewayService
        | Operation::DescribeGateway
        | Operation::DescribeGatewayResources
        | Operation::DescribeGatewayRoute
        | Operation::DisassociateGatewayFromCluster
        | Operation::ListDaemonDeployments
        | Operation::ListDaemonTaskDefinitions
        | Operation::ListDaemons
        | Operation::ListGatewayClusterAssociations
        | Operation::ListGatewayRoutes
        | Operation::ListGateways
        | Operation::RegisterDaemonTaskDefinition
        | Operation::UpdateDaemon
        | Operation::UpdateExpressGatewayService
        | Operation::UpdateGateway => Vec::new(),
    };
    if found.is_empty() {
        vec![ANY.to_owned()]
    } else {
        found
    }
}

fn text<'v>(input: &'v Value, member: &str) -> Option<&'v str> {
    input
        .get(member)
        .and_then(Value::as_str)
        .filter(|it| !it.is_empty())
}

/// What a request names.
struct Named<'a> {
    input: &'a Value,
    scope: &'a Scope,
}

impl Named<'_> {
    /// Something that belongs to the account.
    fn arn(&self, kind: &str, name: Option<&str>) -> String {
        match name {
            Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
            other => self.scope.arn(&format!("{kind}/{}", other.unwrap_or(ANY))),
        }
    }

    fn cluster(&self) -> String {
        self.arn("cluster", text(self.input, "cluster").or(Some("default")))
    }

    fn cluster_name(&self) -> &str {
        let given = text(self.input, "cluster").unwrap_or("default");
        given.rsplit('/').next().unwrap_or(given)
    }

    /// Something that belongs to a cluster.
    fn inside(&self, kind: &str, name: Option<&str>) -> String {
        match name {
            Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
            other => {
                let cluster = self.cluster_name();
                self.scope
                    .arn(&format!("{kind}/{cluster}/{}", other.unwrap_or(ANY)))
            }
        }
    }

    fn definition(&self, name: Option<&str>) -> String {
        match name {
            Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
            Some(name) if name.contains(':') => self.scope.arn(&format!("task-definition/{name}")),
            other => {
                let family = other.unwrap_or(ANY);
                self.scope.arn(&format!("task-definition/{family}:*"))
            }
        }
    }

    fn task_set(&self, name: &str) -> String {
        if name.starts_with("arn:") {
            return name.to_owned();
        }
        let service = text(self.input, "service").unwrap_or(ANY);
        let service = service.rsplit('/').next().unwrap_or(service);
        let cluster = self.cluster_name();
        self.scope.arn(&format!("task-set/{cluster}/{service}/{name}"))
    }

    fn each(&self, member: &str, arn: impl Fn(&str) -> String) -> Vec<String> {
        let listed = self.input.get(member).and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(arn)
            .collect()
    }

    fn given(&self, member: &str) -> Vec<String> {
        text(self.input, member).map(str::to_owned).into_iter().collect()
    }

    /// The container instances that attributes are put on.
    fn targets(&self) -> Vec<String> {
        let listed = self.input.get("attributes").and_then(Value::as_array);
        let mut arns: Vec<String> = listed
            .into_iter()
            .flatten()
            .map(|attribute| self.inside("container-instance", text(attribute, "targetId")))
            .collect();
        arns.sort();
        arns.dedup();
        arns
    }
}
