//! What is told of a service, in the words of AWS.
//!
//! Source: Amazon ECS developer guide, "Amazon ECS service event messages".

use std::fmt::Write as _;

/// How long the same message is not told again while its cause lasts.
///
/// Source: the same page: duplicates are left out until the cause is resolved or six hours have passed.
pub const REPEATED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_hours(6);

/// So many messages are kept, the newest.
pub const KEPT: usize = 100;

/// The service has what it is to have.
pub fn steady(service: &str) -> String {
    format!("(service {service}) has reached a steady state.")
}

/// Tasks were started.
pub fn started<'a>(service: &str, tasks: impl Iterator<Item = &'a str>) -> String {
    let (count, list) = listed(tasks);
    format!("(service {service}) has started {count} tasks:{list}.")
}

/// Tasks were asked to stop.
pub fn stopped<'a>(service: &str, tasks: impl Iterator<Item = &'a str>) -> String {
    let (count, list) = listed(tasks);
    format!("(service {service}) has stopped {count} running tasks:{list}.")
}

/// A task set's tasks were started.
pub fn set_started<'a>(service: &str, set: &str, tasks: impl Iterator<Item = &'a str>) -> String {
    let (count, list) = listed(tasks);
    format!("(service {service}, taskSet {set}) has started {count} tasks:{list}.")
}

/// A task set's tasks were asked to stop.
pub fn set_stopped<'a>(service: &str, set: &str, tasks: impl Iterator<Item = &'a str>) -> String {
    let (count, list) = listed(tasks);
    format!("(service {service}, taskSet {set}) has stopped {count} running tasks:{list}.")
}

/// A task set has what it is to have.
pub fn set_steady(service: &str, set: &str) -> String {
    format!("(service {service}, taskSet {set}) has reached a steady state.")
}

/// The health checks of a task failed.
pub fn unhealthy(service: &str, task: &str) -> String {
    format!("(service {service}) (task {task}) failed container health checks.")
}

/// A deployment has all its tasks, and is the only one.
pub fn completed(service: &str, deployment: &str) -> String {
    format!("(service {service}) (deployment {deployment}) deployment completed.")
}

/// The breaker gave a deployment up.
pub fn failed(service: &str, deployment: &str) -> String {
    format!("(service {service}) (deployment {deployment}) deployment failed: tasks failed to start.")
}

/// Somebody stopped a deployment.
pub fn halted(service: &str, deployment: &str) -> String {
    format!("(service {service}) (deployment {deployment}) deployment stopped: requested by user.")
}

/// An earlier revision is deployed again.
pub fn rolling_back(service: &str, deployment: &str) -> String {
    format!("(service {service}) rolling back to deployment {deployment}.")
}

/// Tasks fail again and again before they run.
pub fn throttled(service: &str) -> String {
    format!("(service {service}) is unable to consistently start tasks successfully.")
}

/// The percents leave no room for a single task to come or go.
pub fn stuck(service: &str) -> String {
    format!(
        "(service {service}) was unable to stop or start tasks during a deployment because of the service deployment \
         configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
    )
}

/// Tasks that are too many are protected.
pub fn protected(service: &str, count: usize) -> String {
    format!("(service {service}) was unable to scale in due to {count} protected tasks.")
}

/// No container instance takes the task; `closest` says what the one that lacks least lacks.
pub fn unplaced(service: &str, closest: Option<(&str, &str)>) -> String {
    let why = match closest {
        None => "Reason: No Container Instances were found in your cluster.".to_owned(),
        Some((instance, lacks)) => {
            format!("The closest matching (container-instance {instance}) {lacks}.")
        }
    };
    format!(
        "(service {service}) was unable to place a task because no container instance met all of its requirements. \
         {why} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    )
}

/// A task cannot be placed for another reason.
pub fn unplaced_because(service: &str, reason: &str) -> String {
    format!("(service {service}) was unable to place a task. Reason: {reason}.")
}

fn listed<'a>(tasks: impl Iterator<Item = &'a str>) -> (usize, String) {
    let mut list = String::new();
    let mut count = 0;
    for task in tasks {
        count += 1;
        // Writing to a String cannot fail.
        let _ = write!(list, " (task {task})");
    }
    (count, list)
}
