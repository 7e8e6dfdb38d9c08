//! The settings and the configuration of a cluster.

use kecs_model::types::{
    ClusterConfiguration, ClusterServiceConnectDefaults, ClusterServiceConnectDefaultsRequest,
    ClusterSetting, ClusterSettingName, ExecuteCommandLogging,
};
use kecs_model::{Refusal, refuse};

/// What Container Insights may be.
const INSIGHTS: [&str; 3] = ["enabled", "disabled", "enhanced"];

/// Container Insights at this value.
pub(super) fn insights(value: String) -> ClusterSetting {
    ClusterSetting {
        name: Some(ClusterSettingName::ContainerInsights),
        value: Some(value),
    }
}

/// The settings with what is new of them.
pub(super) fn settings(
    mut known: Vec<ClusterSetting>,
    more: Vec<ClusterSetting>,
) -> Result<Vec<ClusterSetting>, Refusal> {
    for setting in more {
        let name = setting
            .name
            .ok_or_else(|| refuse!(InvalidParameterException, "Invalid setting 'name'"))?;
        let value = setting.value.as_deref().unwrap_or_default();
        match name {
            ClusterSettingName::ContainerInsights if INSIGHTS.contains(&value) => {}
            ClusterSettingName::ContainerInsights => {
                return Err(refuse!(InvalidParameterException, "Invalid setting 'value'"));
            }
        }
        known.retain(|it| it.name != Some(name));
        known.push(setting);
    }
    Ok(known)
}

/// A configuration whose parts agree: a place for logs is named if and only if logs go there.
pub(super) fn configuration(configuration: ClusterConfiguration) -> Result<ClusterConfiguration, Refusal> {
    if let Some(execute) = &configuration.execute_command_configuration {
        let overrides = execute.logging == Some(ExecuteCommandLogging::Override);
        let place = execute.log_configuration.as_ref();
        let named =
            place.is_some_and(|it| it.cloud_watch_log_group_name.is_some() || it.s3_bucket_name.is_some());
        if overrides && !named {
            return Err(refuse!(
                InvalidParameterException,
                "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log \
                 configuration."
            ));
        }
        if !overrides && place.is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "You must set logging to 'OVERRIDE' when you supply a log configuration."
            ));
        }
    }
    Ok(configuration)
}

/// The namespace of Service Connect: none at all where it is empty.
pub(super) fn namespace(
    defaults: ClusterServiceConnectDefaultsRequest,
) -> Result<Option<ClusterServiceConnectDefaults>, Refusal> {
    let namespace = defaults.namespace.unwrap_or_default();
    if namespace.is_empty() {
        return Ok(None);
    }
    is_namespace(&namespace)?;
    if namespace.chars().count() > 1024 {
        return Err(refuse!(InvalidParameterException, "namespace longer than 1024."));
    }
    Ok(Some(ClusterServiceConnectDefaults {
        namespace: Some(namespace),
    }))
}

/// What is named as a namespace can be one. Whether it is there is not asked: namespaces are kept elsewhere.
pub(in crate::api) fn is_namespace(named: &str) -> Result<(), Refusal> {
    if named.starts_with("arn:") && !named.contains(":servicediscovery:") {
        return Err(refuse!(
            NamespaceNotFoundException,
            "The specified namespace was not found."
        ));
    }
    Ok(())
}
