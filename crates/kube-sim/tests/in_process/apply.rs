use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::support::{server, status, widget_api};

fn applied(spec: serde_json::Value) -> Patch<serde_json::Value> {
    Patch::Apply(
        json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}),
    )
}

#[tokio::test(start_paused = true)]
async fn managers_own_what_they_apply() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let made = widgets
        .patch(
            "w",
            &PatchParams::apply("one"),
            &applied(json!({"colour": "red", "limit": 9})),
        )
        .await
        .unwrap();
    let managers = made.managed_fields();
    assert_eq!(managers.len(), 1);
    assert_eq!(
        (managers[0].manager.as_deref(), managers[0].operation.as_deref()),
        (Some("one"), Some("Apply"))
    );

    let refused = status(
        widgets
            .patch(
                "w",
                &PatchParams::apply("two"),
                &applied(json!({"colour": "blue"})),
            )
            .await
            .unwrap_err(),
    );
    assert_eq!((refused.code, refused.reason.as_str()), (409, "Conflict"));
    assert_eq!(
        refused.message,
        "Apply failed with 1 conflict: conflict with \"one\": .spec.colour"
    );
    assert_eq!(refused.details.unwrap().causes[0].field, ".spec.colour");

    let forced = widgets
        .patch(
            "w",
            &PatchParams::apply("two").force(),
            &applied(json!({"colour": "blue"})),
        )
        .await
        .unwrap();
    assert_eq!(forced.data["spec"]["colour"], "blue");
    assert_eq!(forced.metadata.generation, Some(2));

    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    let same = widgets
        .patch(
            "w",
            &PatchParams::apply("two").force(),
            &applied(json!({"colour": "blue"})),
        )
        .await
        .unwrap();
    assert_eq!(
        same.resource_version(),
        forced.resource_version(),
        "an apply of what is there writes nothing"
    );

    let removed = widgets
        .patch("w", &PatchParams::apply("one"), &applied(json!({})))
        .await
        .unwrap();
    assert!(
        removed.data["spec"].get("limit").is_none(),
        "no longer applied, owned by nobody else"
    );
    assert_eq!(removed.data["spec"]["colour"], "blue");
}

#[tokio::test(start_paused = true)]
async fn status_is_applied_by_a_manager_of_its_own() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    widgets
        .patch(
            "w",
            &PatchParams::apply("one"),
            &applied(json!({"colour": "red"})),
        )
        .await
        .unwrap();
    let status_patch = Patch::Apply(json!({
        "apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"},
        "spec": {"colour": "green"},
        "status": {"phase": "Ready", "conditions": [{"type": "Ready", "status": "True"}]},
    }));
    let after = widgets
        .patch_status("w", &PatchParams::apply("reporter").force(), &status_patch)
        .await
        .unwrap();
    assert_eq!(after.data["spec"]["colour"], "red");
    assert_eq!(after.data["status"]["phase"], "Ready");
    assert_eq!(after.metadata.generation, Some(1));
    let owner = after
        .managed_fields()
        .iter()
        .find(|m| m.manager.as_deref() == Some("reporter"))
        .unwrap();
    assert_eq!(owner.subresource.as_deref(), Some("status"));
    let again = widgets
        .patch_status("w", &PatchParams::apply("reporter").force(), &status_patch)
        .await
        .unwrap();
    assert_eq!(again.resource_version(), after.resource_version());
    let absent = status(
        widgets
            .patch_status("x", &PatchParams::apply("reporter").force(), &status_patch)
            .await
            .unwrap_err(),
    );
    assert_eq!(absent.code, 400, "the name differs from the path");
}

#[tokio::test(start_paused = true)]
async fn an_apply_needs_a_manager_and_known_fields() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let refused = status(
        widgets
            .patch("w", &PatchParams::default(), &applied(json!({"colour": "red"})))
            .await
            .unwrap_err(),
    );
    assert_eq!(refused.code, 422);
    assert!(
        refused
            .message
            .contains("fieldManager: Required value: is required for apply patch"),
        "{}",
        refused.message
    );
    let refused = status(
        widgets
            .patch("w", &PatchParams::apply("one"), &applied(json!({"colr": "red"})))
            .await
            .unwrap_err(),
    );
    assert!(
        refused
            .message
            .ends_with(".spec.colr: field not declared in schema"),
        "{}",
        refused.message
    );
}
