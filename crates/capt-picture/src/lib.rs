//! How a cluster and everything that makes it stand, as data: what a watch view, a description and a graph show.
//!
//! # Guarantees
//!
//! Pure, and a function of the objects alone: the same objects give the same picture, in whatever order they
//! came. No secret value is in it.

mod advice;
mod read;
mod text;
mod tree;

use std::collections::BTreeMap;
use std::fmt;

use capt_core::graph::{Cycle, DependencyGraph, NodeKey as GraphKey, NodeView};
use jiff::Timestamp;

pub use advice::next_step;
pub use text::{status_text, summary};
pub use tree::{Branch, tree};

/// The kinds that are shown, from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Cluster API's `Cluster`.
    Cluster,
    /// `CAPTCluster`.
    Infrastructure,
    /// `CAPTControlPlane`.
    ControlPlane,
    /// `WorkspaceTemplateApply`.
    Apply,
    /// `TerraformWorkspace`.
    Workspace,
}

impl NodeKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Cluster,
        Self::Infrastructure,
        Self::ControlPlane,
        Self::Apply,
        Self::Workspace,
    ];

    /// The kind as manifests have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Infrastructure => "CAPTCluster",
            Self::ControlPlane => "CAPTControlPlane",
            Self::Apply => "WorkspaceTemplateApply",
            Self::Workspace => "TerraformWorkspace",
        }
    }

    /// The kind as people type it at kubectl.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Infrastructure => "captcluster",
            Self::ControlPlane => "captcontrolplane",
            Self::Apply => "wtapply",
            Self::Workspace => "tfws",
        }
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Which object is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    /// Its kind.
    pub kind: NodeKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl NodeKey {
    /// The object of this kind, namespace and name.
    pub fn new(kind: NodeKind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Kind and name, with the namespace where it is not `default`.
    pub fn title(&self) -> String {
        if self.namespace == "default" {
            format!("{}/{}", self.kind.name(), self.name)
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.name(), self.namespace, self.name)
    }
}

impl GraphKey for NodeKey {}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Which one it is.
    pub key: NodeKey,
    /// The object that it was made for.
    pub parent: Option<NodeKey>,
    /// The Cluster that it is labelled with.
    pub cluster: Option<String>,
    /// What it needs, beside what was made for it.
    pub needs: Vec<NodeKey>,
    /// The state, the phase of a Cluster; empty while nothing was said.
    pub state: String,
    /// Whether all is as wanted.
    pub ready: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Why nobody touches it, if so.
    pub paused: Option<String>,
    /// What is being done (`Provision`).
    pub operation: Option<String>,
    /// What of it just now.
    pub current: Option<String>,
    /// How far it is.
    pub percent: Option<i32>,
    /// Steps that are done, and how many there are.
    pub steps: Option<(i32, i32)>,
    /// When it is expected to be done.
    pub expected_at: Option<Timestamp>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// What it waits for.
    pub waits: Vec<Waiting>,
    /// What is wrong.
    pub fault: Option<Failure>,
    /// What waits for an approval.
    pub approvals: Vec<String>,
    /// The digest of the present input.
    pub input_digest: Option<String>,
    /// Its conditions.
    pub conditions: Vec<Said>,
    /// `host:port` of the API server.
    pub endpoint: Option<String>,
    /// The Kubernetes version.
    pub version: Option<String>,
    /// What it is called where it was made: the id of the VPC.
    pub id: Option<String>,
    /// The Secret that it writes its outputs to, as (namespace, name).
    pub writes: Option<(String, String)>,
    /// The Secrets that it reads, as (namespace, name).
    pub reads: Vec<(String, String)>,
}

/// What an object waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// For what.
    pub on: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person; may be empty.
    pub message: String,
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub class: String,
    /// The code.
    pub code: String,
    /// What it happened to; may be empty.
    pub subject: String,
    /// What happened.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.code, self.class)?;
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        f.write_str(&self.message)
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The type.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

/// A set of objects and how they belong together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picture {
    nodes: BTreeMap<NodeKey, Node>,
}

