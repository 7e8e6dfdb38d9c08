//! A picture as lines for a terminal.

use crate::picture::{Node, NodeKind, Picture, status_text, summary, tree};

/// How many cells a progress bar has.
const BAR: usize = 20;

/// The tree of a picture, one line for each object and each resource that is being worked on, none wider than
/// `width` characters.
pub fn render(picture: &Picture, width: usize) -> Vec<String> {
    let folded = fold(picture);
    let branches = tree(&folded);
    let title = |node: &Node| format!("{} {}", label(node), node.key.name);
    let column = branches
        .iter()
        .map(|it| it.arms.chars().count() + title(it.node).chars().count())
        .max();
    let column = column.unwrap_or_default() + 2;
    let mut lines = Vec::new();
    for branch in &branches {
        let node = branch.node;
        let head = format!("{}{}", branch.arms, title(node));
        let line = format!("{head:column$}{}", standing(node));
        lines.push(cut(&line, width));
        if node.key.kind == NodeKind::Workspace && node.percent.is_some_and(|percent| percent < 100) {
            let current = node.current.as_deref().unwrap_or_default();
            // Only resources are named one by one; what else is being done stands on the line above.
            let resources = current.strip_prefix("applying ").unwrap_or_default();
            for resource in resources.split(", ").filter(|it| !it.is_empty()) {
                lines.push(cut(&format!("{}  • {resource}", branch.below), width));
            }
        }
    }
    lines
}

/// The picture without the applies whose workspace is there: the workspace says the same, and more.
fn fold(picture: &Picture) -> Picture {
    let mut folded = Picture::default();
    for node in picture.nodes() {
        let mut node = node.clone();
        let is_folded = node.key.kind == NodeKind::Apply && !picture.children(&node.key).is_empty();
        if is_folded {
            continue;
        }
        if let Some(parent) = node
            .parent
            .as_ref()
            .filter(|_| node.key.kind == NodeKind::Workspace)
            && let Some(apply) = picture.get(parent)
            && apply.key.kind == NodeKind::Apply
            && apply.parent.is_some()
        {
            node.parent.clone_from(&apply.parent);
        }
        folded.set(node);
    }
    folded
}

fn label(node: &Node) -> &'static str {
    match node.key.kind {
        NodeKind::Cluster => "Cluster",
        NodeKind::Infrastructure => "VPC",
        NodeKind::ControlPlane => "Control plane",
        NodeKind::Apply => "Apply",
        NodeKind::Workspace => "Workspace",
        NodeKind::Template | NodeKind::Secret => node.key.kind.name(),
    }
}

fn standing(node: &Node) -> String {
    let mark = mark(node);
    let bar = node
        .percent
        .filter(|_| !node.ready || node.deleting)
        .filter(|percent| (1..100).contains(percent));
    match bar {
        Some(percent) => {
            let word = summary(node).split(' ').next().unwrap_or_default().to_owned();
            let steps = node
                .steps
                .map(|(done, total)| format!(" {done}/{total}"))
                .unwrap_or_default();
            let current = node.current.as_deref().filter(|it| !it.starts_with("applying"));
            let current = current.map(|current| format!("  {current}")).unwrap_or_default();
            format!(
                "{mark} {word:<12} {} {percent:>3}%{steps}{current}",
                bar_of(percent)
            )
        }
        None => format!("{mark} {}", status_text(node)),
    }
}

const fn mark(node: &Node) -> char {
    if node.deleting {
        '✗'
    } else if node.ready {
        '✓'
    } else if node.fault.is_some() {
        '!'
    } else {
        '…'
    }
}

fn bar_of(percent: i32) -> String {
    let filled = usize::try_from(percent.clamp(0, 100)).unwrap_or(0) * BAR / 100;
    format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled))
}

fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
