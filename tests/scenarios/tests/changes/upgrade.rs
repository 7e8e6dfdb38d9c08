//! The version of a cluster that is in use.

use capt_testing::fixture;
use serde_json::json;

use super::row;
use crate::{CONTROL_PLANE, MINUTE, SECOND, ready};

#[test]
fn upgrade() {
    row(
        "upgrade",
        "spec.version of a ready control plane is raised",
        "applies the EKS workspace once with the new version; the cluster stays Ready and its VPC is not touched",
    )
    .play(async |account| {
        let world = ready().await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(10 * SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
        world.until_quiet().await;
        account.sees(&world, CONTROL_PLANE);
        let transcript = world.transcript();
        for lost in ["-Ready", "-Available", "-Initialized"] {
            assert!(!transcript.contains(lost), "{transcript}");
        }
        assert!(!transcript.contains("terraform demo-vpc"), "{transcript}");
        account.least("a new version needs one plan and one apply");
        let raised = fixture::CLUSTER.replace("\"1.31\"", "\"1.32\"");
        account.ends_as_fresh(&world, &[&fixture::templates(), &raised]).await;
    });
}
