//! A page out of a picture.

mod objects;

use capt_core::advance::attempts;
use capt_core::fault::{Disposition, FaultClass};
use jiff::Timestamp;

use super::model::{
    AttemptsPart, ClusterPart, CommandPart, EventPart, FailurePart, NextStepPart, OperationPart, Page,
    PlacePart, StepPart, UsePart,
};
use super::{Happening, Options};
use crate::advice::{Advice, Place, advise, origin};
use crate::words::{age, length, one_line};
use crate::{Node, NodeKey, NodeKind, Picture};

const API_VERSION: &str = "cli.capt.infrastructure.cluster.x-k8s.io/v1";
const KIND: &str = "ClusterDescription";

/// How many operations and Events are on a page.
const MOST: usize = 10;

pub(super) fn page(picture: &Picture, cluster: &NodeKey, options: &Options<'_>) -> Page {
    let belonging = picture.belonging(&cluster.namespace, &cluster.name);
    let mut own = Picture::default();
    for key in &belonging {
        if let Some(node) = picture.get(key) {
            own.set(node.clone());
        }
    }
    let advice = advise(picture, cluster, options.program, options.now);
    Page {
        api_version: API_VERSION,
        kind: KIND,
        described_at: options.now,
        cluster: header(&own, cluster, &advice),
        objects: objects::parts(&own, cluster, options.now),
        failures: failures(picture, &own, cluster),
        operations: operations(&own, cluster),
        uses: uses(picture, &own, cluster),
        events: events(&own, cluster, options.happenings),
        gaps: options.gaps.to_vec(),
        next_step: next(advice),
    }
}

fn header(own: &Picture, cluster: &NodeKey, advice: &Advice) -> ClusterPart {
    let missing = Node::missing(cluster.clone());
    let root = own.get(cluster).unwrap_or(&missing);
    let part = |kind: NodeKind| {
        let referred = root
            .needs
            .iter()
            .find(|it| it.key.kind == kind)
            .and_then(|it| own.get(&it.key));
        referred.or_else(|| own.nodes().find(|node| node.key.kind == kind))
    };
    let (infrastructure, control_plane) = (part(NodeKind::Infrastructure), part(NodeKind::ControlPlane));
    let is_ready = |node: Option<&Node>| node.is_some_and(|node| node.ready);
    let of_control_plane =
        |field: fn(&Node) -> &Option<String>| control_plane.and_then(|node| field(node).clone());
    ClusterPart {
        name: cluster.name.clone(),
        namespace: cluster.namespace.clone(),
        state: advice.verdict.name(),
        phase: root.state.clone(),
        ready: is_ready(infrastructure) && is_ready(control_plane),
        available: root.ready,
        paused: root.paused.as_ref().map(ToString::to_string),
        deleting_since: root.deleting_since,
        cluster_class: root.topology.clone(),
        version: of_control_plane(|node| &node.version).or_else(|| root.version.clone()),
        wanted_version: of_control_plane(|node| &node.wanted_version),
        endpoint: root
            .endpoint
            .clone()
            .or_else(|| of_control_plane(|node| &node.endpoint)),
        created_at: root.created,
    }
}

/// The faults, each where it happened.
fn failures(picture: &Picture, own: &Picture, cluster: &NodeKey) -> Vec<FailurePart> {
    let mut found: Vec<FailurePart> = Vec::new();
    // The lowest first: what is above it has it from there.
    let mut nodes: Vec<&Node> = own.nodes().filter(|node| node.fault.is_some()).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.key.kind));
    for node in nodes {
        let Some(fault) = &node.fault else { continue };
        let title = node.key.title_in(&cluster.namespace);
        if let Some(source) = origin(own, node) {
            if let Some(part) = found
                .iter_mut()
                .find(|part| part.object == source.key.to_string())
            {
                part.affects.push(node.key.to_string());
                part.affected.push(title);
            }
            continue;
        }
        let place = Place::of(picture, node, fault);
        found.push(FailurePart {
            object: node.key.to_string(),
            affects: Vec::new(),
            class: fault.class.clone(),
            meaning: meaning(&fault.class),
            code: fault.code.clone(),
            subject: Some(one_line(&fault.subject)).filter(|subject| !subject.is_empty()),
            by_terraform: node.key.kind == NodeKind::Workspace
                && (place.is_some() || !fault.subject.starts_with("spec.")),
            place: place.map(|place| PlacePart {
                words: place.words(&cluster.namespace),
                object: place.object.map(|key| key.to_string()),
                field: place.field,
                line: place.line,
                column: place.column,
            }),
            message: fault.message.clone(),
            attempts: AttemptsPart {
                failed: node.attempts.failed,
                last: node.attempts.last,
                next: node.attempts.next,
                exhausted: node.attempts.exhausted,
            },
            title,
            affected: Vec::new(),
            whole: format!(
                "kubectl -n {} get {} {} -o jsonpath='{{.status.fault.message}}'",
                node.key.namespace,
                node.key.kind.resource(),
                node.key.name
            ),
        });
    }
    found
}

