//! Everything that a page or a graph about a cluster is made from, as it is now.

mod events;

use std::collections::BTreeSet;

use capt_api::{
    CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplate, WorkspaceTemplateApply,
};
use capt_picture::{Happening, Node, NodeKey, NodeKind, Picture};
use futures::{StreamExt as _, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use crate::connect::Session;
use crate::failure::{Failure, Request};

/// References lead to objects that refer to others; a chain that is longer than this is not followed to its end.
const ROUNDS: usize = 6;

/// Names that are closer to what was typed than this are offered.
const NEAR: f64 = 0.75;

/// How many names are offered.
const OFFERED: usize = 8;

/// A cluster and everything that makes it.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The objects.
    pub(crate) picture: Picture,
    /// The Cluster.
    pub(crate) cluster: NodeKey,
    /// What happened to them.
    pub(crate) happenings: Vec<Happening>,
    /// What could not be looked at, one sentence each.
    pub(crate) gaps: Vec<String>,
}

/// Whether Events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Events {
    /// They are.
    Wanted,
    /// They are not.
    Unwanted,
}

/// Gathers what there is about the Cluster `name`. Fails if there is no such Cluster, or it cannot be looked at.
pub(crate) async fn cluster(session: &Session, name: &str, events: Events) -> Result<Gathered, Failure> {
    let namespace = session.namespace.as_str();
    let mut picture = Picture::default();
    let mut gaps = Vec::new();
    let listed = match list::<Cluster>(session, namespace).await {
        Err(Failure::Refused { .. }) if !is_served::<Cluster>(session).await? => {
            return Err(not_installed(session).await);
        }
        result => result?,
    };
    take(&mut picture, &listed);
    let key = NodeKey::new(NodeKind::Cluster, namespace, name);
    if picture.get(&key).is_none() {
        return Err(no_such_cluster(session, name, &picture).await);
    }
    let parts = futures::try_join!(
        list::<CAPTCluster>(session, namespace),
        list::<CAPTControlPlane>(session, namespace),
        list::<WorkspaceTemplateApply>(session, namespace),
        list::<TerraformWorkspace>(session, namespace),
    );
    let (infrastructures, control_planes, applies, workspaces) = match parts {
        Err(Failure::Refused { .. }) if !is_served::<CAPTCluster>(session).await? => {
            return Err(not_installed(session).await);
        }
        result => result?,
    };
    take(&mut picture, &infrastructures);
    take(&mut picture, &control_planes);
    take(&mut picture, &applies);
    take(&mut picture, &workspaces);
    let all = picture;
    let mut picture = all.of_cluster(namespace, name);
    follow(session, &all, &mut picture, &mut gaps).await?;
    let happenings = match events {
        Events::Wanted => events::of(session, &picture, &key, &mut gaps).await?,
        Events::Unwanted => Vec::new(),
    };
    Ok(Gathered {
        picture,
        cluster: key,
        happenings,
        gaps,
    })
}

/// The names of the Clusters of a namespace; of all namespaces where its name is empty. Fails if there can be none.
pub(crate) async fn clusters(session: &Session, namespace: &str) -> Result<Vec<String>, Failure> {
    let listed = match list::<Cluster>(session, namespace).await {
        Err(Failure::Refused { .. }) if !is_served::<Cluster>(session).await? => {
            return Err(not_installed(session).await);
        }
        result => result?,
    };
    Ok(listed
        .into_iter()
        .filter_map(|cluster| cluster.metadata.name)
        .collect())
}

/// Looks for everything that is referred to until nothing new turns up. `all` is what was listed in the namespace.
async fn follow(
    session: &Session,
    all: &Picture,
    picture: &mut Picture,
    gaps: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut looked = BTreeSet::new();
    for _ in 0..ROUNDS {
        let written = picture.nodes().flat_map(|node| node.writes.iter().cloned());
        let written: BTreeSet<NodeKey> = written.filter(|key| picture.get(key).is_none()).collect();
        let unknown: Vec<NodeKey> = picture
            .unknown()
            .into_iter()
            .chain(written)
            .filter(|key| looked.insert(key.clone()))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        for key in unknown {
            if let Some(node) = all.get(&key) {
                picture.set(node.clone());
                continue;
            }
            match look(session, &key).await {
                Ok(Some(node)) => {
                    picture.set(node);
                    foreign_workspaces(session, &key, picture, gaps).await?;
                }
                Ok(None) => {
                    picture.set(Node::missing(key));
                }
                Err(error) => gap(error, gaps)?,
            }
        }
    }
    Ok(())
}

