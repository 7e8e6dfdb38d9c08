//! The objects of a cluster as a stream of changes.

use std::collections::BTreeSet;
use std::fmt::Debug;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use futures::stream::{BoxStream, SelectAll, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::picture::{Node, NodeKey, NodeKind};

/// One thing that has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An object is there, and is like this now.
    Set(Box<Node>),
    /// An object is gone.
    Gone(NodeKey),
    /// All objects of this kind that there are were told.
    Synced(NodeKind),
}

/// What changes in all namespaces, from now on and with what is there to begin with. Never ends; connections
/// that break are made again.
pub fn changes(client: &Client) -> BoxStream<'static, Change> {
    let mut all = SelectAll::new();
    all.push(of::<Cluster>(client, NodeKind::Cluster));
    all.push(of::<CAPTCluster>(client, NodeKind::Infrastructure));
    all.push(of::<CAPTControlPlane>(client, NodeKind::ControlPlane));
    all.push(of::<WorkspaceTemplateApply>(client, NodeKind::Apply));
    all.push(of::<TerraformWorkspace>(client, NodeKind::Workspace));
    all.boxed()
}

fn of<K>(client: &Client, kind: NodeKind) -> BoxStream<'static, Change>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    for<'a> Node: From<&'a K>,
{
    let events = watcher(Api::<K>::all(client.clone()), watcher::Config::default()).default_backoff();
    let mut told = Told::new(kind);
    events
        .filter_map(|event| async move {
            event
                .inspect_err(|error| tracing::debug!(%error, "the watch broke"))
                .ok()
        })
        .map(move |event| {
            let event = match event {
                Event::Init => Event::Init,
                Event::InitApply(object) => Event::InitApply(Node::from(&object)),
                Event::InitDone => Event::InitDone,
                Event::Apply(object) => Event::Apply(Node::from(&object)),
                Event::Delete(object) => Event::Delete(Node::from(&object)),
            };
            futures::stream::iter(told.tell(event))
        })
        .flatten()
        .boxed()
}

/// What was told of one kind, so that what vanished while the watch was broken can be told too.
#[derive(Debug)]
struct Told {
    kind: NodeKind,
    known: BTreeSet<NodeKey>,
    listed: BTreeSet<NodeKey>,
}

impl Told {
    fn new(kind: NodeKind) -> Self {
        Self {
            kind,
            known: BTreeSet::new(),
            listed: BTreeSet::new(),
        }
    }

    fn tell(&mut self, event: Event<Node>) -> Vec<Change> {
        match event {
            Event::Init => {
                self.listed.clear();
                Vec::new()
            }
            Event::InitApply(node) => {
                self.listed.insert(node.key.clone());
                self.known.insert(node.key.clone());
                vec![Change::Set(Box::new(node))]
            }
            Event::InitDone => {
                let gone: Vec<_> = self.known.difference(&self.listed).cloned().collect();
                self.known = std::mem::take(&mut self.listed);
                let gone = gone.into_iter().map(Change::Gone);
                gone.chain([Change::Synced(self.kind)]).collect()
            }
            Event::Apply(node) => {
                self.known.insert(node.key.clone());
                vec![Change::Set(Box::new(node))]
            }
            Event::Delete(node) => {
                self.known.remove(&node.key);
                vec![Change::Gone(node.key)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(name: &str) -> Node {
        let object = TerraformWorkspace::new(
            name,
            capt_api::terraform_workspace::TerraformWorkspaceSpec::default(),
        );
        Node::from(&object)
    }

    #[test]
    fn what_vanished_while_the_watch_was_broken_is_told() {
        let mut told = Told::new(NodeKind::Workspace);
        let (a, b) = (workspace("a"), workspace("b"));
        assert_eq!(told.tell(Event::Init), []);
        told.tell(Event::InitApply(a.clone()));
        assert_eq!(told.tell(Event::InitDone), [Change::Synced(NodeKind::Workspace)]);
        assert_eq!(
            told.tell(Event::Apply(b.clone())),
            [Change::Set(Box::new(b.clone()))]
        );
        told.tell(Event::Init);
        told.tell(Event::InitApply(b));
        assert_eq!(
            told.tell(Event::InitDone),
            [Change::Gone(a.key), Change::Synced(NodeKind::Workspace)]
        );
    }
}
