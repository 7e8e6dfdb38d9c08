//! References to other namespaces, in every field that can name one.

use capt_testing::{Scenario, Settings, fixture};

use super::{changed, cluster_with, ends_mended, row};
use crate::applies::NET;
use crate::{CONTROL_PLANE, INFRASTRUCTURE, MINUTE, with_templates};

const APPLY: &str = "WorkspaceTemplateApply/net-apply";
const WORKSPACE: &str = "TerraformWorkspace/net";

const PLATFORM: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: platform}\n";

/// Something worth stealing, and something worth using.
const TREASURE: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: treasure, namespace: platform}
stringData: {tfvars: 'name = "hunter2"', token: hunter2}
"#;

const BARE: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: TerraformWorkspace
metadata: {name: net, namespace: default}
spec:
  forProvider:
    source: Inline
    module: 'output "name" { value = "x" }'
"#;

fn of_apply(line: &str) -> String {
    format!("{}\n  {line}\n", NET.trim_end())
}

fn of_workspace(line: &str) -> String {
    format!("{}\n{line}\n", BARE.trim_end())
}

/// Every manifest with a reference into `platform`, with the object that says so and the field.
fn references() -> Vec<(&'static str, &'static str, String)> {
    let template = "{name: vpc-template, namespace: default}";
    let there = "{name: vpc-template, namespace: platform}";
    let eks = "workspaceTemplateRef: {name: eks-controlplane-template, namespace: default}";
    let secret = "{namespace: platform, name: treasure, key: tfvars}";
    vec![
        (APPLY, "spec.templateRef.namespace", changed(NET, template, there)),
        (
            APPLY,
            "spec.waitForSecrets[0].namespace",
            of_apply("waitForSecrets: [{name: treasure, namespace: platform}]"),
        ),
        (
            APPLY,
            "spec.waitForWorkspaces[0].namespace",
            of_apply("waitForWorkspaces: [{name: net, namespace: platform}]"),
        ),
        (
            APPLY,
            "spec.writeConnectionSecretToRef.namespace",
            of_apply("writeConnectionSecretToRef: {name: loot, namespace: platform}"),
        ),
        (
            WORKSPACE,
            "spec.forProvider.varFiles[0].secretKeyRef.namespace",
            of_workspace(&format!(
                "    varFiles: [{{source: SecretKey, secretKeyRef: {secret}}}]"
            )),
        ),
        (
            WORKSPACE,
            "spec.forProvider.env[TOKEN].secretKeyRef.namespace",
            of_workspace(
                "    env: [{name: TOKEN, secretKeyRef: {namespace: platform, name: treasure, key: token}}]",
            ),
        ),
        (
            WORKSPACE,
            "spec.writeConnectionSecretToRef.namespace",
            of_workspace("  writeConnectionSecretToRef: {name: loot, namespace: platform}"),
        ),
        (
            WORKSPACE,
            "spec.backend.kubernetes.namespace",
            of_workspace("  backend: {kubernetes: {namespace: platform}}"),
        ),
        (
            INFRASTRUCTURE,
            "spec.vpcTemplateRef.namespace",
            cluster_with(
                &format!("vpcTemplateRef: {template}"),
                &format!("vpcTemplateRef: {there}"),
            ),
        ),
        (
            INFRASTRUCTURE,
            "spec.vpcWorkspaceRef.namespace",
            cluster_with(
                &format!("vpcTemplateRef: {template}\n  retainVpcOnDelete: false"),
                "vpcWorkspaceRef: {name: net, namespace: platform}",
            ),
        ),
        (
            CONTROL_PLANE,
            "spec.workspaceTemplateRef.namespace",
            cluster_with(
                eks,
                "workspaceTemplateRef: {name: eks-controlplane-template, namespace: platform}",
            ),
        ),
        (
            CONTROL_PLANE,
            "spec.kubeconfigTemplateRef.namespace",
            cluster_with(
                eks,
                &format!(
                    "{eks}\n  kubeconfigTemplateRef: {{name: eks-kubeconfig-template, namespace: platform}}"
                ),
            ),
        ),
    ]
}

#[test]
fn closed() {
    row(
        "other-namespaces",
        "a field names a template, a Secret, a workspace or the Terraform state in another namespace",
        "refuses to read or write there, names the field, and says how the operator would open that namespace",
    )
    .play(async |account| {
        let mut last = None;
        for (object, field, manifest) in references() {
            // That another namespace is open does not open this one.
            let settings = Settings {
                allow_namespaces: ["plat", "platforms"].map(str::to_owned).into(),
                ..Settings::default()
            };
            let world = Scenario::with(settings).await;
            world.apply(PLATFORM).await;
            world.apply(TREASURE).await;
            world.apply(&fixture::templates()).await;
            world.apply(&fixture::templates().replace("namespace: default", "namespace: platform")).await;
            world.apply(&manifest).await;
            world.until_state(object, "Failed", 3 * MINUTE).await;
            account.sees(&world, object);
            let fault = world.at(object, "/status/fault").to_string();
            assert!(fault.contains("NamespaceNotAllowed") && fault.contains(field), "{field}: {fault}");
            world.pass(MINUTE).await;
            for kind in ["Secret", "Lease", "TerraformWorkspace"] {
                let there = world.names(kind);
                let there: Vec<_> = there.iter().filter(|name| name.starts_with("platform/")).collect();
                let expected: &[&str] = if kind == "Secret" { &["platform/treasure"] } else { &[] };
                assert_eq!(there, expected, "{field}");
            }
            last = Some(world);
        }
        account.ends(&last.unwrap());
    });
}

#[test]
fn mended() {
    row(
        "other-namespace-mended",
        "a template of another namespace is referred to, and then one of the own namespace",
        "goes on as soon as the reference is edited",
    )
    .play(async |account| {
        let world = with_templates().await;
        let template = "{name: vpc-template, namespace: default}";
        world
            .apply(&cluster_with(
                template,
                "{name: vpc-template, namespace: platform}",
            ))
            .await;
        world.until_state(INFRASTRUCTURE, "Failed", MINUTE).await;
        account.sees(&world, INFRASTRUCTURE);
        world.apply(fixture::CLUSTER).await;
        ends_mended(account, &world, "nothing ran before the reference was right").await;
    });
}

#[test]
fn open() {
    row(
        "other-namespace-open",
        "the operator was started with --allow-namespaces platform, and objects refer to that namespace",
        "uses what is there, and nothing of any other namespace",
    )
    .play(async |account| {
        let settings = Settings {
            allow_namespaces: ["platform".to_owned()].into(),
            ..Settings::default()
        };
        let world = Scenario::with(settings).await;
        world.apply(PLATFORM).await;
        world.apply(TREASURE).await;
        world
            .apply(&fixture::VPC_TEMPLATE.replace(
                "vpc-template, namespace: default",
                "vpc-template, namespace: platform",
            ))
            .await;
        let template = "{name: vpc-template, namespace: default}";
        world
            .apply(&changed(
                NET,
                template,
                "{name: vpc-template, namespace: platform}",
            ))
            .await;
        world.until_state(APPLY, "Ready", MINUTE).await;
        account.sees(&world, APPLY);
        world
            .apply(&changed(
                NET,
                template,
                "{name: vpc-template, namespace: kube-system}",
            ))
            .await;
        world.until_state(APPLY, "Failed", MINUTE).await;
        account.sees(&world, APPLY);
        account.ends(&world);
    });
}
