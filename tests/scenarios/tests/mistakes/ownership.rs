//! Objects that are somebody else's: made by a person under a name that CAPT gives, or named by two Clusters.

use capt_testing::{Scenario, fixture};
use serde_json::{Value, json};

use super::{changed, ends_mended, row, see_the_mistake};
use crate::{
    CLUSTER, CONTROL_PLANE, EKS, EKS_APPLY, INFRASTRUCTURE, MINUTE, VPC, VPC_APPLY, ordered, ready, settle,
    until_ready, with_templates,
};

/// What a person made for herself, under the name that the workspace of the VPC has.
const MINE: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: TerraformWorkspace
metadata: {name: demo-vpc, namespace: default, labels: {cluster.x-k8s.io/cluster-name: demo}}
spec:
  forProvider:
    source: Inline
    module: |
      resource "terraform_data" "mine" {}
      output "vpc_id" { value = "vpc-mine" }
"#;

/// What a person made for herself, under the name that the apply of the control plane has.
const MY_APPLY: &str = r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: demo-eks-controlplane-apply, namespace: default}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {vpc_name: mine, cluster_name: mine, environment: test, region: us-west-2}
";

/// A Cluster of another name that refers to the objects of `demo`.
fn second() -> String {
    let (cluster, _) = fixture::CLUSTER.split_once("---").unwrap();
    changed(cluster, "metadata: {name: demo,", "metadata: {name: second,")
}

const SECOND: &str = "Cluster/second";

/// An owner reference as Cluster API's core writes it.
fn owner(world: &Scenario, cluster: &str) -> Value {
    json!({
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "name": cluster.strip_prefix("Cluster/").unwrap(),
        "uid": world.at(cluster, "/metadata/uid"),
        "controller": false,
    })
}

async fn owned_by(world: &Scenario, object: &str, clusters: &[&str]) {
    let owners: Vec<Value> = clusters.iter().map(|cluster| owner(world, cluster)).collect();
    world
        .patch(object, json!({ "metadata": { "ownerReferences": owners } }))
        .await;
}

/// What may not change of an object that is not ours.
fn untouched(world: &Scenario, object: &str) -> (Value, Value, Value) {
    let at = |pointer| world.at(object, pointer);
    (at("/spec"), at("/metadata"), at("/status/state"))
}

#[test]
fn workspace_of_a_person() {
    row(
        "foreign-workspace",
        "a person's own TerraformWorkspace has the name that the one of the VPC would have",
        "leaves it as it is, says whose name is taken and what to do, and goes on by itself once it is gone",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(MINE).await;
        world.until_state(VPC, "Ready", MINUTE).await;
        let before = untouched(&world, VPC);
        see_the_mistake(
            account,
            &world,
            &[fixture::CLUSTER],
            &[VPC_APPLY, INFRASTRUCTURE, CLUSTER],
        )
        .await;
        assert_eq!(untouched(&world, VPC), before);
        assert_eq!(
            world.at(INFRASTRUCTURE, "/status/vpcId"),
            Value::Null,
            "that is another VPC"
        );
        let version = world.at(INFRASTRUCTURE, "/metadata/resourceVersion");
        world.until_quiet().await;
        assert_eq!(
            world.at(INFRASTRUCTURE, "/metadata/resourceVersion"),
            version,
            "nobody says it again"
        );
        world.delete(VPC).await;
        until_ready(&world).await;
        ends_mended(
            account,
            &world,
            "once for the person, who destroyed it, and once for the cluster",
        )
        .await;
    });
}

#[test]
fn workspace_handed_over() {
    row(
        "foreign-workspace-handed-over",
        "a person gives her own TerraformWorkspace, which has the name of the one of the VPC, the annotation that the \
         message names",
        "takes it over: the workspace becomes what the template says, with one apply",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(MINE).await;
        world.until_state(VPC, "Ready", MINUTE).await;
        see_the_mistake(account, &world, &[fixture::CLUSTER], &[VPC_APPLY]).await;
        let message = world.condition(VPC_APPLY, "Ready")["message"]
            .as_str()
            .unwrap()
            .to_owned();
        let (_, mark) = message.split_once("with the annotation ").unwrap();
        let (key, value) = mark.split_once(": ").unwrap().0.split_once('=').unwrap();
        world.annotate(VPC, key, Some(value)).await;
        until_ready(&world).await;
        settle(&world).await;
        assert_eq!(world.at(VPC, "/metadata/ownerReferences/0/controller"), true);
        account.least("the second is that of the template");
        account.ends(&world);
    });
}

#[test]
fn apply_of_a_person() {
    row(
        "foreign-apply",
        "a person's own WorkspaceTemplateApply has the name that the one of the control plane would have; the Cluster \
         is deleted again",
        "leaves it and what it made as they are, also when the Cluster goes",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(MY_APPLY).await;
        world.until_state(EKS, "Ready", MINUTE).await;
        let before = [untouched(&world, EKS_APPLY), untouched(&world, EKS)];
        see_the_mistake(account, &world, &[fixture::CLUSTER], &[CONTROL_PLANE]).await;
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.until_quiet().await;
        assert_eq!([untouched(&world, EKS_APPLY), untouched(&world, EKS)], before);
        account.least("the apply is the person's");
        account.ends(&world);
    });
}

