//! `StartTask`.

use kecs_model::types::{self, Failure, LaunchType, StartTaskRequest};
use kecs_model::{Refusal, refuse};

use super::run::need;
use super::wanted::{Wanted, keep};
use crate::api::{launch, name, task_definition};
use crate::call::Call;
use crate::placement::Fleet;
use crate::record::{ContainerInstance, status};
use crate::task::Blueprint;
use crate::tx::Tx;

/// Container instances that one request names at most.
const MOST: usize = 10;

/// How the ids of instances outside of EC2 begin.
const OUTSIDE: &str = "mi-";

pub(in crate::api) fn start(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: StartTaskRequest,
) -> Result<types::StartTaskResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let instances = request.container_instances.as_deref().unwrap_or_default();
    if instances.is_empty() {
        return Err(refuse!(
            InvalidParameterException,
            "Container instances cannot be empty."
        ));
    }
    if instances.len() > MOST {
        return Err(refuse!(
            InvalidParameterException,
            "instanceIds can have at most 10 items."
        ));
    }
    let named = request.task_definition.as_deref().unwrap_or_default();
    let definition = task_definition::usable(tx, named)?;
    let wanted = of_request(&request);
    let mut fleet = Fleet::observe(tx, &cluster)?;
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for named in instances {
        let kind = "container-instance";
        let id = name::instance_id(tx.scope(), &cluster, named)?;
        let key = tx.scope().container_instance(&cluster, &id);
        let Some(instance) = tx.get::<ContainerInstance>(&key)? else {
            let arn = tx.scope().arn(&format!("{kind}/{cluster}/{id}"));
            failures.push(name::missing(arn));
            continue;
        };
        let arn = instance.instance.container_instance_arn.unwrap_or_default();
        if instance.instance.status.as_deref() == Some(status::INACTIVE) {
            failures.push(failure(arn, "INACTIVE"));
            continue;
        }
        let machine = instance.instance.ec2_instance_id.unwrap_or_default();
        let runs_on = if machine.starts_with(OUTSIDE) {
            LaunchType::External
        } else {
            LaunchType::Ec2
        };
        let launch = launch::on_instance(&definition.definition, runs_on)?;
        let blueprint = wanted.blueprint(&cluster, &definition, &launch)?;
        let need = need(&blueprint, &launch, None);
        match fleet.place_on(&need, &arn) {
            Err(unplaced) => failures.extend(unplaced.failures()),
            Ok(host) => {
                Fleet::guard(tx, &cluster, &arn)?;
                let blueprint = Blueprint { host, ..blueprint };
                tasks.push(keep(tx, call, &blueprint)?);
            }
        }
    }
    Ok(types::StartTaskResponse {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

fn failure(arn: String, reason: &str) -> Failure {
    Failure {
        arn: Some(arn),
        reason: Some(reason.to_owned()),
        detail: None,
    }
}

fn of_request(request: &StartTaskRequest) -> Wanted<'_> {
    Wanted {
        network: request.network_configuration.as_ref(),
        overrides: request.overrides.as_ref(),
        group: request.group.as_deref(),
        started_by: request.started_by.as_deref(),
        tags: request.tags.as_ref(),
        propagate: request.propagate_tags,
        managed_tags: request.enable_ecs_managed_tags == Some(true),
        execute: request.enable_execute_command == Some(true),
        volumes: request.volume_configurations.as_deref().unwrap_or_default(),
    }
}
