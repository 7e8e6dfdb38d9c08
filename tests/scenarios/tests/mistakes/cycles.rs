//! Applies that wait for each other.

use capt_testing::{Scenario, Settings, fixture};
use serde_json::json;

use super::row;
use crate::MINUTE;
use crate::applies::NET;

fn apply(namespace: &str, name: &str, waits: &str) -> String {
    let named = NET
        .replace(
            "net-apply, namespace: default",
            &format!("{name}, namespace: {namespace}"),
        )
        .replace("vpc_name: net", &format!("vpc_name: {name}"));
    format!("{}\n  waitForWorkspaces: [{waits}]\n", named.trim_end())
}

#[test]
fn itself() {
    row(
        "cycle-of-one",
        "a WorkspaceTemplateApply waits for the workspace that it makes itself",
        "refuses it; where the namespace is spelled out the apply fails and names the field",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        let error = world
            .try_apply(&apply("default", "a", "{name: a}"))
            .await
            .unwrap_err();
        account.refused(&error);
        world
            .apply(&apply("default", "a", "{name: a, namespace: default}"))
            .await;
        world.pass(MINUTE).await;
        account.sees(&world, "WorkspaceTemplateApply/a");
        let right = apply("default", "a", "");
        world.apply(&right).await;
        account.least("nothing ran before the wait was gone");
        account
            .ends_as_fresh(&world, &[fixture::VPC_TEMPLATE, &right])
            .await;
    });
}

#[test]
fn two_and_three() {
    row(
        "cycle",
        "two, or three, WorkspaceTemplateApplies wait for each other, also over namespaces",
        "fails each of them with the way back to itself; any wait that is removed frees all of them",
    )
    .play(async |account| {
        let shared = "templateRef: {name: vpc-template, namespace: default}";
        let team = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";
        let template = fixture::VPC_TEMPLATE.replace(
            "${WORKSPACE_NAME}-vpc-connection, namespace: default",
            "${WORKSPACE_NAME}-vpc-connection",
        );
        let rings: [&[(&str, &str, &str)]; 2] = [
            &[("default", "a", "{name: b}"), ("default", "b", "{name: a}")],
            &[
                ("default", "a", "{name: b, namespace: team}"),
                ("team", "b", "{name: c}"),
                ("team", "c", "{name: a, namespace: default}"),
            ],
        ];
        let mut last = None;
        for ring in rings {
            for mended in 0..ring.len() {
                let settings = Settings {
                    allow_namespaces: ["default", "team"].map(str::to_owned).into(),
                    ..Settings::default()
                };
                let world = Scenario::with(settings).await;
                world.apply(team).await;
                world.apply(&template).await;
                for (namespace, name, waits) in ring {
                    let manifest = apply(namespace, name, waits);
                    assert!(manifest.contains(shared));
                    world.apply(&manifest).await;
                }
                world.pass(MINUTE).await;
                let objects: Vec<String> = ring
                    .iter()
                    .map(|(namespace, name, _)| format!("{namespace}/WorkspaceTemplateApply/{name}"))
                    .collect();
                for object in &objects {
                    assert_eq!(world.state(object), "Failed", "{object}:\n{}", world.transcript());
                    if mended == 0 {
                        account.sees(&world, object);
                    }
                }
                assert_eq!(world.terraform_operations(), 0);
                world
                    .patch(&objects[mended], json!({ "spec": { "waitForWorkspaces": null } }))
                    .await;
                for object in &objects {
                    world.until_state(object, "Ready", 5 * MINUTE).await;
                }
                last = Some(world);
            }
        }
        account.least("nothing ran before a wait was gone");
        account.ends(&last.unwrap());
    });
}
