use std::fmt::Write as _;
use std::path::Path;

use capt_api::{all_crds, cluster_crd};
use kube::Api;
use kube::api::PostParams;
use kube_sim::{ApiServer, Clock, World};
use miette::Diagnostic as _;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{Inputs, Manifest, Problem, Problems, Source, apply, check, parse, read, sort};

fn parsed(text: &str) -> (Vec<Manifest>, Vec<Problem>) {
    let (mut manifests, mut problems) = (Vec::new(), Vec::new());
    let source = Source {
        name: "f.yaml".to_owned(),
        text: text.to_owned(),
    };
    parse(source, &mut manifests, &mut problems);
    (manifests, problems)
}

fn names(text: &str) -> Vec<String> {
    let (mut manifests, problems) = parsed(text);
    assert!(problems.is_empty(), "{problems:?}");
    sort(&mut manifests);
    manifests
        .iter()
        .map(|it| format!("{} {}", it.gvk.kind, it.name()))
        .collect()
}

fn object(kind: &str, name: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
}

/// A problem, what it points at and what it advises, one line each.
fn told<'a>(problems: impl IntoIterator<Item = &'a Problem>, text: &str) -> String {
    let mut told = String::new();
    for problem in problems {
        let _ = writeln!(told, "{problem}");
        for label in problem.labels().into_iter().flatten() {
            let at = &text[label.offset()..label.offset() + label.len()];
            let _ = writeln!(told, "  {at:?}: {}", label.label().unwrap_or_default());
        }
        if let Some(help) = problem.help() {
            let _ = writeln!(told, "  help: {help}");
        }
    }
    told
}

#[test]
fn what_others_need_comes_first_and_the_rest_stays_in_order() {
    let kinds = [
        "CAPTCluster",
        "Cluster",
        "WorkspaceTemplate",
        "Secret",
        "Namespace",
        "CustomResourceDefinition",
    ];
    let documents: Vec<String> = kinds.iter().map(|kind| object(kind, "x")).collect();
    assert_eq!(
        names(&documents.join("---\n")),
        [
            "Namespace x",
            "CustomResourceDefinition x",
            "Secret x",
            "WorkspaceTemplate x",
            "CAPTCluster x",
            "Cluster x"
        ]
    );
}

#[test]
fn empty_documents_do_not_count_and_lists_are_taken_apart() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n\
                - {apiVersion: v1, kind: Secret, metadata: {name: b}}\n";
    let text = format!(
        "# a comment\n---\n\n--- # another\n{list}...\n---\n{}",
        object("ConfigMap", "c")
    );
    assert_eq!(names(&text), ["Secret a", "Secret b", "ConfigMap c"]);
    // As editors of other systems write it, and JSON as kubectl prints it.
    let windows = object("Secret", "w").replace('\n', "\r\n") + "---\r\n" + &object("Secret", "x");
    assert_eq!(names(&windows), ["Secret w", "Secret x"]);
    let json =
        "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Secret\",\n\t\"metadata\": {\"name\": \"j\"}\n}\n";
    assert_eq!(names(json), ["Secret j"]);
}

#[test]
fn each_mistake_is_told_with_its_place_and_none_hides_another() {
    let text = format!(
        "{}---\nkind: [\n---\nkind: Secret\nmetadata: {{name: y}}\n---\n# more\napiVersion: v1\nmetadata:\n  name: z\n---\n\
         apiVersion: v1\nkind: Secret\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: 7\n---\n- 1\n---\n\
         apiVersion: v1\nkind: List\n---\na: 1\na: 2\n",
        object("Secret", "good")
    );
    let (manifests, problems) = parsed(&text);
    assert_eq!(manifests.len(), 1, "what is right is read all the same");
    let told = told(&problems, &text);
    for wanted in [
        "f.yaml:6:7: not YAML: ",
        "f.yaml:8:1: this object has no apiVersion\n",
        "f.yaml:12:1: this object has no kind\n",
        "f.yaml:16:1: this Secret has no metadata.name\n",
        "f.yaml:22:9: metadata.name of this Secret is not a text\n  \"7\": this object\n  help: put it in quotes\n",
        "f.yaml:24:1: this is not an object of Kubernetes\n",
        "f.yaml:26:1: this list has no items\n",
        "f.yaml:30:1: not YAML: ",
    ] {
        assert!(told.contains(wanted), "{wanted:?} is missing in\n{told}");
    }
    assert_eq!(problems.len(), 8, "{told}");
}

