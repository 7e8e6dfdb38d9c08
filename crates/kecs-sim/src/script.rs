//! What a simulated container does, read from its definition.

use std::time::Duration;

use kecs_model::types::{ContainerDefinition, HealthStatus};

/// The label that keeps an image from being pulled; its value is what is said of it.
pub const PULL_ERROR: &str = "dev.kecs.sim/pull-error";
/// The label that ends a container; its value is the exit code.
pub const EXIT_CODE: &str = "dev.kecs.sim/exit-code";
/// The label that says after how many seconds a container ends; without an exit code it ends with 0.
pub const EXIT_AFTER: &str = "dev.kecs.sim/exit-after-seconds";
/// The label that says what the health check finds: `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
pub const HEALTH: &str = "dev.kecs.sim/health";
/// The label that says after how many seconds the health check finds that; `HEALTHY` until then if it is later than
/// the first look.
pub const HEALTH_AFTER: &str = "dev.kecs.sim/health-after-seconds";

/// What a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Why its image cannot be pulled.
    pub pull_error: Option<String>,
    /// When after its start it ends, and with which exit code.
    pub exit: Option<(Duration, i32)>,
    /// What its health check finds, and when after the first look; `None` without a health check.
    pub health: Option<(Duration, HealthStatus)>,
}

/// What this container does.
pub fn read(container: &ContainerDefinition) -> Script {
    let label = |name: &str| container.docker_labels.as_ref()?.get(name).map(String::as_str);
    let seconds = |name: &str| {
        let seconds: f64 = label(name)?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    let image = container.image.as_deref().unwrap_or_default();
    let pull_error = label(PULL_ERROR).map(str::to_owned).or_else(|| {
        is_of_no_registry(image).then(|| {
            format!(
                "pull image manifest has been retried 1 time(s): failed to resolve ref {image}: no such host"
            )
        })
    });
    let code = label(EXIT_CODE).and_then(|code| code.parse().ok());
    let after = seconds(EXIT_AFTER);
    let exit =
        (code.is_some() || after.is_some()).then(|| (after.unwrap_or_default(), code.unwrap_or_default()));
    let health = container.health_check.as_ref().map(|_| {
        let found = match label(HEALTH) {
            Some("UNHEALTHY") => HealthStatus::Unhealthy,
            Some("UNKNOWN") => HealthStatus::Unknown,
            Some(_) | None => HealthStatus::Healthy,
        };
        (seconds(HEALTH_AFTER).unwrap_or_default(), found)
    });
    Script {
        pull_error,
        exit,
        health,
    }
}

/// Whether the registry of an image is of the top level domain `invalid`.
fn is_of_no_registry(image: &str) -> bool {
    let Some((registry, _)) = image.split_once('/') else {
        return false;
    };
    let host = registry.split_once(':').map_or(registry, |(host, _)| host);
    host.rsplit('.').next() == Some("invalid")
}
