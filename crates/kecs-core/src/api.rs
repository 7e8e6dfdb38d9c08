//! The operations: what each of them reads, refuses, writes and answers.
//!
//! The input has been checked against the model before ([`kecs_model::check`]). What is left here is what takes more
//! than one member of it, or what is kept.

#![allow(
    clippy::needless_pass_by_value,
    reason = "every operation owns its request, so that one table holds them all"
)]
#![allow(
    clippy::similar_names,
    reason = "a thing is `named` by a request in one of several ways, and has one `name`"
)]

use kecs_model::{ErrorCode, Input, Operation, Refusal};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::plane::Execute;
use crate::tx::Tx;

pub mod account_setting;
mod agent;
mod attribute;
mod capacity_provider;
pub mod cluster;
mod container_instance;
mod deployment;
mod execute;
mod launch;
pub mod name;
pub mod page;
mod protection;
mod service;
pub mod strategy;
mod tag;
pub mod tags;
mod task;
pub mod task_definition;
mod task_set;
pub mod token;

/// What is answered, and what is to be done besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The output of the operation.
    pub output: Output,
    /// What the data plane does before the output is sent, once the transaction is committed.
    pub effect: Option<Effect>,
}

/// An output as it is sent: written once, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output(String);

/// What the data plane does for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Opens a session in a container: the session becomes the member `session` of the output.
    Execute(Execute),
}

/// Answers an operation. What is to be kept of it is in `tx` afterwards; after a refusal nothing of that is committed.
pub fn answer(
    operation: Operation,
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    input: &Value,
) -> Result<Answer, Refusal> {
    match operation {
        Operation::CreateCapacityProvider => run(tx, call, input, capacity_provider::create),
        Operation::CreateCluster => run(tx, call, input, cluster::create),
        Operation::CreateService => run(tx, call, input, service::create),
        Operation::CreateTaskSet => run(tx, call, input, task_set::create),
        Operation::DeleteAccountSetting => run(tx, call, input, account_setting::delete),
        Operation::DeleteAttributes => run(tx, call, input, attribute::delete),
        Operation::DeleteCapacityProvider => run(tx, call, input, capacity_provider::delete),
        Operation::DeleteCluster => run(tx, call, input, cluster::delete),
        Operation::DeleteService => run(tx, call, input, service::delete),
        Operation::DeleteTaskDefinitions => run(tx, call, input, task_definition::delete),
        Operation::DeleteTaskSet => run(tx, call, input, task_set::delete),
        Operation::DeregisterContainerInstance => run(tx, call, input, container_instance::deregister),
        Operation::DeregisterTaskDefinition => run(tx, call, input, task_definition::deregister),
        Operation::DescribeCapacityProviders => run(tx, call, input, capacity_provider::describe),
        Operation::DescribeClusters => run(tx, call, input, cluster::describe),
        Operation::DescribeContainerInstances => run(tx, call, input, container_instance::describe),
        Operation::DescribeServiceDeployments => run(tx, call, input, deployment::describe),
        Operation::DescribeServiceRevisions => run(tx, call, input, deployment::describe_revisions),
        Operation::DescribeServices => run(tx, call, input, service::describe),
        Operation::DescribeTaskDefinition => run(tx, call, input, task_definition::describe),
        Operation::DescribeTaskSets => run(tx, call, input, task_set::describe),
        Operation::DescribeTasks => run(tx, call, input, task::describe),
        Operation::DiscoverPollEndpoint => run(tx, call, input, agent::discover_poll_endpoint),
        Operation::ExecuteCommand => execute::execute(tx, call, input),
        Operation::GetTaskProtection => run(tx, call, input, protection::get),
        Operation::ListAccountSettings => run(tx, call, input, account_setting::list),
        Operation::ListAttributes => run(tx, call, input, attribute::list),
        Operation::ListClusters => run(tx, call, input, cluster::list),
        Operation::ListContainerInstances => run(tx, call, input, container_instance::list),
        Operation::ListServiceDeployments => run(tx, call, input, deployment::list),
        Operation::ListServices => run(tx, call, input, service::list),
        Operation::ListServicesByNamespace => run(tx, call, input, service::list_by_namespace),
        Operation::ListTagsForResource => run(tx, call, input, tag::list),
        Operation::ListTaskDefinitionFamilies => run(tx, call, input, task_definition::list_families),
        Operation::ListTaskDefinitions => run(tx, call, input, task_definition::list),
        Operation::ListTasks => run(tx, call, input, task::list),
        Operation::PutAccountSetting => run(tx, call, input, account_setting::put),
        Operation::PutAccountSettingDefault => run(tx, call, input, account_setting::put_default),
        Operation::PutAttributes => run(tx, call, input, attribute::put),
        Operation::PutClusterCapacityProviders => run(tx, call, input, cluster::put_capacity_providers),
        Operation::RegisterContainerInstance => run(tx, call, input, container_instance::register),
        Operation::RegisterTaskDefinition => run(tx, call, input, task_definition::register),
        Operation::RunTask => run(tx, call, input, task::run),
        Operation::StartTask => run(tx, call, input, task::start),
        Operation::StopServiceDeployment => run(tx, call, input, deployment::stop),
        Operation::StopTask => run(tx, call, input, task::stop),
        Operation::SubmitAttachmentStateChanges => run(tx, call, input, agent::submit_attachments),
        Operation::SubmitContainerStateChange => run(tx, call, input, agent::submit_container),
        Operation::SubmitTaskStateChange => run(tx, call, input, agent::submit_task),
        Operation::TagResource => run(tx, call, input, tag::tag),
        Operation::UntagResource => run(tx, call, input, tag::untag),
        Operation::UpdateCapacityProvider => run(tx, call, input, capacity_provider::update),
        Operation::UpdateCluster => run(tx, call, input, cluster::update),
        Operation::UpdateClusterSettings => run(tx, call, input, cluster::update_settings),
        Operation::UpdateContainerAgent => run(tx, call, input, container_instance::update_agent),
        Operation::UpdateContainerInstancesState => run(tx, call, input, container_instance::update_state),
        Operation::UpdateService => run(tx, call, input, service::update),
        Operation::UpdateServicePrimaryTaskSet => run(tx, call, input, task_set::make_primary),
        Operation::UpdateTaskProtection => run(tx, call, input, protection::update),
        Operation::UpdateTaskSet => run(tx, call, input, task_set::update),
        Operation::AssociateGatewayWithCluster
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
        | Operation::UpdateGateway => Err(unsupported(operation)),
    }
}