/// A server with the definitions. That they are compiled takes time, so it is done once.
async fn server() -> ApiServer {
    static INSTALLED: OnceCell<World> = OnceCell::const_new();
    let world = INSTALLED.get_or_init(installed).await.clone();
    ApiServer::from_world(
        world,
        Clock::virtual_since("2026-01-01T00:00:00Z".parse().unwrap()),
    )
}

async fn installed() -> World {
    let server = ApiServer::new(Clock::virtual_since("2026-01-01T00:00:00Z".parse().unwrap()));
    let definitions = Api::all(server.client("default"));
    for definition in all_crds().iter().chain([&cluster_crd()]) {
        definitions
            .create(&PostParams::default(), definition)
            .await
            .unwrap();
    }
    server.world()
}

async fn checked(text: &str) -> String {
    let server = server().await;
    let before = server.world().revision();
    let (manifests, problems) = parsed(text);
    let result = check(&server, &manifests, "default", problems).await;
    assert_eq!(server.world().revision(), before, "a check writes nothing");
    match result {
        Ok(()) => String::new(),
        Err(problems) => told(problems.iter(), text),
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_is_found_in_the_file() {
    let text = "\
# Three that are wrong, and one that is not.
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: CAPTCluster
metadata:
  name: no-region
spec:
  vpcTemplateRef:
    name: vpc
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: good
data: {a: b}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: CAPTCluster
metadata:
  name: typo
spec:
  reigon: eu-west-1
  region: eu-west-1
  vpcTemplateRef:
    name: vpc
---
apiVersion: v1
kind: Secret
metadata:
  name: Not_A_Name
  namespace: default
";
    let told = checked(text).await;
    for wanted in [
        "f.yaml:6:1: CAPTCluster no-region is refused: ",
        "spec.region: Required value",
        "  \"spec\": Required value",
        "f.yaml:21:3: CAPTCluster typo is refused: spec.reigon: unknown field\n  \"reigon\": unknown field\n",
        "f.yaml:29:9: Secret Not_A_Name is refused: metadata.name: Invalid value: \"Not_A_Name\"",
    ] {
        assert!(told.contains(wanted), "{wanted:?} is missing in\n{told}");
    }
    assert_eq!(told.matches("is refused").count(), 3, "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_nobody_knows_comes_with_those_that_there_are() {
    let one = |api_version: &str, kind: &str| {
        format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\n")
    };
    let told = checked(&one("cluster.x-k8s.io/v1alpha1", "Cluster")).await;
    assert_eq!(
        told,
        "f.yaml:1:13: the API server knows no Cluster of cluster.x-k8s.io/v1alpha1\n  \"cluster.x-k8s.io/v1alpha1\": not \
         known\n  help: Cluster is served as apiVersion: cluster.x-k8s.io/v1beta2\n"
    );
    let told = checked(&one("controlplane.cluster.x-k8s.io/v1beta1", "CaptControlPlane")).await;
    assert!(
        told.contains("  \"CaptControlPlane\": not known\n  help: it is written CAPTControlPlane\n"),
        "{told}"
    );
    let told = checked(&one("controlplane.cluster.x-k8s.io/v1beta1", "Plane")).await;
    assert!(
        told.contains("controlplane.cluster.x-k8s.io has CAPTControlPlane, "),
        "{told}"
    );
    let told = checked(&one("example.org/v1", "Widget")).await;
    assert!(
        told.contains("help: apply the CustomResourceDefinition of this kind"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_same_files_counts_as_there() {
    let namespaced = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: other\n";
    let told = checked(namespaced).await;
    assert_eq!(
        told,
        "f.yaml:5:14: ConfigMap a: there is no namespace other\n  \"other\": not there\n  help: put a manifest of it beside \
         this one: {apiVersion: v1, kind: Namespace, metadata: {name: other}}\n"
    );
    let both = format!("{namespaced}---\n{}", object("Namespace", "other"));
    assert_eq!(checked(&both).await, "");
    let server = server().await;
    let applied = apply(&server.client("default"), parsed(&both).0, "default")
        .await
        .unwrap();
    assert_eq!(applied, [], "neither can become ready");
}

#[tokio::test(start_paused = true)]
async fn the_demo_is_complete_and_right() {
    let (mut manifests, mut problems) = (Vec::new(), Vec::new());
    for (name, text) in crate::demo::MANIFESTS {
        let source = Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        parse(source, &mut manifests, &mut problems);
    }
    let server = server().await;
    check(&server, &manifests, "default", problems).await.unwrap();
    let wanted = apply(&server.client("default"), manifests, "default")
        .await
        .unwrap();
    let titles: Vec<String> = wanted.iter().map(capt_picture::NodeKey::title).collect();
    assert_eq!(
        titles,
        ["Cluster/demo", "CAPTCluster/demo", "CAPTControlPlane/demo"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_starter_is_complete_and_right() {
    let (manifests, problems) = parsed(crate::demo::STARTER);
    let server = server().await;
    check(&server, &manifests, "default", problems).await.unwrap();
    let kinds: Vec<&str> = manifests.iter().map(|it| it.gvk.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "WorkspaceTemplate",
            "WorkspaceTemplate",
            "CAPTCluster",
            "CAPTControlPlane",
            "Cluster"
        ]
    );
}

fn inputs(files: &[&Path], recursive: bool) -> Inputs {
    Inputs {
        files: files.iter().map(|it| it.display().to_string()).collect(),
        recursive,
        kustomizations: Vec::new(),
    }
}

#[test]
fn directories_are_read_in_the_order_of_their_names_and_deeper_if_asked_for() {
    let place = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("b.yml", &object("Secret", "b"));
    write("a.yaml", &format!("\u{feff}{}", object("Secret", "a")));
    write(
        "c.json",
        r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c"}}"#,
    );
    write("notes.txt", "kind: [");
    write("deep/d.yaml", &object("Secret", "d"));
    let names = |recursive| {
        let (manifests, problems) = read(&inputs(&[place.path()], recursive));
        assert!(problems.is_empty(), "{problems:?}");
        manifests
            .iter()
            .map(|it| it.name().to_owned())
            .collect::<String>()
    };
    assert_eq!(names(false), "abc");
    assert_eq!(names(true), "abcd");
}

#[test]
fn what_cannot_be_read_is_told_once_for_each_and_with_what_to_do() {
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name);
    std::fs::write(path("empty.yaml"), "# nothing yet\n---\n").unwrap();
    std::fs::write(path("bytes.yaml"), [0xff, 0xfe]).unwrap();
    std::fs::create_dir(path("none")).unwrap();
    let message = |inputs: &Inputs| {
        let (_, problems) = read(inputs);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        told.join("\n")
            .replace(&place.path().display().to_string(), "PLACE")
    };
    assert_eq!(
        message(&inputs(&[&path("empty.yaml")], false)),
        "there is nothing to apply: no object in PLACE/empty.yaml"
    );
    assert_eq!(
        message(&inputs(
            &[&path("gone.yaml"), &path("bytes.yaml"), &path("none")],
            false
        )),
        "read PLACE/gone.yaml: No such file or directory (os error 2)\nread PLACE/bytes.yaml: it is not UTF-8 text\n\
         PLACE/none: no file in it ends in .yaml, .yml or .json"
    );
    let url = Inputs {
        files: vec!["https://example.org/a.yaml".to_owned()],
        ..Inputs::default()
    };
    assert_eq!(
        message(&url),
        "https://example.org/a.yaml: manifests are not fetched from the network"
    );
    let kustomization = Inputs {
        kustomizations: vec![path("none")],
        ..Inputs::default()
    };
    assert_eq!(
        message(&kustomization),
        "PLACE/none: there is no kustomization.yaml in it"
    );
}

#[test]
fn one_problem_speaks_for_itself_and_several_are_counted() {
    let one = Problems::from(Problem::new("that is wrong").help("mend it"));
    assert_eq!(one.to_string(), "that is wrong");
    assert_eq!(one.help().unwrap().to_string(), "mend it");
    assert!(one.related().is_none());
    let two = Problems::of(vec![Problem::new("a"), Problem::new("b")]).unwrap_err();
    assert_eq!(
        two.to_string(),
        "there are 2 problems with the manifests, and nothing was applied"
    );
    assert_eq!(two.related().unwrap().count(), 2);
}
