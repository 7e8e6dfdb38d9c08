//! `UpdateContainerAgent`.

use kecs_model::types::{self, AgentUpdateStatus};
use kecs_model::{Refusal, refuse};

use super::{bump, referenced, whole};
use crate::api::name;
use crate::call::Call;
use crate::record::status;
use crate::tx::Tx;

/// The newest agent that instances are updated to.
///
/// Source: the releases of aws/amazon-ecs-agent.
const NEWEST: [u32; 3] = [1, 100, 0];

pub(in crate::api) fn update_agent(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::UpdateContainerAgentRequest,
) -> Result<types::UpdateContainerAgentResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.container_instance.unwrap_or_default();
    let (key, mut record) = referenced(tx, &cluster, &named)?;
    let instance = &mut record.instance;
    if instance.status.as_deref() == Some(status::INACTIVE) {
        return Err(refuse!(
            InvalidParameterException,
            "Referenced container instance {value} not found.",
            value = named
        ));
    }
    if instance.agent_update_status.is_some_and(is_under_way) {
        return Err(refuse!(
            UpdateInProgressException,
            "There is already an update in progress for your container agent."
        ));
    }
    let told = instance.version_info.as_ref();
    let told = told.and_then(|info| info.agent_version.as_deref());
    let version = told.and_then(version).ok_or_else(|| {
        refuse!(MissingVersionException, "Amazon ECS could not determine the current version of the container agent on your container instance.")
    })?;
    if version >= NEWEST {
        return Err(refuse!(
            NoUpdateAvailableException,
            "There is no update available for your container agent."
        ));
    }
    instance.agent_update_status = Some(AgentUpdateStatus::Pending);
    bump(&mut record);
    tx.put(key, record.clone());
    Ok(types::UpdateContainerAgentResponse {
        container_instance: Some(whole(tx, record)?),
    })
}

/// Whether an agent is being updated.
pub(super) const fn is_under_way(status: AgentUpdateStatus) -> bool {
    match status {
        AgentUpdateStatus::Pending
        | AgentUpdateStatus::Staging
        | AgentUpdateStatus::Staged
        | AgentUpdateStatus::Updating => true,
        AgentUpdateStatus::Updated | AgentUpdateStatus::Failed => false,
    }
}

/// Three numbers with dots between.
fn version(text: &str) -> Option<[u32; 3]> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers: Vec<u32> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}
