use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use kube_sim::{After, Call, Hooks, serve_https};

use crate::support::{Printed, Site, tool};

const DEFINITION: &str = include_str!("../widget.yaml");
const WIDGET: &str =
    "apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: one\nspec:\n  colour: red\n";

struct Kubectl {
    site: Site,
    path: PathBuf,
}

impl Kubectl {
    async fn run(&self, line: &str, stdin: &str) -> Printed {
        let args: Vec<&str> = line.split_whitespace().collect();
        self.site
            .run(&self.path, self.site.home.path(), &args, stdin)
            .await
    }

    /// Runs a command that must succeed.
    async fn out(&self, line: &str, stdin: &str) -> String {
        let printed = self.run(line, stdin).await;
        assert!(printed.ok, "kubectl {line}: {}{}", printed.out, printed.err);
        printed.out + &printed.err
    }

    /// Runs a command that must fail.
    async fn err(&self, line: &str, stdin: &str) -> String {
        let printed = self.run(line, stdin).await;
        assert!(!printed.ok, "kubectl {line}: {}{}", printed.out, printed.err);
        printed.err
    }
}

async fn kubectl() -> Option<Kubectl> {
    let path = tool("kubectl")?;
    Some(Kubectl {
        site: Site::new().await,
        path,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_finds_what_it_expects() {
    const UNKNOWN: &str =
        "apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: two\nspec:\n  colr: red\n";
    const PINK: &str =
        "apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: two\nspec:\n  colour: pink\n";
    const BLUE: &str =
        "apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: one\nspec:\n  colour: blue\n";
    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  a: b\n";
    let Some(kubectl) = kubectl().await else { return };
    let mut transcript = String::new();
    for (line, input) in [
        ("apply -f -", DEFINITION),
        (
            "wait --for=condition=Established crd/widgets.example.org --timeout=10s",
            "",
        ),
        ("apply -f -", WIDGET),
        ("apply -f -", WIDGET),
        ("apply --server-side -f -", WIDGET),
        ("apply --server-side -f -", BLUE),
        (
            "apply --server-side --force-conflicts --field-manager=other -f -",
            BLUE,
        ),
        ("apply --dry-run=server -f -", WIDGET),
        ("get wd", ""),
        ("get widgets -o wide", ""),
        ("get all", ""),
        ("get wd -A --show-labels", ""),
        ("get ns", ""),
        ("get crd", ""),
        ("get wd one -o yaml --show-managed-fields", ""),
        ("explain widget.spec", ""),
        ("explain widget.spec.colour", ""),
        ("create --validate=strict -f -", UNKNOWN),
        ("create --validate=warn -f -", UNKNOWN),
        ("apply -f -", PINK),
        ("label wd one a=b", ""),
        ("annotate wd one c=d", ""),
        ("get wd -l a=b", ""),
        ("get wd --field-selector spec.colour!=blue", ""),
        ("patch wd one --type=merge -p {\"spec\":{\"size\":5}}", ""),
        (
            "patch wd one --type=json -p [{\"op\":\"test\",\"path\":\"/spec/size\",\"value\":4}]",
            "",
        ),
        ("patch wd one -p {\"spec\":{\"size\":5}}", ""),
        ("scale wd one --replicas=3", ""),
        (
            "patch wd one --subresource=status --type=merge -p \
             {\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
            "",
        ),
        ("wait --for=condition=Ready wd/one --timeout=10s", ""),
        ("wait --for=jsonpath={.spec.size}=5 wd/one --timeout=10s", ""),
        ("get wd", ""),
        ("describe wd one", ""),
        ("apply -f -", MAP),
        ("get cm,sa", ""),
        ("describe cm cm", ""),
        ("create configmap made --from-literal=a=b", ""),
        ("create secret generic made --from-literal=a=b", ""),
        ("create serviceaccount made", ""),
        ("get secret made -o jsonpath={.data.a},{.type}", ""),
        ("get events", ""),
        ("api-resources --no-headers", ""),
        ("api-versions", ""),
        ("auth can-i create widgets", ""),
        ("auth whoami", ""),
        ("delete wd one", ""),
        ("wait --for=delete wd/one --timeout=10s", ""),
        ("get wd one", ""),
        ("create ns team", ""),
        ("delete ns team", ""),
        ("delete wd --all", ""),
        ("delete crd widgets.example.org", ""),
        ("get wd", ""),
        ("get --raw /readyz", ""),
    ] {
        let printed = kubectl.run(line, input).await;
        let mark = if printed.ok { "" } else { "  # fails" };
        writeln!(
            transcript,
            "$ kubectl {line}{mark}\n{}{}",
            printed.out, printed.err
        )
        .unwrap();
    }
    insta::assert_snapshot!("kubectl", transcript);
}

/// Tells when a watch has reached the server.
#[derive(Default)]
struct Watched(tokio::sync::Notify);

impl Hooks for Watched {
    fn after(&self, call: &Call, _code: u16) -> After {
        if call.verb == "watch" {
            self.0.notify_one();
        }
        After::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_waits_for_a_deletion() {
    let Some(kubectl) = kubectl().await else { return };
    kubectl.out("apply -f -", DEFINITION).await;
    kubectl
        .out(
            "apply -f -",
            &WIDGET.replace("name: one", "name: one\n  finalizers: [example.org/hold]"),
        )
        .await;
    kubectl.out("delete wd one --wait=false", "").await;
    let watched = Arc::new(Watched::default());
    kubectl.site.server.set_hooks(Some(watched.clone()));
    let (waited, ()) = tokio::join!(kubectl.run("wait --for=delete wd/one --timeout=60s", ""), async {
        watched.0.notified().await;
        kubectl
            .out(
                "patch wd one --type=merge -p {\"metadata\":{\"finalizers\":null}}",
                "",
            )
            .await;
    });
    assert!(waited.ok, "{}", waited.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_follows_a_table() {
    let Some(kubectl) = kubectl().await else { return };
    kubectl.out("apply -f -", DEFINITION).await;
    kubectl.out("apply -f -", WIDGET).await;
    let watched = Arc::new(Watched::default());
    kubectl.site.server.set_hooks(Some(watched.clone()));
    let (followed, ()) = tokio::join!(kubectl.run("get wd --watch", ""), async {
        watched.0.notified().await;
        kubectl
            .out(
                "patch wd one --type=merge -p {\"spec\":{\"colour\":\"blue\"}}",
                "",
            )
            .await;
        kubectl.out("delete wd one", "").await;
        kubectl.site.server.cut_watches();
    });
    assert_eq!(
        followed.out,
        "NAME   COLOUR   READY   AGE\none    red              0s\none    blue             0s\none    blue             0s\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_without_the_token_gets_in() {
    let Some(kubectl) = kubectl().await else { return };
    let refused = kubectl.err("--token=wrong get ns", "").await;
    assert!(
        refused.contains("You must be logged in to the server"),
        "{refused}"
    );
    let mode = std::fs::metadata(kubectl.site.kubeconfig())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    kubectl.out("get ns", "").await;
    let Kubectl { site, path } = kubectl;
    let Site {
        running,
        home,
        server,
    } = site;
    running.shutdown().await;
    let stopped = Site {
        running: serve_https(server.clone(), ([127, 0, 0, 1], 0).into())
            .await
            .unwrap(),
        home,
        server,
    };
    let refused = stopped.run(&path, stopped.home.path(), &["get", "ns"], "").await;
    assert!(refused.err.contains("refused"), "{}", refused.err);
}