/// One operation, from JSON to JSON.
fn run<I: Input>(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    input: &Value,
    operation: fn(&mut Tx<'_>, &Call<'_>, I) -> Result<I::Output, Refusal>,
) -> Result<Answer, Refusal> {
    let request = read(input)?;
    let output = Output::of(&operation(tx, call, request)?)?;
    Ok(Answer { output, effect: None })
}

/// The typed input. A body of `null` has no members, as an empty one.
#[allow(
    clippy::disallowed_methods,
    reason = "what cannot be read is told by whoever reads"
)]
fn read<I: Input>(input: &Value) -> Result<I, Refusal> {
    let read = if input.is_null() {
        I::deserialize(Value::Object(Map::new()))
    } else {
        I::deserialize(input)
    };
    read.map_err(|error| Refusal::new(ErrorCode::SerializationException, error.to_string()))
}

/// A request as a value, for what is remembered of it.
fn write(request: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(request)
        .map_err(|error| Refusal::server(format!("a request cannot be written: {error}")))
}

impl Output {
    /// Writes an output.
    pub fn of(output: &impl Serialize) -> Result<Self, Refusal> {
        let written = serde_json::to_string(output);
        written
            .map(Self)
            .map_err(|error| Refusal::server(format!("the answer cannot be written: {error}")))
    }

    /// Its members.
    pub fn value(&self) -> Value {
        // It was written as JSON, so it can be read as that.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Its text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The newer operations, which need types of resources that are not kept.
#[allow(
    clippy::disallowed_methods,
    reason = "the overlay is of the operations that are served"
)]
fn unsupported(operation: Operation) -> Refusal {
    Refusal::new(
        ErrorCode::UnsupportedFeatureException,
        format!("{operation} is not supported by KECS."),
    )
}
