//! Two Clusters that refer to the same objects.

use super::*;

impl Bench {
    /// Another Cluster that refers to the objects of the demo.
    async fn second(&self) {
        let mut second = self.cluster().await;
        let spec = std::mem::take(&mut second.spec);
        let mut cluster = Cluster::new("second", spec);
        cluster.spec.control_plane_endpoint = None;
        self.clusters
            .create(&PostParams::default(), &cluster)
            .await
            .unwrap();
        settle().await;
    }

    async fn owners(&self) -> Vec<String> {
        let infrastructure = self.infrastructure.get("demo").await.unwrap();
        let control_plane = self.control_planes.get("demo").await.unwrap();
        assert_eq!(
            infrastructure.labels()[keys::CLUSTER_NAME],
            control_plane.labels()[keys::CLUSTER_NAME]
        );
        let owners = infrastructure.owner_references().iter();
        owners
            .chain(control_plane.owner_references())
            .map(|it| it.name.clone())
            .collect()
    }

    async fn owned_by(&self, owners: &[&str]) {
        let mut references = Vec::new();
        for owner in owners {
            let uid = self
                .clusters
                .get_opt(owner)
                .await
                .unwrap()
                .and_then(|it| it.uid());
            references.push(json!({
                "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": owner,
                "uid": uid.unwrap_or_else(|| "gone".to_owned()), "controller": false,
            }));
        }
        let patch = Patch::Merge(json!({ "metadata": { "ownerReferences": references } }));
        let params = PatchParams::default();
        self.infrastructure.patch("demo", &params, &patch).await.unwrap();
        self.control_planes.patch("demo", &params, &patch).await.unwrap();
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_stays_that_of_the_first_cluster() {
    let bench = bench().await;
    bench.demo().await;
    bench.second().await;
    bench.provisioned().await;
    assert_eq!(bench.owners().await, ["demo", "demo"]);
    let second = bench.clusters.get("second").await.unwrap();
    let whose = |title: &str, field: &str| {
        (
            "False".to_owned(),
            "OwnedByAnotherCluster".to_owned(),
            format!(
                "{title} is owned by Cluster demo, and an object belongs to one Cluster; let {field} name another one"
            ),
        )
    };
    let infrastructure = whose("CAPTCluster demo", "spec.infrastructureRef");
    let control_plane = whose("CAPTControlPlane demo", "spec.controlPlaneRef");
    assert_eq!(said(&second, "InfrastructureReady"), infrastructure);
    assert_eq!(said(&second, "ControlPlaneAvailable"), control_plane);
    assert_eq!(said(&second, "ControlPlaneInitialized"), control_plane);
    assert_eq!(phase(&second), "Provisioning");
    // Nothing of what the first one has reached is the second one's.
    let status = second.status.unwrap();
    assert!(!status.infrastructure_provisioned() && !status.control_plane_initialized());
    assert_eq!((status.failure_domains, status.control_plane), (Vec::new(), None));
    assert_eq!(second.spec.control_plane_endpoint, None);
    bench.server.record(true);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(bench.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_takes_nothing_with_it_that_is_another_ones() {
    let bench = bench().await;
    bench.demo().await;
    bench.second().await;
    let background = DeleteParams::background();
    bench.clusters.delete("second", &background).await.unwrap();
    settle().await;
    assert!(bench.clusters.get_opt("second").await.unwrap().is_none());
    assert_eq!(bench.owners().await, ["demo", "demo"]);
    let control_plane = bench.control_planes.get("demo").await.unwrap();
    assert_eq!(control_plane.metadata.deletion_timestamp, None);
}

#[tokio::test(start_paused = true)]
async fn of_two_owners_the_oldest_has_the_object_and_their_order_stays() {
    let bench = bench().await;
    bench.demo().await;
    bench.second().await;
    bench.owned_by(&["second", "demo"]).await;
    assert_eq!(bench.owners().await, ["second", "demo", "second", "demo"]);
    // Whoever writes the wrong label: it is put right once, and the order is kept.
    let label = Patch::Merge(json!({ "metadata": { "labels": { keys::CLUSTER_NAME: "second" } } }));
    let params = PatchParams::default();
    bench.infrastructure.patch("demo", &params, &label).await.unwrap();
    bench.control_planes.patch("demo", &params, &label).await.unwrap();
    settle().await;
    assert_eq!(bench.owners().await, ["second", "demo", "second", "demo"]);
    let infrastructure = bench.infrastructure.get("demo").await.unwrap();
    assert_eq!(infrastructure.labels()[keys::CLUSTER_NAME], "demo");
    bench.server.record(true);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(bench.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_does_not_exist_holds_nothing() {
    let bench = bench().await;
    bench.server.set_controllers(false);
    bench.demo().await;
    bench.owned_by(&["gone"]).await;
    assert_eq!(bench.owners().await, ["gone", "demo", "gone", "demo"]);
    let (_, reason, _) = said(&bench.cluster().await, "InfrastructureReady");
    assert_ne!(reason, "OwnedByAnotherCluster");
}
