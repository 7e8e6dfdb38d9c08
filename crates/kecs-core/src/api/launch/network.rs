//! Network configurations.

use kecs_model::types::{AssignPublicIp, NetworkConfiguration, NetworkMode};
use kecs_model::{Refusal, refuse, types};

use super::Compute;

/// Subnets that a configuration has at most.
///
/// Source: `AwsVpcConfiguration` of the Amazon ECS API reference.
const SUBNETS: usize = 16;

/// Security groups that a configuration has at most.
const SECURITY_GROUPS: usize = 5;

/// The network configuration that a request names, with what it leaves out: there for `awsvpc`, and only for that.
pub(in crate::api) fn network(
    definition: &types::TaskDefinition,
    launch: &Compute,
    wanted: Option<&NetworkConfiguration>,
) -> Result<Option<NetworkConfiguration>, Refusal> {
    let own = definition.network_mode == Some(NetworkMode::Awsvpc);
    let Some(vpc) = wanted.and_then(|wanted| wanted.awsvpc_configuration.as_ref()) else {
        return if own {
            Err(refuse!(
                InvalidParameterException,
                "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            ))
        } else {
            Ok(None)
        };
    };
    if !own {
        return Err(refuse!(
            InvalidParameterException,
            "Network Configuration is not valid for the given networkMode of this task definition."
        ));
    }
    let count = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
    if count(&vpc.subnets) == 0 {
        return Err(refuse!(InvalidParameterException, "subnets can not be empty."));
    }
    if count(&vpc.subnets) > SUBNETS {
        return Err(refuse!(
            InvalidParameterException,
            "subnets can have at most 16 items."
        ));
    }
    if count(&vpc.security_groups) > SECURITY_GROUPS {
        return Err(refuse!(
            InvalidParameterException,
            "securityGroups can have at most 5 items."
        ));
    }
    if vpc.assign_public_ip == Some(AssignPublicIp::Enabled) && !launch.is_fargate() {
        return Err(refuse!(
            InvalidParameterException,
            "Assign public IP is not supported for this launch type."
        ));
    }
    Ok(Some(NetworkConfiguration {
        awsvpc_configuration: Some(types::AwsVpcConfiguration {
            subnets: vpc.subnets.clone(),
            security_groups: Some(vpc.security_groups.clone().unwrap_or_default()),
            assign_public_ip: Some(vpc.assign_public_ip.unwrap_or(AssignPublicIp::Disabled)),
        }),
    }))
}
