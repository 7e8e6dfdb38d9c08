//! Manifests as people have them: files, directories, kustomizations, and mistakes in them.

use std::path::Path;
use std::process::Stdio;

use crate::harness::{Ended, Place, has, run};

fn sandbox(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.command("capt");
    command.args(["sandbox", "--until-ready", "--engine", "simulated"]);
    run(command.args(arguments))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_starter_becomes_ready_unchanged_with_terraform() {
    if !has("terraform") {
        return;
    }
    let place = Place::new();
    let printed = run(place.command("capt").args(["sandbox", "--template"]));
    printed.check(printed.status.success(), "it is not printed");
    printed.check(printed.stderr.is_empty(), "more than the manifests is said");
    let file = place.file("starter.yaml", &printed.stdout);
    let mut command = place.command("capt");
    command.args(["sandbox", "--until-ready", "--engine", "terraform", "-f", "-"]);
    let ended = run(command.stdin(Stdio::from(std::fs::File::open(file).unwrap())));
    ended.check(ended.status.success(), "it failed");
    let row = ended
        .stdout
        .lines()
        .find(|line| line.starts_with("my-cluster "))
        .unwrap_or_default();
    ended.check(row.contains(" Ready "), "the cluster is not ready");
}

#[test]
fn files_directories_and_kustomizations_are_applied_in_an_order_that_works() {
    let place = Place::new();
    for directory in ["all", "all/deeper", "base"] {
        std::fs::create_dir(place.path(directory)).unwrap();
    }
    // The Cluster first, what it needs last.
    let [(_, vpc), (_, eks), (_, cluster)] = capt_sandbox::demo::MANIFESTS;
    place.file("all/1.yaml", cluster);
    place.file("all/deeper/2.yml", eks);
    place.file("all/deeper/3.yaml", vpc);
    let all = place.path("all");
    let flat = sandbox(&place, &["-f", text(&all)]);
    flat.check(
        flat.status.code() == Some(1),
        "it became ready without its templates",
    );
    let missing = "needs a person: Cluster/demo, CAPTCluster/demo, CAPTControlPlane/demo cannot become ready";
    flat.check(
        flat.stderr.contains(missing),
        "what cannot become ready is not named",
    );
    flat.check(
        flat.stderr.contains("WorkspaceTemplate"),
        "what is missing is not named",
    );
    let deep = sandbox(&place, &["-R", "-f", text(&all)]);
    deep.check(deep.status.success(), "it failed");

    if !has("kubectl") {
        return;
    }
    place.file("base/cluster.yaml", cluster);
    place.file("base/eks.yaml", eks);
    place.file("base/vpc.yaml", vpc);
    place.file(
        "base/kustomization.yaml",
        "resources: [cluster.yaml, eks.yaml, vpc.yaml]\nnamespace: other\n",
    );
    let namespace = place.file(
        "other.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n",
    );
    let base = place.path("base");
    for flag in ["-k", "-f"] {
        let built = sandbox(&place, &["-f", text(&namespace), flag, text(&base)]);
        built.check(built.status.success(), "it failed");
        built.check(
            built.stdout.contains("\nother/demo  Ready "),
            "the cluster is not ready",
        );
    }
    let mut command = place.command("capt");
    command
        .args(["sandbox", "--engine", "simulated", "-k"])
        .arg(&base);
    let ended = run(command.env("PATH", place.path("")));
    ended.check(ended.status.code() == Some(1), "it was built by nobody");
    ended.check(
        ended.stderr.contains("neither kubectl nor kustomize is on PATH"),
        "what is missing is not named",
    );
}

#[test]
fn mistakes_are_told_all_at_once_each_with_its_place() {
    let place = Place::new();
    let refused = "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: CAPTCluster\nmetadata:\n  name: x\nspec:\n  \
                   reigon: eu\n";
    let first = place.file("first.yaml", &format!("# no list\nkind: [\n---\n{refused}"));
    let second = place.file(
        "second.yaml",
        "---\n# nothing\n---\nkind: Secret\nmetadata: {name: y}\n",
    );
    let ended = sandbox(
        &place,
        &["-f", text(&first), "-f", text(&second), "-f", "gone.yaml"],
    );
    ended.check(ended.status.code() == Some(1), "the exit code is another");
    for wanted in [
        "there are 4 problems with the manifests, and nothing was applied",
        "read gone.yaml: No such file or directory",
        "first.yaml:2:7: not YAML: ",
        "first.yaml:9:3: CAPTCluster x is refused: spec.reigon: unknown field",
        "second.yaml:4:1: this object has no apiVersion",
    ] {
        ended.check(ended.stderr.contains(wanted), wanted);
    }
    ended.check(ended.stdout.is_empty(), "something was begun");

    let empty = place.file("empty.yaml", "# later\n");
    let ended = sandbox(&place, &["-f", text(&empty)]);
    ended.check(ended.status.code() == Some(1), "the exit code is another");
    ended.check(
        ended.stderr.contains("there is nothing to apply: no object in "),
        "it is not said",
    );
    let ended = sandbox(&place, &["-f", "https://example.org/x.yaml"]);
    ended.check(ended.status.code() == Some(1), "the exit code is another");
    ended.check(
        ended
            .stderr
            .contains("curl -fsSLo manifests.yaml https://example.org/x.yaml"),
        "what to do is not said",
    );
}
