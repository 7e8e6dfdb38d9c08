//! `capt describe`: how a cluster stands, why, and what to do next.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use capt_runtime::Clock;
use capt_picture::{Node, Picture, Said, next_step, status_text, summary, tree};
use jiff::{SignedDuration, Timestamp};

use crate::cli::DescribeArgs;
use crate::connect::picture_of;
use crate::output;

/// Describes a cluster.
pub(crate) async fn run(args: &DescribeArgs) -> Result<ExitCode> {
    let (picture, _) = picture_of(&args.cluster).await?;
    let text = render(&picture, args.show_conditions, Clock::system().now());
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The tree of a picture, each object with what explains how it stands.
fn render(picture: &Picture, all_conditions: bool, now: Timestamp) -> String {
    let mut text = String::new();
    for branch in tree(picture) {
        let node = branch.node;
        // What is wrong gets lines of its own.
        let standing = if node.fault.is_some() {
            summary(node)
        } else {
            status_text(node)
        };
        let _ = writeln!(
            text,
            "{}{}  {standing}{}",
            branch.arms,
            node.key.title(),
            times(node, now)
        );
        for line in remarks(picture, node, all_conditions, now) {
            let _ = writeln!(text, "{}   {line}", branch.below);
        }
    }
    text
}

/// The object that this one has its fault from, if it is one that was made for it.
fn origin<'a>(picture: &'a Picture, node: &Node) -> Option<&'a Node> {
    let fault = node.fault.as_ref()?;
    let is_same = |child: &&Node| {
        let theirs = child.fault.as_ref();
        theirs.is_some_and(|it| it.code == fault.code && it.message == fault.message)
    };
    let child = picture.children(&node.key).into_iter().find(is_same)?;
    Some(origin(picture, child).unwrap_or(child))
}

/// Since when, and for how much longer.
fn times(node: &Node, now: Timestamp) -> String {
    let mut parts = Vec::new();
    if let Some(since) = node.since {
        parts.push(format!("for {}", age(since, now)));
    }
    if let Some(at) = node.expected_at.filter(|_| !node.ready) {
        let left = at.duration_since(now);
        parts.push(if left.is_negative() {
            "longer than expected".to_owned()
        } else {
            format!("about {} to go", length(left))
        });
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("  ({})", parts.join(", "))
    }
}

fn remarks(picture: &Picture, node: &Node, all_conditions: bool, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let mut push = |label: &str, body: &str| {
        let mut body = body.lines();
        lines.push(format!("{label:<11}{}", body.next().unwrap_or_default()));
        lines.extend(body.map(|rest| format!("{:<11}{rest}", "")));
    };
    let origin = origin(picture, node);
    if let Some(origin) = origin {
        push("fault", &format!("that of {}", origin.key.title()));
    } else if let Some(fault) = &node.fault {
        push("fault", &fault.to_string());
    }
    for wait in &node.waits {
        let message = if wait.message.is_empty() {
            String::new()
        } else {
            format!(": {}", wait.message)
        };
        push("waits for", &format!("{} ({}){message}", wait.on, wait.reason));
    }
    for said in node
        .conditions
        .iter()
        .filter(|said| all_conditions || is_remarkable(node, said))
    {
        let message = if said.message.is_empty() {
            String::new()
        } else {
            format!(": {}", said.message)
        };
        let (kind, status, reason) = (&said.kind, &said.status, &said.reason);
        push(
            "condition",
            &format!("{kind}={status} {reason}, for {}{message}", age(said.since, now)),
        );
    }
    if let Some(step) = next_step(node).filter(|_| origin.is_none()) {
        push("next step", &step);
    }
    lines
}

/// Whether a condition says something that the rest of the description does not.
fn is_remarkable(node: &Node, said: &Said) -> bool {
    let is_told_already = match said.kind.as_str() {
        // The state, what is being done and the fault say the same.
        "Ready" | "Creating" | "Failed" | "Reconciling" | "Initialized"
        // Cluster API's summary, Available, lists them.
        | "InfrastructureReady" | "ControlPlaneInitialized" | "ControlPlaneAvailable" => true,
        // Something was ready before and is being changed.
        "UpToDate" => !node.ready,
        _ => false,
    };
    let repeats_fault = node
        .fault
        .as_ref()
        .is_some_and(|fault| said.message.contains(&fault.message));
    !is_told_already && !repeats_fault && !is_as_wanted(said)
}

/// Whether a condition says that all is well. Those whose truth is bad news are the ones of kstatus and of
/// Cluster API.
fn is_as_wanted(said: &Said) -> bool {
    let is_bad_news = matches!(
        said.kind.as_str(),
        "Stalled" | "Reconciling" | "Failed" | "Creating" | "Deleting" | "Paused" | "RollingOut"
    );
    said.status == if is_bad_news { "False" } else { "True" }
}

fn age(since: Timestamp, now: Timestamp) -> String {
    length(now.duration_since(since))
}

/// A length of time in its two largest units.
fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m{}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h{minutes}m"),
        (days, hours, _) => format!("{days}d{hours}h"),
    }
}

#[cfg(test)]
pub(crate) use tests::fixture;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The objects of a file below `tests/fixtures`.
    pub(crate) fn fixture(file: &str) -> Picture {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let mut picture = Picture::default();
        for object in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            let node = match object["kind"].as_str().unwrap() {
                "Cluster" => Node::from(&read::<capt_api::Cluster>(object)),
                "CAPTCluster" => Node::from(&read::<capt_api::CAPTCluster>(object)),
                "CAPTControlPlane" => Node::from(&read::<capt_api::CAPTControlPlane>(object)),
                "WorkspaceTemplateApply" => Node::from(&read::<capt_api::WorkspaceTemplateApply>(object)),
                "TerraformWorkspace" => Node::from(&read::<capt_api::TerraformWorkspace>(object)),
                other => panic!("{other}"),
            };
            picture.set(node);
        }
        picture
    }

    fn read<K: serde::de::DeserializeOwned>(object: Value) -> K {
        serde_json::from_value(object).unwrap()
    }

    fn now() -> Timestamp {
        "2027-01-15T08:19:53Z".parse().unwrap()
    }

    #[test]
    fn a_cluster_that_is_being_made_says_how_far_it_is_and_what_it_waits_for() {
        output::golden(
            "tests/golden/describe-provisioning.txt",
            &render(&fixture("provisioning.yaml"), false, now()),
        );
    }

    #[test]
    fn a_cluster_that_needs_a_person_says_what_to_do() {
        output::golden(
            "tests/golden/describe-failed.txt",
            &render(&fixture("failed.yaml"), false, now()),
        );
    }

    #[test]
    fn all_conditions_are_shown_to_who_asks_for_them() {
        let text = render(&fixture("provisioning.yaml"), true, now());
        output::golden("tests/golden/describe-conditions.txt", &text);
    }

    #[test]
    fn lengths_have_two_units() {
        let of = |seconds| length(SignedDuration::from_secs(seconds));
        assert_eq!(
            [of(-1), of(59), of(61), of(3661), of(90_000)],
            ["0s", "59s", "1m1s", "1h1m", "1d1h"]
        );
    }
}