/// One object that is not in the namespace of the Cluster, or of a kind that was not listed there.
async fn look(session: &Session, key: &NodeKey) -> Result<Option<Node>, Failure> {
    match key.kind {
        NodeKind::Cluster => get::<Cluster>(session, key).await,
        NodeKind::Infrastructure => get::<CAPTCluster>(session, key).await,
        NodeKind::ControlPlane => get::<CAPTControlPlane>(session, key).await,
        NodeKind::Apply => get::<WorkspaceTemplateApply>(session, key).await,
        NodeKind::Workspace => get::<TerraformWorkspace>(session, key).await,
        NodeKind::Template => get::<WorkspaceTemplate>(session, key).await,
        // Only whether it is there: nobody needs to read it for that.
        NodeKind::Secret => {
            let api = Api::<Secret>::namespaced(session.client.clone(), &key.namespace);
            let request = request::<Secret>("get", &key.namespace);
            let found = session.ask(request, api.get_metadata_opt(&key.name)).await?;
            Ok(found.map(|_| Node::new(key.clone())))
        }
    }
}

/// What an apply of another namespace has made there.
async fn foreign_workspaces(
    session: &Session,
    key: &NodeKey,
    picture: &mut Picture,
    gaps: &mut Vec<String>,
) -> Result<(), Failure> {
    if key.kind != NodeKind::Apply || key.namespace == session.namespace {
        return Ok(());
    }
    match list::<TerraformWorkspace>(session, &key.namespace).await {
        Ok(workspaces) => {
            let nodes = workspaces.iter().map(Node::from);
            for node in nodes.filter(|node| node.parent.as_ref() == Some(key)) {
                picture.set(node);
            }
            Ok(())
        }
        Err(error) => gap(error, gaps),
    }
}

/// A right that is missing leaves a gap in the page; everything else is an error.
fn gap(error: Failure, gaps: &mut Vec<String>) -> Result<(), Failure> {
    match error {
        Failure::Forbidden { request, .. } => {
            let sentence = format!("what is behind a missing right: {request}");
            if !gaps.contains(&sentence) {
                gaps.push(sentence);
            }
            Ok(())
        }
        error => Err(error),
    }
}

fn take<'a, K>(picture: &mut Picture, objects: &'a [K])
where
    Node: From<&'a K>,
{
    for object in objects {
        picture.set(Node::from(object));
    }
}

fn request<K: Resource<DynamicType = ()>>(verb: &'static str, namespace: &str) -> Request {
    let (plural, group) = (K::plural(&()), K::group(&()));
    let resource = if group.is_empty() {
        plural.into_owned()
    } else {
        format!("{plural}.{group}")
    };
    Request {
        verb,
        resource,
        namespace: namespace.to_owned(),
    }
}

/// The objects of a kind; of all namespaces where the name of the namespace is empty.
async fn list<K>(session: &Session, namespace: &str) -> Result<Vec<K>, Failure>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = if namespace.is_empty() {
        Api::all(session.client.clone())
    } else {
        Api::namespaced(session.client.clone(), namespace)
    };
    let listed = session
        .ask(request::<K>("list", namespace), api.list(&ListParams::default()))
        .await;
    listed.map(|list| list.items)
}

async fn get<K>(session: &Session, key: &NodeKey) -> Result<Option<Node>, Failure>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
    for<'a> Node: From<&'a K>,
{
    let api = Api::<K>::namespaced(session.client.clone(), &key.namespace);
    let found = session
        .ask(request::<K>("get", &key.namespace), api.get_opt(&key.name))
        .await?;
    Ok(found.as_ref().map(Node::from))
}