impl Picture {
    /// Takes in an object as it is now; returns it as it was before.
    pub fn set(&mut self, node: Node) -> Option<Node> {
        self.nodes.insert(node.key.clone(), node)
    }

    /// Takes an object away.
    pub fn remove(&mut self, key: &NodeKey) -> Option<Node> {
        self.nodes.remove(key)
    }

    /// An object.
    pub fn get(&self, key: &NodeKey) -> Option<&Node> {
        self.nodes.get(key)
    }

    /// All objects, from the top down.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The objects that were made for this one, and those that a Cluster refers to.
    pub fn children(&self, key: &NodeKey) -> Vec<&Node> {
        let referred = |child: &Node| match self.nodes.get(key) {
            Some(parent) => {
                key.kind == NodeKind::Cluster && child.parent.is_none() && parent.needs.contains(&child.key)
            }
            None => false,
        };
        let is_child = |child: &&Node| child.parent.as_ref() == Some(key) || referred(child);
        self.nodes.values().filter(is_child).collect()
    }

    /// The objects that belong to no other one here.
    pub fn roots(&self) -> Vec<&Node> {
        let clusters = || {
            self.nodes
                .values()
                .filter(|node| node.key.kind == NodeKind::Cluster)
        };
        let is_root = |node: &&Node| match &node.parent {
            Some(parent) => !self.nodes.contains_key(parent),
            None => !clusters().any(|cluster| cluster.needs.contains(&node.key)),
        };
        self.nodes.values().filter(is_root).collect()
    }

    /// What belongs to the Cluster `name`: what it refers to, what carries its label, and what was made for
    /// any of that.
    #[must_use]
    pub fn of_cluster(&self, namespace: &str, name: &str) -> Self {
        let key = NodeKey::new(NodeKind::Cluster, namespace, name);
        let mut nodes = BTreeMap::new();
        let labelled = |node: &Node| node.key.namespace == namespace && node.cluster.as_deref() == Some(name);
        let mut open: Vec<&Node> = self
            .nodes
            .values()
            .filter(|node| node.key == key || labelled(node))
            .collect();
        while let Some(node) = open.pop() {
            if nodes.insert(node.key.clone(), node.clone()).is_none() {
                open.extend(self.children(&node.key));
            }
        }
        Self { nodes }
    }

    /// What depends on what. Fails with the path if the objects wait for each other.
    pub fn graph(&self) -> Result<DependencyGraph<NodeKey>, Cycle<NodeKey>> {
        let mut graph = DependencyGraph::new();
        for node in self.nodes.values() {
            graph.add_node(node.key.clone());
        }
        for node in self.nodes.values() {
            let children = self.children(&node.key);
            let writers = self.nodes.values().filter(|other| {
                let written = other.writes.as_ref();
                other.key != node.key && written.is_some_and(|secret| node.reads.contains(secret))
            });
            let needs = node.needs.iter().filter_map(|key| self.nodes.get(key));
            let infrastructure = self.infrastructure_of(node);
            for dependency in children
                .into_iter()
                .chain(needs)
                .chain(writers)
                .chain(infrastructure)
            {
                graph.try_add_edge(node.key.clone(), dependency.key.clone())?;
            }
        }
        Ok(graph)
    }

    /// The infrastructure that a control plane is put into: that of its Cluster.
    fn infrastructure_of(&self, node: &Node) -> Option<&Node> {
        if node.key.kind != NodeKind::ControlPlane {
            return None;
        }
        let mut clusters = self.nodes.values().filter(|it| it.key.kind == NodeKind::Cluster);
        let cluster = clusters.find(|cluster| cluster.needs.contains(&node.key))?;
        let infrastructure = cluster
            .needs
            .iter()
            .find(|key| key.kind == NodeKind::Infrastructure)?;
        self.nodes.get(infrastructure)
    }

    /// How an object shows itself in a graph.
    pub fn view(&self, key: &NodeKey) -> NodeView {
        let status = self.get(key).map(summary).unwrap_or_default();
        NodeView {
            kind: key.kind.name().to_owned(),
            name: key.name.clone(),
            status,
        }
    }
}

#[cfg(test)]
mod tests;
