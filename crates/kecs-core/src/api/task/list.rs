//! `ListTasks`.

use kecs_model::types::{self, DesiredStatus};
use kecs_model::{Refusal, refuse, types::ListTasksRequest};

use crate::api::name;
use crate::api::page::{Paging, Pick};
use crate::api::service;
use crate::call::Call;
use crate::key::Term;
use crate::record::{ContainerInstance, Kind, Task, status};
use crate::task;
use crate::tx::Tx;

/// Tasks on a page where the request does not say.
const PAGE: usize = 100;

/// What tasks are to have, besides their desired status.
struct Filters {
    instance: Option<String>,
    service: Option<String>,
}

pub(in crate::api) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: ListTasksRequest,
) -> Result<types::ListTasksResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    let others = [
        request.container_instance.is_some(),
        request.family.is_some(),
        request.service_name.is_some(),
        request.launch_type.is_some(),
    ];
    if request.started_by.is_some() && others.contains(&true) {
        return Err(refuse!(
            InvalidParameterException,
            "cannot specify startedBy with other arguments"
        ));
    }
    if request.daemon_name.is_some() {
        return Err(refuse!(
            InvalidParameterException,
            "Daemons are not supported by KECS."
        ));
    }
    let filters = Filters {
        instance: match request.container_instance.as_deref() {
            Some(named) => Some(instance(tx, &cluster, named)?),
            None => None,
        },
        service: match request.service_name.as_deref() {
            Some(named) => {
                // The tasks of a service are shown for as long as they are, whatever has become of it.
                let found = service::find(tx, &cluster, named)?;
                Some(found.ok_or_else(service::not_found)?.0.last().to_owned())
            }
            None => None,
        },
    };
    let term = term(tx, &cluster, &request, &filters);
    let listed = paging.select(tx, &term, |entry| {
        let task = Task::of(&entry.record).filter(|it| fits(it, &request, &filters));
        let shown = task.filter(|it| task::is_shown(it, tx.now()));
        let arn = shown.and_then(|it| it.task.task_arn.clone());
        Ok(arn.map_or(Pick::Skip, Pick::Take))
    })?;
    Ok(types::ListTasksResponse {
        task_arns: Some(listed.items),
        next_token: listed.next_token,
    })
}

fn instance(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<String, Refusal> {
    let id = name::instance_id(tx.scope(), cluster, named)?;
    let key = tx.scope().container_instance(cluster, &id);
    match tx.get::<ContainerInstance>(&key)? {
        Some(_) => Ok(id),
        None => Err(refuse!(
            InvalidParameterException,
            "The referenced container instance was not found."
        )),
    }
}

/// The term with the fewest tasks that has all that are asked for.
fn term(tx: &Tx<'_>, cluster: &str, request: &ListTasksRequest, filters: &Filters) -> Term {
    let desired = request.desired_status.unwrap_or(DesiredStatus::Running);
    let desired = tx
        .scope()
        .term_in("tasks", cluster)
        .and("desired", desired.as_str());
    if let Some(by) = &request.started_by {
        desired.and("started-by", by)
    } else if let Some(service) = &filters.service {
        desired.and("service", service)
    } else if let Some(instance) = &filters.instance {
        desired.and("instance", instance)
    } else if let Some(family) = &request.family {
        desired.and("family", family)
    } else if let Some(launch) = request.launch_type {
        desired.and("launch", launch.as_str())
    } else {
        desired
    }
}

/// Whether a task of the term has what the term does not say.
fn fits(task: &Task, request: &ListTasksRequest, filters: &Filters) -> bool {
    let shown = &task.task;
    let name = |arn: &Option<String>| {
        arn.as_deref()
            .and_then(|arn| arn.rsplit('/').next())
            .map(str::to_owned)
    };
    let family = || {
        let definition = name(&shown.task_definition_arn)?;
        definition.rsplit_once(':').map(|(family, _)| family.to_owned())
    };
    let instance = filters.instance.is_none() || name(&shown.container_instance_arn) == filters.instance;
    let service = filters.service.is_none() || task.service == filters.service;
    let launch = request.launch_type.is_none() || shown.launch_type == request.launch_type;
    let of_family = request.family.is_none() || family() == request.family;
    let desired = request.desired_status.unwrap_or(DesiredStatus::Running);
    let running = match desired {
        DesiredStatus::Running => shown.desired_status.as_deref() == Some(status::RUNNING),
        DesiredStatus::Stopped => shown.desired_status.as_deref() == Some(status::STOPPED),
        DesiredStatus::Pending => false,
    };
    instance && service && launch && of_family && running
}
