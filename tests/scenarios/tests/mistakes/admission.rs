//! What the API server refuses, so that nobody has to look for it later.

use capt_testing::{Account, Scenario, fixture};
use serde_json::json;

use super::{changed, cluster_with, row};
use crate::applies::NET;
use crate::{CONTROL_PLANE, ready};

/// Each of these manifests is refused, and leaves nothing behind.
async fn refuse(account: &mut Account, world: &Scenario, manifests: &[String]) {
    for manifest in manifests {
        let error = world.try_apply(manifest).await.expect_err(manifest);
        account.refused(&error);
    }
}

#[test]
fn vpc_source() {
    row(
        "vpc-source",
        "a CAPTCluster has none or several of vpcTemplateRef, existingVpcId and vpcWorkspaceRef",
        "refuses it",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let template = "vpcTemplateRef: {name: vpc-template, namespace: default}\n  retainVpcOnDelete: false";
        let with = |sources: &str| {
            let (_, object) = fixture::CLUSTER.split_once("---\n").unwrap();
            let (object, _) = object.split_once("---\n").unwrap();
            changed(object, template, sources)
        };
        let wrong = [
            with("retainVpcOnDelete: false"),
            with("existingVpcId: ''"),
            with("existingVpcId: vpc-1\n  vpcTemplateRef: {name: vpc-template}"),
            with("existingVpcId: vpc-1\n  vpcWorkspaceRef: {name: net}"),
            with("vpcTemplateRef: {name: vpc-template}\n  vpcWorkspaceRef: {name: net}"),
            with("existingVpcId: vpc-1\n  retainVpcOnDelete: true"),
        ];
        refuse(account, &world, &wrong).await;
        account.ends(&world);
    });
}

#[test]
fn version() {
    row(
        "version",
        "spec.version is no version, or more than one minor version away from the one that runs",
        "refuses it; a step up or back by one minor version is taken",
    )
    .play(async |account| {
        let world = ready().await;
        for version in [
            "latest", "1", "v1.32.x", "", "01.32", "1.032", "0.0", "1.99", "1.33", "1.29", "2.32",
        ] {
            let patch = json!({ "spec": { "version": version } });
            let error = world.try_patch(CONTROL_PLANE, patch).await.expect_err(version);
            account.refused(&error);
        }
        world.pass(crate::MINUTE).await;
        account.least("a refused version changes nothing");
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
    });
}

#[test]
fn names() {
    row(
        "names",
        "names and namespaces in references are empty, too long, or none at all",
        "refuses them",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let reference = "{name: vpc-template, namespace: default}";
        let long = format!("{{name: {}}}", "a".repeat(254));
        let namespace = format!("{{name: a, namespace: {}}}", "a".repeat(64));
        let wrong: Vec<String> = [
            "{name: ''}",
            "{name: VPC_Template}",
            "{name: a/b}",
            &long,
            &namespace,
        ]
        .iter()
        .map(|to| changed(NET, reference, to))
        .collect();
        refuse(account, &world, &wrong).await;
        let name = format!("name: {}", "n".repeat(64));
        let cluster = cluster_with(
            "name: demo, namespace: default}\nspec:\n  region",
            &format!("{name}, namespace: default}}\nspec:\n  region"),
        );
        let (_, cluster) = cluster.split_once("---\n").unwrap();
        refuse(account, &world, &[cluster.to_owned()]).await;
        account.ends(&world);
    });
}

#[test]
fn inputs() {
    row(
        "inputs-twice-or-nameless",
        "a variable is given twice, tags and variables cannot be named, the region is missing",
        "refuses them",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let (_, control_plane) = fixture::CLUSTER.rsplit_once("---\n").unwrap();
        let tags = |to: &str| changed(control_plane, "{Environment: dev, ManagedBy: capt}", to);
        let twice = changed(
            fixture::VPC_TEMPLATE,
            "        - {key: name, value: \"${vpc_name}\"}\n",
            "        - {key: name, value: a}\n        - {key: name, value: b}\n",
        );
        let (_, cluster) = fixture::CLUSTER.split_once("---\n").unwrap();
        let wrong = [
            twice,
            tags("{'': x}"),
            tags("{'a}b': x}"),
            tags("{'aws:owner': x}"),
            tags(&format!("{{a: {}}}", "x".repeat(257))),
            changed(NET, "{vpc_name: net, cluster_name: demo}", "{'a}': net}"),
            changed(
                cluster,
                "  region: ap-northeast-1\n  vpcTemplateRef",
                "  vpcTemplateRef",
            ),
            changed(
                cluster,
                "  region: ap-northeast-1\n  vpcTemplateRef",
                "  region: ''\n  vpcTemplateRef",
            ),
        ];
        refuse(account, &world, &wrong).await;
        account.ends(&world);
    });
}
