//! A graph for people and programs: text tree, DOT, Mermaid, and plain data for JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{DependencyGraph, Loaded, NodeKey};

/// How a node shows itself to the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// The kind of thing it is: `Cluster`, `ControlPlane`, `Workspace`, ... (`type` on the wire).
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its status in a word; empty where it has none.
    pub status: String,
}

/// A graph as plain data: what is printed as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphView {
    /// Each node by its id.
    pub nodes: BTreeMap<String, NodeView>,
    /// For each node the ids of what it depends on, in key order; empty for one that depends on nothing.
    pub edges: BTreeMap<String, Vec<String>>,
}

impl GraphView {
    /// The graph that it shows, over the ids; without the edges that would close a cycle, which are told.
    pub fn load(&self) -> Loaded<String> {
        let alone = self.nodes.keys().map(|node| (node.clone(), Vec::new()));
        let edges = self
            .edges
            .iter()
            .map(|(node, needed)| (node.clone(), needed.clone()));
        DependencyGraph::load(alone.chain(edges))
    }
}

impl<N: NodeKey> DependencyGraph<N> {
    /// The graph as plain data, ids as displayed.
    pub fn view(&self, view: impl Fn(&N) -> NodeView) -> GraphView {
        GraphView {
            nodes: self.nodes().map(|node| (node.to_string(), view(node))).collect(),
            edges: self
                .nodes()
                .map(|node| {
                    let dependencies = self.dependencies_of(node).map(ToString::to_string);
                    (node.to_string(), dependencies.collect())
                })
                .collect(),
        }
    }

    /// A text tree, a line for each node and below it what it depends on. It starts with the nodes on which
    /// nothing depends.
    ///
    /// A node with several dependents is written out at the first of them and referred to by the others.
    /// `label` gives the text of a node; line breaks in it become spaces.
    ///
    /// ```text
    /// cluster/demo
    /// ├─ control-plane/demo
    /// │  └─ workspace/vpc
    /// └─ workspace/vpc (see above)
    /// ```
    pub fn render_tree(&self, label: impl Fn(&N) -> String) -> String {
        let mut text = String::new();
        let mut written = BTreeSet::new();
        // A stack of our own: the depth of a graph is not bounded, that of the call stack is.
        let mut open: Vec<(&N, String, String)> = self
            .nodes()
            .filter(|node| self.dependents_of(node).next().is_none())
            .map(|root| (root, String::new(), String::new()))
            .collect();
        open.reverse();
        while let Some((node, branch, indent)) = open.pop() {
            let label = one_line(&label(node));
            if !written.insert(node) {
                let _ = writeln!(text, "{branch}{label} (see above)");
                continue;
            }
            let _ = writeln!(text, "{branch}{label}");
            let first = open.len();
            let mut dependencies = self.dependencies_of(node).peekable();
            while let Some(dependency) = dependencies.next() {
                let (arm, below) = match dependencies.peek() {
                    Some(_) => ("├─ ", "│  "),
                    None => ("└─ ", "   "),
                };
                open.push((dependency, format!("{indent}{arm}"), format!("{indent}{below}")));
            }
            open[first..].reverse();
        }
        text
    }

    /// The graph in the DOT language of Graphviz.
    pub fn render_dot(&self, view: impl Fn(&N) -> NodeView) -> String {
        let mut text = String::from("digraph dependencies {\n    node [shape=box];\n");
        for node in self.nodes() {
            let label: Vec<String> = view(node).lines().iter().map(|line| escape_dot(line)).collect();
            let id = escape_dot(&node.to_string());
            let _ = writeln!(text, "    \"{id}\" [label=\"{}\"];", label.join("\\n"));
        }
        for (dependent, dependency) in self.edges() {
            let from = escape_dot(&dependent.to_string());
            let to = escape_dot(&dependency.to_string());
            let _ = writeln!(text, "    \"{from}\" -> \"{to}\";");
        }
        text.push_str("}\n");
        text
    }

    /// The graph as a Mermaid flowchart.
    ///
    /// Nodes are numbered in key order, because Mermaid's ids admit neither slashes nor its own keywords.
    pub fn render_mermaid(&self, view: impl Fn(&N) -> NodeView) -> String {
        let mut text = String::from("flowchart TD\n");
        let numbers: BTreeMap<&N, usize> = self.nodes().zip(0..).collect();
        for (node, number) in &numbers {
            let label: Vec<String> = view(node)
                .lines()
                .iter()
                .map(|line| escape_mermaid(line))
                .collect();
            let _ = writeln!(text, "    n{number}[\"{}\"]", label.join("<br/>"));
        }
        for (dependent, dependency) in self.edges() {
            let _ = writeln!(text, "    n{} --> n{}", numbers[dependent], numbers[dependency]);
        }
        text
    }
}

impl NodeView {
    /// What a box in a drawing says: kind and name, and the status where there is one.
    fn lines(&self) -> Vec<String> {
        let title = format!("{} {}", self.kind, self.name);
        if self.status.is_empty() {
            vec![title]
        } else {
            vec![title, self.status.clone()]
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

/// For a quoted string of DOT, in which a backslash also begins escapes for placement.
fn escape_dot(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// For a quoted label of Mermaid, which knows no backslashes but numbered entities, and reads HTML and
/// Markdown.
fn escape_mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '*' | '_' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}
