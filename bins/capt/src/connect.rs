//! A connection to a management cluster, as people have it in their kubeconfig.

use anyhow::{Context, Result};
use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use capt_picture::{Node, NodeKey, NodeKind, Picture};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};
use serde::de::DeserializeOwned;

use crate::cli::ClusterArgs;

/// A cluster and everything that makes it, as it is now, and the cluster's key. Fails if there is no such
/// Cluster.
pub(crate) async fn picture_of(args: &ClusterArgs) -> Result<(Picture, NodeKey)> {
    let (client, namespace) = connect(args).await?;
    let mut picture = Picture::default();
    list::<Cluster>(&client, &namespace, &mut picture).await?;
    let key = NodeKey::new(NodeKind::Cluster, &*namespace, &*args.name);
    if picture.get(&key).is_none() {
        let others: Vec<&str> = picture.nodes().map(|node| node.key.name.as_str()).collect();
        let others = if others.is_empty() {
            "none".to_owned()
        } else {
            others.join(", ")
        };
        anyhow::bail!(
            "there is no Cluster {} in namespace {namespace}; there is {others}",
            args.name
        );
    }
    list::<CAPTCluster>(&client, &namespace, &mut picture).await?;
    list::<CAPTControlPlane>(&client, &namespace, &mut picture).await?;
    list::<WorkspaceTemplateApply>(&client, &namespace, &mut picture).await?;
    list::<TerraformWorkspace>(&client, &namespace, &mut picture).await?;
    Ok((picture.of_cluster(&namespace, &args.name), key))
}

async fn connect(args: &ClusterArgs) -> Result<(Client, String)> {
    let kubeconfig = match &args.kubeconfig {
        Some(path) => {
            Kubeconfig::read_from(path).with_context(|| format!("read the kubeconfig {}", path.display()))?
        }
        None => Kubeconfig::read().context("read the kubeconfig; name one with --kubeconfig")?,
    };
    let options = KubeConfigOptions {
        context: args.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .context("use the kubeconfig")?;
    let namespace = args
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).context("set up the connection to the API server")?;
    Ok((client, namespace))
}

async fn list<K>(client: &Client, namespace: &str, picture: &mut Picture) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
    for<'a> Node: From<&'a K>,
{
    let api = Api::<K>::namespaced(client.clone(), namespace);
    let objects = api.list(&ListParams::default()).await;
    let objects = objects.with_context(|| format!("list {} in namespace {namespace}", K::plural(&())))?;
    for object in &objects {
        picture.set(Node::from(object));
    }
    Ok(())
}
