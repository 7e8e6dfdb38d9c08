//! The objects of a cluster as a stream of changes.

use std::collections::BTreeSet;
use std::fmt::Debug;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use futures::stream::{BoxStream, SelectAll, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::core::Status;
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
    /// Objects of this kind cannot be watched at present, and why; it is tried again.
    Lost(NodeKind, String),
}

/// What changes in all namespaces, from now on and with what is there to begin with. Never ends; connections
/// that break are made again.
pub fn changes(client: &Client) -> BoxStream<'static, Change> {
    changes_in(client, None)
}

/// [`changes`] in one namespace, or in all.
pub fn changes_in(client: &Client, namespace: Option<&str>) -> BoxStream<'static, Change> {
    let mut all = SelectAll::new();
    all.push(of::<Cluster>(client, namespace, NodeKind::Cluster));
    all.push(of::<CAPTCluster>(client, namespace, NodeKind::Infrastructure));
    all.push(of::<CAPTControlPlane>(client, namespace, NodeKind::ControlPlane));
    all.push(of::<WorkspaceTemplateApply>(client, namespace, NodeKind::Apply));
    all.push(of::<TerraformWorkspace>(client, namespace, NodeKind::Workspace));
    all.boxed()
}

fn of<K>(client: &Client, namespace: Option<&str>, kind: NodeKind) -> BoxStream<'static, Change>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
    for<'a> Node: From<&'a K>,
{
    let api = match namespace {
        Some(namespace) => Api::<K>::namespaced(client.clone(), namespace),
        None => Api::<K>::all(client.clone()),
    };
    let events = watcher(api, watcher::Config::default()).default_backoff();
    let mut told = Told::new(kind);
    events
        .map(move |event| {
            let changes = match event {
                Ok(Event::Init) => told.tell(Event::Init),
                Ok(Event::InitApply(object)) => told.tell(Event::InitApply(Node::from(&object))),
                Ok(Event::InitDone) => told.tell(Event::InitDone),
                Ok(Event::Apply(object)) => told.tell(Event::Apply(Node::from(&object))),
                Ok(Event::Delete(object)) => told.tell(Event::Delete(Node::from(&object))),
                Err(error) => lost(kind, &error).into_iter().collect(),
            };
            futures::stream::iter(changes)
        })
        .flatten()
        .boxed()
}

/// Why a watch has broken; nothing for one that was only too old to go on and is begun again.
fn lost(kind: NodeKind, error: &watcher::Error) -> Option<Change> {
    let is_too_old = |status: &Status| status.code == 410;
    let reason = match error {
        watcher::Error::WatchError(status) if is_too_old(status) => return None,
        watcher::Error::WatchError(status)
        | watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => status.message.clone(),
        error => {
            // What lies at the bottom says what happened; what is above it says that something did.
            let mut innermost: &dyn std::error::Error = error;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            innermost.to_string()
        }
    };
    Some(Change::Lost(kind, reason))
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
