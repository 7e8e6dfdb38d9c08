//! What came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use capt_picture::{Node, NodeKey, NodeKind, Picture, next_step, summary};
use capt_sandbox::Stats;
use capt_sandbox::watch::Goal;
use comfy_table::{Table, presets};

/// When each of the objects that count was ready first.
#[derive(Debug, Default)]
pub(super) struct Readiness(BTreeMap<NodeKey, Duration>);

impl Readiness {
    /// Looks at what is ready now.
    pub(super) fn note(&mut self, picture: &Picture, goal: &Goal, elapsed: Duration) {
        for key in goal.wanted() {
            if picture.get(key).is_some_and(|node| node.ready) {
                self.0.entry(key.clone()).or_insert(elapsed);
            }
        }
    }
}

/// The table of what was applied: a line for each Cluster, and for what belongs to none.
pub(super) fn table(picture: &Picture, goal: &Goal, ready: &Readiness) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NAME", "STATE", "VERSION", "ENDPOINT", "SECONDS"]);
    let roots: Vec<NodeKey> = picture.roots().into_iter().map(|node| node.key.clone()).collect();
    for key in goal.wanted().filter(|key| roots.contains(key)) {
        let Some(node) = picture.get(key) else { continue };
        // A Cluster says less about itself than its control plane does.
        let control_plane = picture
            .children(key)
            .into_iter()
            .find(|it| it.key.kind == NodeKind::ControlPlane);
        let teller = control_plane
            .filter(|_| key.kind == NodeKind::Cluster)
            .unwrap_or(node);
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([
            name(node),
            summary(teller),
            or_dash(&teller.version),
            or_dash(&teller.endpoint),
            ready
                .0
                .get(key)
                .map_or_else(|| "-".to_owned(), |took| took.as_secs().to_string()),
        ]);
    }
    let mut text = String::new();
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim());
    }
    text
}

/// A Cluster by its name, everything else with its kind.
fn name(node: &Node) -> String {
    match node.key.kind {
        NodeKind::Cluster => match node.key.namespace.as_str() {
            "default" => node.key.name.clone(),
            namespace => format!("{namespace}/{}", node.key.name),
        },
        NodeKind::Infrastructure
        | NodeKind::ControlPlane
        | NodeKind::Apply
        | NodeKind::Workspace
        | NodeKind::Template
        | NodeKind::Secret => node.key.title(),
    }
}

/// What does not go on, why, and what to do about it. The first of `keys` knows best; `advice` is what else is to be
/// done.
pub(super) fn stuck(picture: &Picture, goal: &Goal, keys: &[NodeKey], advice: &[String]) -> String {
    let titles =
        |keys: &mut dyn Iterator<Item = &NodeKey>| keys.map(NodeKey::title).collect::<Vec<_>>().join(", ");
    let mut blamed = titles(&mut goal.stuck(picture));
    let mut under_way = titles(&mut goal.under_way(picture));
    if blamed.is_empty() {
        // Nothing has failed; something that nobody makes is waited for.
        blamed = std::mem::take(&mut under_way);
    }
    let mut text = format!("\nneeds a person: {blamed} cannot become ready\n");
    let nodes: Vec<&Node> = keys.iter().filter_map(|key| picture.get(key)).collect();
    let lowest = nodes.first().map(|node| node.key.kind);
    for node in nodes.into_iter().filter(|node| Some(node.key.kind) == lowest) {
        let _ = writeln!(text, "  {} {}", node.key.title(), summary(node));
        let fault = node.fault.as_ref().map(ToString::to_string);
        let step = next_step(picture, node).map(|step| step.to_string());
        for (label, body) in [("fault", fault), ("next step", step)] {
            if let Some(body) = body {
                labelled(&mut text, label, &body);
            }
        }
    }
    for step in advice {
        labelled(&mut text, "next step", step);
    }
    if !under_way.is_empty() {
        let _ = writeln!(text, "  still under way, and as it should be: {under_way}");
    }
    text
}

fn labelled(text: &mut String, label: &str, body: &str) {
    for (number, line) in body.lines().enumerate() {
        let label = if number == 0 { label } else { "" };
        let _ = writeln!(text, "    {label:<11}{line}");
    }
}

/// What it took.
pub(super) fn stats(stats: &Stats, took: Duration) -> String {
    format!(
        "stats: {} reads, {} writes ({} of them changed something), {} watches that \
         delivered {} events; {} Terraform runs in {} steps; {}.{:03} s\n",
        stats.reads,
        stats.writes,
        stats.changes,
        stats.watches,
        stats.events,
        stats.runs,
        stats.processes,
        took.as_secs(),
        took.subsec_millis()
    )
}
