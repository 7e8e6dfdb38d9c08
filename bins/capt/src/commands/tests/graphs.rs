//! What depends on what, and what a change touches.

use capt_testing::{Scenario, simulate};

use super::world::{gathered, ready};
use crate::cli::GraphFormat;
use crate::commands::graph::{draw, impact};
use crate::output::{golden, golden_block};

async fn touched(world: &Scenario, node: &str, format: GraphFormat) -> String {
    let gathered = gathered(world).await.unwrap();
    impact(&gathered.picture, &gathered.cluster, node, format).unwrap()
}

#[test]
fn a_cluster_is_drawn_in_every_form() {
    simulate(async {
        let world = ready().await;
        let gathered = gathered(&world).await.unwrap();
        for (format, file) in [
            (GraphFormat::Text, "graph.txt"),
            (GraphFormat::Mermaid, "graph.mmd"),
            (GraphFormat::Dot, "graph.dot"),
            (GraphFormat::Json, "graph.json"),
            (GraphFormat::Svg, "graph.svg"),
        ] {
            let text = draw(&gathered.picture, format).unwrap();
            golden(&format!("tests/golden/{file}"), &text);
        }
    });
}

#[test]
fn a_change_of_a_template_reaches_what_reads_its_outputs() {
    simulate(async {
        let world = ready().await;
        let text = touched(&world, "WorkspaceTemplate/vpc-template", GraphFormat::Text).await;
        let command = "capt graph cluster demo --impact WorkspaceTemplate/vpc-template";
        golden_block(
            "../../docs/guide/describe.md",
            "impact",
            &format!("```console\n$ {command}\n{text}```\n"),
        );
        let text = touched(&world, "secret/demo-vpc-vpc-connection", GraphFormat::Text).await;
        golden("tests/golden/impact-secret.txt", &text);
        // Nothing above the control plane's own parts is written from it.
        let text = touched(&world, "captcontrolplane/default/demo", GraphFormat::Text).await;
        golden("tests/golden/impact-control-plane.txt", &text);
        let json = touched(&world, "tfws/demo-eks-controlplane", GraphFormat::Json).await;
        assert!(
            json.contains("CAPTControlPlane/default/demo") && !json.contains("demo-vpc\""),
            "{json}"
        );
    });
}

#[test]
fn a_node_that_is_not_there_is_answered_with_those_that_are() {
    simulate(async {
        let world = ready().await;
        let gathered = gathered(&world).await.unwrap();
        for wanted in ["tfws/none", "none", "Pod/demo", "a/b/c/d"] {
            let error = impact(&gathered.picture, &gathered.cluster, wanted, GraphFormat::Text).unwrap_err();
            let failure = error.downcast_ref::<crate::failure::Failure>().unwrap();
            let text = crate::report::narrated(failure);
            assert!(
                text.starts_with(&format!("error: there is no {wanted} in this graph")),
                "{text}"
            );
            assert!(
                text.contains("TerraformWorkspace/demo-eks-controlplane"),
                "{text}"
            );
        }
    });
}
