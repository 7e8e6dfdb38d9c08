//! A set of objects and how they belong together.

use std::collections::{BTreeMap, BTreeSet};

use capt_core::graph::{Cycle, DependencyGraph, NodeView};

use crate::{Node, NodeKey, NodeKind, Reference, summary};

/// A set of objects and how they belong together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picture {
    nodes: BTreeMap<NodeKey, Node>,
}

/// What depends on what.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// The dependencies, without those that close a circle.
    pub graph: DependencyGraph<NodeKey>,
    /// The circles: objects that wait for each other.
    pub cycles: Vec<Cycle<NodeKey>>,
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

    /// What is referred to and not in the picture: whoever makes it has not looked there.
    pub fn unknown(&self) -> BTreeSet<NodeKey> {
        let named = self.nodes.values().flat_map(|node| &node.needs);
        named
            .filter(|reference| !self.nodes.contains_key(self.resolve(reference)))
            .map(|reference| reference.key.clone())
            .collect()
    }

    /// What a reference means: what it names, or what it may mean instead, if only that is there.
    pub fn resolve<'a>(&self, reference: &'a Reference) -> &'a NodeKey {
        let exists = |key: &NodeKey| self.nodes.get(key).is_some_and(|node| node.exists);
        match &reference.or {
            Some(other) if !exists(&reference.key) && exists(other) => other,
            Some(_) | None => &reference.key,
        }
    }

    /// What the spec of an object refers to.
    pub fn needs<'a>(&self, node: &'a Node) -> Vec<(&'a Reference, &'a NodeKey)> {
        node.needs
            .iter()
            .map(|reference| (reference, self.resolve(reference)))
            .collect()
    }

    /// Whether `node` hangs below `parent` without having been made for it: a Cluster's parts before Cluster API
    /// has made them its own, and the VPC that several clusters share.
    fn is_adopted(&self, parent: &Node, node: &Node) -> bool {
        let may_adopt = matches!(parent.key.kind, NodeKind::Cluster | NodeKind::Infrastructure);
        // Another Cluster's is that one's, whether it is in the picture or not.
        let is_another_ones = |owner: &NodeKey| owner.kind == NodeKind::Cluster && *owner != parent.key;
        let is_orphan = node
            .parent
            .as_ref()
            .is_none_or(|owner| !self.nodes.contains_key(owner) && !is_another_ones(owner));
        may_adopt
            && node.key.kind.has_state()
            && is_orphan
            && parent
                .needs
                .iter()
                .any(|reference| *self.resolve(reference) == node.key)
    }

    /// The objects with a state that were made for this one, and those that a Cluster or a `CAPTCluster` refers to.
    pub fn children(&self, key: &NodeKey) -> Vec<&Node> {
        let parent = self.nodes.get(key);
        let is_child = |child: &&Node| {
            child.parent.as_ref() == Some(key)
                || parent.is_some_and(|parent| parent.key != child.key && self.is_adopted(parent, child))
        };
        self.nodes.values().filter(is_child).collect()
    }

    /// An object and everything that was made for it.
    pub fn with_what_is_below(&self, key: &NodeKey) -> BTreeSet<NodeKey> {
        let mut found = BTreeSet::new();
        let mut next = vec![key.clone()];
        while let Some(key) = next.pop() {
            if found.insert(key.clone()) {
                next.extend(self.children(&key).into_iter().map(|node| node.key.clone()));
            }
        }
        found
    }

    /// The objects with a state that belong to no other one here.
    pub fn roots(&self) -> Vec<&Node> {
        let is_root = |node: &&Node| {
            let is_owned = node
                .parent
                .as_ref()
                .is_some_and(|parent| self.nodes.contains_key(parent));
            node.key.kind.has_state()
                && !is_owned
                && !self.nodes.values().any(|parent| self.is_adopted(parent, node))
        };
        self.nodes.values().filter(is_root).collect()
    }

    /// What belongs to the Cluster `name`: what it refers to, what carries its label, and what was made for
    /// any of that; with everything that those refer to.
    #[must_use]
    pub fn of_cluster(&self, namespace: &str, name: &str) -> Self {
        let belongs = self.belonging(namespace, name);
        let named = belongs
            .iter()
            .filter_map(|key| self.nodes.get(key))
            .flat_map(|node| {
                let needs = node.needs.iter().map(|reference| self.resolve(reference));
                needs.chain(&node.writes)
            });
        let keys: BTreeSet<&NodeKey> = belongs.iter().chain(named).collect();
        let found = keys.into_iter().filter_map(|key| self.nodes.get(key));
        Self {
            nodes: found.map(|node| (node.key.clone(), node.clone())).collect(),
        }
    }

    /// These objects and what they have to do with each other; those that are not in the picture are unknown.
    #[must_use]
    pub fn only<'a>(&self, keys: impl IntoIterator<Item = &'a NodeKey>) -> Self {
        let keys: BTreeSet<&NodeKey> = keys.into_iter().collect();
        let mut only = Self::default();
        for key in &keys {
            let known = self.nodes.get(*key).cloned();
            let mut node = known.unwrap_or_else(|| Node::new((*key).clone()));
            node.needs
                .retain(|reference| keys.contains(self.resolve(reference)));
            node.writes.retain(|secret| keys.contains(secret));
            only.set(node);
        }
        only
    }

    /// The objects with a state that belong to the Cluster `name`: what it refers to, what carries its label, and
    /// what was made for any of that.
    pub fn belonging(&self, namespace: &str, name: &str) -> BTreeSet<NodeKey> {
        let cluster = NodeKey::new(NodeKind::Cluster, namespace, name);
        let is_labelled =
            |node: &Node| node.key.namespace == namespace && node.cluster.as_deref() == Some(name);
        let mut open: Vec<&Node> = self
            .nodes
            .values()
            .filter(|node| node.key.kind.has_state() && (node.key == cluster || is_labelled(node)))
            .collect();
        let mut belongs = BTreeSet::new();
        while let Some(node) = open.pop() {
            if belongs.insert(node.key.clone()) {
                open.extend(self.children(&node.key));
            }
        }
        belongs
    }

    /// What depends on what, Secrets and templates included. Dependencies that would close a circle are left out
    /// and told.
    pub fn draw(&self) -> Drawing {
        let mut graph = DependencyGraph::new();
        for node in self.nodes.values() {
            graph.add_node(node.key.clone());
        }
        let mut cycles = Vec::new();
        for (dependent, dependency) in self.edges() {
            if dependent == dependency {
                continue;
            }
            if let Err(cycle) = graph.try_add_edge(dependent, dependency) {
                cycles.push(cycle);
            }
        }
        Drawing { graph, cycles }
    }

    /// The dependencies as (dependent, dependency): what owns before what waits, so that of a circle a wait is
    /// the one that is left out.
    fn edges(&self) -> Vec<(NodeKey, NodeKey)> {
        let mut owned = Vec::new();
        let mut waits = Vec::new();
        for node in self.nodes.values() {
            let key = &node.key;
            owned.extend(
                self.children(key)
                    .into_iter()
                    .map(|child| (key.clone(), child.key.clone())),
            );
            owned.extend(node.writes.iter().map(|secret| (secret.clone(), key.clone())));
            waits.extend(
                self.infrastructure_of(node)
                    .map(|infrastructure| (key.clone(), infrastructure)),
            );
            for (_, needed) in self.needs(node) {
                waits.push((key.clone(), needed.clone()));
                // What an apply waits for, its workspace waits for; that is how applies come to wait for each other.
                if key.kind == NodeKind::Apply && needed.kind == NodeKind::Workspace {
                    waits.extend(
                        self.workspaces_of(node)
                            .map(|workspace| (workspace, needed.clone())),
                    );
                }
            }
        }
        owned.append(&mut waits);
        owned
    }

    /// The workspace of an apply: the one that was made, or the one that others wait for already.
    fn workspaces_of<'a>(&'a self, apply: &'a Node) -> impl Iterator<Item = NodeKey> + use<'a> {
        let name = apply.key.name.strip_suffix("-apply").unwrap_or(&apply.key.name);
        let named = NodeKey::new(NodeKind::Workspace, &*apply.key.namespace, name);
        let is_meant = move |key: &NodeKey| {
            let references = || self.nodes.values().flat_map(|node| &node.needs);
            self.nodes.contains_key(key) || references().any(|reference| reference.key == *key)
        };
        let made = self
            .children(&apply.key)
            .into_iter()
            .map(|child| child.key.clone());
        let made: BTreeSet<NodeKey> = made.chain(Some(named).filter(is_meant)).collect();
        made.into_iter().filter(|key| key.kind == NodeKind::Workspace)
    }

    /// The infrastructure that a control plane is put into: that of its Cluster.
    fn infrastructure_of(&self, node: &Node) -> Option<NodeKey> {
        if node.key.kind != NodeKind::ControlPlane {
            return None;
        }
        let mut clusters = self.nodes.values().filter(|it| it.key.kind == NodeKind::Cluster);
        let cluster =
            clusters.find(|cluster| cluster.needs.iter().any(|reference| reference.key == node.key))?;
        let infrastructure = cluster
            .needs
            .iter()
            .find(|reference| reference.key.kind == NodeKind::Infrastructure)?;
        Some(infrastructure.key.clone())
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
