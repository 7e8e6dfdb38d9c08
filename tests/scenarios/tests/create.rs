//! From a Cluster manifest to a Ready control plane.

use capt_sandbox::demo;
use capt_testing::{Scenario, simulate};
use serde_json::json;

use crate::{CLUSTER, CONTROL_PLANE, EKS, INFRASTRUCTURE, MINUTE, VPC, ordered, until_ready};

#[test]
fn from_a_cluster_manifest_to_ready() {
    simulate(async {
        let world = ordered().await;
        until_ready(&world).await;

        // The endpoint is a bare host with its port, and the core has copied it.
        let host = world.at(CONTROL_PLANE, "/spec/controlPlaneEndpoint/host");
        assert!(
            host.as_str()
                .unwrap()
                .ends_with(".gr7.ap-northeast-1.eks.example"),
            "{host}"
        );
        assert!(!host.as_str().unwrap().contains('/'));
        assert_eq!(world.at(CONTROL_PLANE, "/spec/controlPlaneEndpoint/port"), 443);
        assert_eq!(world.at(CLUSTER, "/spec/controlPlaneEndpoint/host"), host);
        assert_eq!(
            world.at(CONTROL_PLANE, "/status/endpoint"),
            format!("{}:443", host.as_str().unwrap())
        );

        // The latches, which the core has taken over.
        assert_eq!(
            world.at(INFRASTRUCTURE, "/status/initialization/provisioned"),
            true
        );
        assert_eq!(
            world.at(CONTROL_PLANE, "/status/initialization/controlPlaneInitialized"),
            true
        );
        assert_eq!(world.at(CONTROL_PLANE, "/status/initialized"), true);
        assert_eq!(
            world.at(CONTROL_PLANE, "/status/externalManagedControlPlane"),
            true
        );
        assert_eq!(
            world.at(CLUSTER, "/status/initialization/infrastructureProvisioned"),
            true
        );
        assert_eq!(
            world.at(CLUSTER, "/status/initialization/controlPlaneInitialized"),
            true
        );
        assert_eq!(world.at(CLUSTER, "/status/phase"), "Provisioned");

        // The version with the prefix that Cluster API asks for.
        assert_eq!(world.at(CONTROL_PLANE, "/status/version"), "v1.31");
        assert_eq!(world.at(CONTROL_PLANE, "/status/versions/0/version"), "v1.31");

        // The kubeconfig has the form of the contract.
        let kubeconfig = world.object("Secret/demo-kubeconfig").unwrap();
        assert_eq!(kubeconfig["type"], "cluster.x-k8s.io/secret");
        assert_eq!(
            kubeconfig["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"],
            "demo"
        );
        assert_eq!(
            kubeconfig["metadata"]["ownerReferences"][0]["kind"],
            "CAPTControlPlane"
        );
        assert_eq!(kubeconfig["metadata"]["ownerReferences"][0]["controller"], true);
        let text = world.secret("Secret/demo-kubeconfig", "value");
        assert!(
            text.contains(&format!("https://{}", host.as_str().unwrap())),
            "{text}"
        );
        for key in ["tls.crt", "ca.crt"] {
            assert!(
                world
                    .secret("Secret/demo-ca", key)
                    .starts_with("-----BEGIN CERTIFICATE-----"),
                "{key}"
            );
        }

        // What the VPC has put out is what EKS was made with.
        let vpc = world.at(VPC, "/status/atProvider/outputs/vpc_id");
        assert!(vpc.as_str().unwrap().starts_with("vpc-"));
        assert_eq!(world.at(INFRASTRUCTURE, "/status/vpcId"), vpc);
        assert_eq!(world.at(EKS, "/status/atProvider/outputs/network/vpc"), vpc);
        let subnets = world.at(VPC, "/status/atProvider/outputs/private_subnets");
        assert_eq!(subnets.as_array().unwrap().len(), 2);
        assert_eq!(
            world.at(EKS, "/status/atProvider/outputs/network/subnets"),
            subnets
        );

        // Each workspace was applied once.
        for label in ["demo-vpc", "demo-eks-controlplane", "demo-kubeconfig"] {
            let counters = world.cloud().counters(label);
            assert_eq!(
                (counters.runs, counters.plans, counters.applies),
                (1, 1, 1),
                "{label}"
            );
        }
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn the_manifests_of_the_sandbox_bring_their_own_kubeconfig() {
    simulate(async {
        let world = Scenario::start().await;
        for (_, yaml) in demo::MANIFESTS {
            world.apply(yaml).await;
        }
        until_ready(&world).await;
        let text = world.secret("Secret/demo-kubeconfig", "value");
        assert!(text.contains("current-context: demo"), "{text}");
        assert!(
            world
                .secret("Secret/demo-ca", "ca.crt")
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
        assert_eq!(world.object("WorkspaceTemplateApply/demo-kubeconfig-apply"), None);
    });
}

#[test]
fn progress_of_the_control_plane_moves_with_terraform() {
    simulate(async {
        let world = Scenario::start().await;
        for (_, yaml) in demo::MANIFESTS {
            world.apply(yaml).await;
        }
        until_ready(&world).await;
        let transcript = world.transcript();
        let of_control_plane = transcript
            .lines()
            .filter(|line| line.contains("CAPTControlPlane/demo"));
        let percents = of_control_plane.filter_map(|line| {
            line.split("progress ")
                .nth(1)?
                .split('%')
                .next()?
                .rsplit(' ')
                .next()?
                .parse()
                .ok()
        });
        let percents: Vec<u32> = percents.collect();
        assert!(percents.is_sorted(), "{percents:?}");
        let mut between: Vec<_> = percents
            .into_iter()
            .filter(|percent| (1..100).contains(percent))
            .collect();
        between.dedup();
        assert!(between.len() >= 4, "{between:?}");
    });
}

#[test]
fn nothing_happens_without_an_owner() {
    simulate(async {
        let world = crate::with_templates().await;
        let documents = capt_testing::fixture::CLUSTER.split_once("\n---\n").unwrap().1;
        world.apply(documents).await;
        world.pass(10 * MINUTE).await;
        for object in [INFRASTRUCTURE, CONTROL_PLANE] {
            assert_eq!(world.state(object), "Pending", "{object}");
            assert_eq!(world.at(object, "/metadata/finalizers"), json!(null), "{object}");
        }
        assert_eq!(world.terraform_operations(), 0);
        assert_eq!(world.names("WorkspaceTemplateApply"), [""; 0]);
    });
}