#[test]
fn made_while_nobody_looked() {
    row(
        "foreign-workspace-later",
        "the workspace of a ready cluster loses its owner and the annotation that says whose it is",
        "takes it for somebody else's from then on: changes and deletes nothing; with the annotation it is taken back",
    )
    .play(async |account| {
        let world = ready().await;
        let mark = "capt.infrastructure.cluster.x-k8s.io/owner";
        let lost = json!({ "metadata": { "ownerReferences": null, "annotations": { mark: null } } });
        world.patch(VPC, lost).await;
        see_the_mistake(account, &world, &[], &[VPC_APPLY, INFRASTRUCTURE]).await;
        world.annotate(VPC, mark, Some(VPC_APPLY)).await;
        ends_mended(account, &world, "nothing of it is new").await;
    });
}

#[test]
fn two_clusters() {
    row(
        "two-clusters",
        "a second Cluster names the CAPTCluster and the CAPTControlPlane of the first, and is deleted again",
        "the objects stay the first one's; the second says whose they are, and its deletion destroys nothing",
    )
    .play(async |account| {
        let world = ready().await;
        let before = [
            untouched(&world, INFRASTRUCTURE),
            untouched(&world, CONTROL_PLANE),
        ];
        see_the_mistake(account, &world, &[&second()], &[SECOND, CLUSTER, INFRASTRUCTURE]).await;
        world.until_quiet().await;
        assert_eq!(
            [
                untouched(&world, INFRASTRUCTURE),
                untouched(&world, CONTROL_PLANE)
            ],
            before
        );
        world.delete(SECOND).await;
        world.until_gone(SECOND, MINUTE).await;
        ends_mended(account, &world, "nothing was made or destroyed for the second").await;
    });
}

#[test]
fn two_clusters_at_once() {
    row(
        "two-clusters-at-once",
        "two Clusters that name the same objects are applied together",
        "makes everything for the one that is first; the other one names objects of its own, and both are made",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(fixture::CLUSTER).await;
        world.apply(&second()).await;
        until_ready(&world).await;
        account.sees(&world, SECOND);
        account.sees(&world, CLUSTER);
        world.apply(&fixture::CLUSTER.replace("name: demo", "name: second")).await;
        world.until_state("CAPTControlPlane/second", "Ready", 5 * MINUTE).await;
        account.least("each cluster was made once");
        world.until_quiet().await;
        account.ends(&world);
    });
}

#[test]
fn two_owners() {
    row(
        "two-owners",
        "two Clusters stand in the ownerReferences of a ready CAPTCluster and CAPTControlPlane",
        "does nothing more for either, says which two, and goes on as soon as one of them is taken out",
    )
    .play(async |account| {
        let world = ready().await;
        world.apply(&second()).await;
        for object in [INFRASTRUCTURE, CONTROL_PLANE] {
            owned_by(&world, object, &[SECOND, CLUSTER]).await;
        }
        see_the_mistake(account, &world, &[], &[INFRASTRUCTURE, CONTROL_PLANE]).await;
        // Whoever turns the label and the order of the owners round has nothing done by that.
        let label = json!({ "metadata": { "labels": { "cluster.x-k8s.io/cluster-name": "second" } } });
        for object in [INFRASTRUCTURE, CONTROL_PLANE] {
            let said = world.at(object, "/status");
            world.patch(object, label.clone()).await;
            owned_by(&world, object, &[CLUSTER, SECOND]).await;
            world.until_quiet().await;
            assert_eq!(world.at(object, "/status"), said);
        }
        for object in [INFRASTRUCTURE, CONTROL_PLANE] {
            owned_by(&world, object, &[CLUSTER]).await;
        }
        until_ready(&world).await;
        world.delete(SECOND).await;
        ends_mended(account, &world, "nothing was applied for another Cluster").await;
    });
}

#[test]
fn two_owners_and_one_is_deleted() {
    row(
        "two-owners-deleted",
        "objects that two Clusters own are deleted with one of them",
        "destroys nothing while the other Cluster stands on them, and says so; once that one is deleted too, all goes",
    )
    .play(async |account| {
        let world = ready().await;
        world.apply(&second()).await;
        for object in [INFRASTRUCTURE, CONTROL_PLANE] {
            owned_by(&world, object, &[CLUSTER, SECOND]).await;
        }
        // As Cluster API's core does when the second is deleted.
        world.delete(CONTROL_PLANE).await;
        world.delete(INFRASTRUCTURE).await;
        see_the_mistake(account, &world, &[], &[CONTROL_PLANE, INFRASTRUCTURE]).await;
        assert_eq!(world.state(EKS), "Ready");
        assert_eq!(world.state(VPC), "Ready");
        world.until_quiet().await;
        assert_eq!(world.state(EKS), "Ready");
        world.delete(SECOND).await;
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.until_gone(SECOND, 5 * MINUTE).await;
        account.least("everything was destroyed once");
        account.ends(&world);
    });
}

/// An ordered cluster whose objects carry the marks of what was made for it.
#[test]
fn every_child_says_whose_it_is() {
    capt_testing::simulate(async {
        let world = ordered().await;
        until_ready(&world).await;
        for (object, owner) in [
            (VPC_APPLY, INFRASTRUCTURE),
            (VPC, VPC_APPLY),
            (EKS_APPLY, CONTROL_PLANE),
            (EKS, EKS_APPLY),
        ] {
            let mark = "/metadata/annotations/capt.infrastructure.cluster.x-k8s.io~1owner";
            assert_eq!(world.at(object, mark), owner);
        }
    });
}