/// What is done about a class of failures, in plain words.
fn meaning(class: &str) -> String {
    let known = FaultClass::ALL.iter().copied().find(|it| it.name() == class);
    let passes = known.is_some_and(FaultClass::passes);
    let budget = known.map_or(0, attempts);
    match known.map(FaultClass::disposition) {
        Some(Disposition::Retry) if passes => {
            format!("often passes by itself; tried again up to {budget} times")
        }
        Some(Disposition::Retry) => {
            format!("tried again up to {budget} times, then somebody has to mend the cause")
        }
        Some(Disposition::Resume) => "goes on at once".to_owned(),
        Some(Disposition::Probe { every }) => {
            let every = length(jiff::SignedDuration::try_from(every).unwrap_or_default());
            format!("somebody has to mend the cause; looked at again every {every}")
        }
        Some(Disposition::Stop) => "nothing is tried again before something changes".to_owned(),
        None => "of a class that this program does not know".to_owned(),
    }
}

/// The last operations of the parts of the cluster, and the Terraform runs, newest first.
fn operations(own: &Picture, cluster: &NodeKey) -> Vec<OperationPart> {
    let mut found = Vec::new();
    for node in own.nodes() {
        let part = |operation: &str, started_at: Timestamp, finished_at: Option<Timestamp>, outcome: &str| {
            let took = finished_at.map(|at| at.duration_since(started_at).as_secs().max(0));
            OperationPart {
                object: node.key.to_string(),
                operation: operation.to_owned(),
                run: None,
                engine: None,
                started_at,
                finished_at,
                seconds: took,
                outcome: outcome.to_owned(),
                title: node.key.title_in(&cluster.namespace),
            }
        };
        // What is made for another object has the operations of that one.
        let is_own = match node.key.kind {
            NodeKind::Infrastructure | NodeKind::ControlPlane => true,
            NodeKind::Apply => node.parent.is_none(),
            NodeKind::Cluster | NodeKind::Workspace | NodeKind::Template | NodeKind::Secret => false,
        };
        if is_own {
            for past in &node.history {
                let outcome = past.outcome.as_deref().unwrap_or("left");
                found.push(part(&past.name, past.started_at, past.finished_at, outcome));
            }
            if let (Some(operation), Some(started)) = (&node.operation, node.started_at) {
                found.push(part(operation, started, None, "under way"));
            }
        }
        if let Some(run) = &node.run
            && let Some(started) = run.started_at
        {
            let operation = format!("Terraform {}", run.operation.to_lowercase());
            let outcome = run.stage.as_deref().unwrap_or("about to begin");
            found.push(OperationPart {
                run: Some(run.id.clone()),
                engine: run.engine.clone(),
                ..part(&operation, started, run.finished_at, outcome)
            });
        }
    }
    found.sort_by(|a, b| (b.started_at, &b.object).cmp(&(a.started_at, &a.object)));
    found.truncate(MOST);
    found
}

/// What the objects of the cluster use that is not among them.
fn uses(picture: &Picture, own: &Picture, cluster: &NodeKey) -> Vec<UsePart> {
    let mut keys = std::collections::BTreeSet::new();
    for node in own.nodes() {
        let needed = picture.needs(node).into_iter().map(|(_, key)| key);
        keys.extend(needed.chain(&node.writes).filter(|key| own.get(key).is_none()));
    }
    let part = |key: &NodeKey| {
        let users: Vec<&Node> = own
            .nodes()
            .filter(|node| picture.needs(node).iter().any(|(_, needed)| *needed == key))
            .collect();
        let writers: Vec<&Node> = own.nodes().filter(|node| node.writes.contains(key)).collect();
        let node = picture.get(key);
        let names = |nodes: &[&Node]| nodes.iter().map(|node| node.key.to_string()).collect();
        let titles = |nodes: &[&Node]| {
            nodes
                .iter()
                .map(|node| node.key.title_in(&cluster.namespace))
                .collect()
        };
        UsePart {
            object: key.to_string(),
            exists: node.map(|node| node.exists),
            state: node
                .filter(|node| node.exists)
                .map(crate::summary)
                .unwrap_or_default(),
            used_by: names(&users),
            written_by: names(&writers),
            title: key.title_in(&cluster.namespace),
            users: titles(&users),
            writers: titles(&writers),
        }
    };
    keys.into_iter().map(part).collect()
}

/// The last Events of the objects, oldest first.
fn events(own: &Picture, cluster: &NodeKey, happenings: &[Happening]) -> Vec<EventPart> {
    let mut found: Vec<(&Happening, NodeKey)> = happenings
        .iter()
        .filter_map(|it| {
            let key = NodeKey::new(NodeKind::of(&it.kind)?, &*it.namespace, &*it.name);
            own.get(&key).is_some().then_some((it, key))
        })
        .collect();
    found.sort();
    let skipped = found.len().saturating_sub(MOST);
    let part = |(it, key): (&Happening, NodeKey)| EventPart {
        at: it.at,
        object: key.to_string(),
        severity: it.severity.clone(),
        reason: it.reason.clone(),
        message: it.message.clone(),
        count: it.count,
        title: key.title_in(&cluster.namespace),
    };
    found.into_iter().skip(skipped).map(part).collect()
}

fn next(advice: Advice) -> NextStepPart {
    let steps = advice.steps.into_iter().map(|step| StepPart {
        text: step.text,
        commands: step
            .commands
            .into_iter()
            .map(|command| CommandPart {
                purpose: command.purpose,
                command: command.line,
            })
            .collect(),
    });
    NextStepPart {
        needed: advice.needed,
        steps: steps.collect(),
    }
}

/// `for 7s`.
fn lasting(since: Timestamp, now: Timestamp) -> String {
    format!("for {}", age(since, now))
}
