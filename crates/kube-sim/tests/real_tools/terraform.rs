use kube_sim::GroupResource;

use crate::support::{Site, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terraform_keeps_its_state_and_its_lock_here() {
    let Some(terraform) = tool("terraform") else {
        return;
    };
    let site = Site::new().await;
    let dir = tempfile::TempDir::new().unwrap();
    let main = |value: &str| {
        format!(
            "terraform {{\n  backend \"kubernetes\" {{\n    secret_suffix = \"demo\"\n    namespace     = \"default\"\n    \
             config_path   = \"{}\"\n  }}\n}}\nresource \"terraform_data\" \"one\" {{\n  input = \"{value}\"\n}}\noutput \
             \"one\" {{\n  value = terraform_data.one.output\n}}\n",
            site.kubeconfig().display()
        )
    };
    let run = async |args: &[&str]| {
        let printed = site.run(&terraform, dir.path(), args, "").await;
        assert!(printed.ok, "terraform {args:?}: {}\n{}", printed.out, printed.err);
        printed.out
    };
    std::fs::write(dir.path().join("main.tf"), main("a")).unwrap();
    run(&["init", "-input=false", "-no-color"]).await;
    let out = run(&["apply", "-auto-approve", "-input=false", "-no-color"]).await;
    assert!(out.contains("1 added, 0 changed, 0 destroyed"), "{out}");
    let secrets = GroupResource::new("", "secrets");
    let leases = GroupResource::new("coordination.k8s.io", "leases");
    let state = site
        .server
        .world()
        .get(&secrets, "default", "tfstate-default-demo")
        .expect("the state is a Secret");
    assert_eq!(state["metadata"]["labels"]["tfstate"], "true");
    let lock = site
        .server
        .world()
        .get(&leases, "default", "lock-tfstate-default-demo")
        .expect("the lock is a Lease");
    assert!(lock["spec"]["holderIdentity"].is_null(), "released: {lock}");

    std::fs::write(dir.path().join("main.tf"), main("b")).unwrap();
    let out = run(&["apply", "-auto-approve", "-input=false", "-no-color"]).await;
    assert!(out.contains("0 added, 1 changed, 0 destroyed"), "{out}");
    assert_eq!(run(&["output", "-raw", "one"]).await, "b");
    let out = run(&["destroy", "-auto-approve", "-input=false", "-no-color"]).await;
    assert!(out.contains("1 destroyed"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lock_is_respected() {
    use k8s_openapi::api::coordination::v1::Lease;
    use kube::api::{Patch, PatchParams};

    let Some(terraform) = tool("terraform") else {
        return;
    };
    let site = Site::new().await;
    let dir = tempfile::TempDir::new().unwrap();
    let text = format!(
        "terraform {{\n  backend \"kubernetes\" {{\n    secret_suffix = \"demo\"\n    config_path = \"{}\"\n  }}\n}}\nresource \
         \"terraform_data\" \"one\" {{}}\n",
        site.kubeconfig().display()
    );
    std::fs::write(dir.path().join("main.tf"), text).unwrap();
    let apply = ["apply", "-auto-approve", "-input=false", "-no-color"];
    assert!(
        site.run(&terraform, dir.path(), &["init", "-input=false", "-no-color"], "")
            .await
            .ok
    );
    assert!(site.run(&terraform, dir.path(), &apply, "").await.ok);
    let leases: kube::Api<Lease> = kube::Api::default_namespaced(site.server.client("default"));
    let held = serde_json::json!({
        "metadata": {"annotations": {"app.terraform.io/lock-info": "{\"ID\":\"abc\",\"Who\":\"someone\"}"}},
        "spec": {"holderIdentity": "abc"},
    });
    leases
        .patch(
            "lock-tfstate-default-demo",
            &PatchParams::default(),
            &Patch::Merge(&held),
        )
        .await
        .unwrap();
    let refused = site.run(&terraform, dir.path(), &apply, "").await;
    assert!(!refused.ok);
    assert!(
        refused.err.contains("Error acquiring the state lock"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("someone"), "{}", refused.err);
    let unlock = site
        .run(&terraform, dir.path(), &["force-unlock", "-force", "abc"], "")
        .await;
    assert!(unlock.ok, "{}", unlock.err);
    assert!(site.run(&terraform, dir.path(), &apply, "").await.ok);
}