/// Whether the server knows a kind at all.
async fn is_served<K: Resource<DynamicType = ()>>(session: &Session) -> Result<bool, Failure> {
    let version = K::api_version(&());
    let request = Request {
        verb: "discover",
        resource: version.to_string(),
        namespace: String::new(),
    };
    let resources = session.client.list_api_group_resources(&version);
    match session.ask(request, resources).await {
        Ok(known) => Ok(known.resources.iter().any(|it| it.name == K::plural(&()))),
        Err(Failure::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn not_installed(session: &Session) -> Failure {
    let has_capt = is_served::<CAPTCluster>(session).await;
    let server = Box::new(session.server.clone());
    match has_capt {
        Ok(true) => Failure::NotInstalled {
            what: "Cluster API",
            server,
            help: "install it (clusterctl init), or choose another cluster with --context or --kubeconfig",
        },
        Ok(false) => Failure::NotInstalled {
            what: "CAPT",
            server,
            help: "install it (kubectl apply -f deploy/crds -f deploy/rbac.yaml, then capt-operator), or choose another \
                   cluster with --context or --kubeconfig",
        },
        Err(error) => error,
    }
}

/// Says what there is instead of a Cluster that is not there.
async fn no_such_cluster(session: &Session, name: &str, picture: &Picture) -> Failure {
    let here: Vec<&str> = picture.nodes().map(|node| node.key.name.as_str()).collect();
    let namespace = session.namespace.clone();
    // Whoever may not look elsewhere is told about this namespace.
    let elsewhere = list::<Cluster>(session, "").await.unwrap_or_default();
    let places: BTreeSet<String> = elsewhere
        .iter()
        .filter(|it| it.metadata.name.as_deref() == Some(name))
        .filter_map(|it| it.metadata.namespace.clone())
        .collect();
    let near = near(name, &here);
    let help = if let Some(place) = places.first() {
        format!("there is one in namespace {place}: name it with -n {place}")
    } else if !near.is_empty() {
        format!("did you mean {}?", near.join(" or "))
    } else if here.is_empty() {
        let mut others: Vec<String> = elsewhere
            .iter()
            .filter_map(|it| {
                Some(format!(
                    "{}/{}",
                    it.metadata.namespace.as_deref()?,
                    it.metadata.name.as_deref()?
                ))
            })
            .collect();
        others.sort();
        others.truncate(OFFERED);
        if others.is_empty() {
            "there is no Cluster in it at all; other namespaces are named with -n".to_owned()
        } else {
            format!(
                "there is no Cluster in it; elsewhere there is {}",
                others.join(", ")
            )
        }
    } else {
        let shown: Vec<&str> = here.iter().copied().take(OFFERED).collect();
        let more = here.len() - shown.len();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("there is {}{more}", shown.join(", "))
    };
    Failure::NoSuchCluster {
        name: name.to_owned(),
        namespace,
        help,
    }
}

/// The names that look like what was typed, the likest first.
fn near<'a>(typed: &str, names: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<(f64, &str)> = names
        .iter()
        .map(|name| (strsim::jaro_winkler(typed, name), *name))
        .filter(|(likeness, name)| *likeness >= NEAR || name.contains(typed))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Asks several questions of the same kind, a few at a time; the answers come in the order of the questions.
async fn each<I, T, F>(items: I, ask: impl Fn(I::Item) -> F) -> Vec<T>
where
    I: IntoIterator,
    F: Future<Output = T>,
{
    const AT_ONCE: usize = 8;
    stream::iter(items.into_iter().map(ask))
        .buffered(AT_ONCE)
        .collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_that_look_alike_are_offered() {
        assert_eq!(near("dmeo", &["demo", "prod", "demo-2"]), ["demo", "demo-2"]);
        assert_eq!(near("prod", &["eu-prod-1"]), ["eu-prod-1"]);
        assert!(near("x", &["demo"]).is_empty());
    }
}
