//! Mistakes that only the real terraform can make, and how they are mended while everything goes on.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Ended, Place, Running, has, run};

const APPLY: &str = "wtapply/net";

/// A template with this module, which is given `name`, and an apply of it.
fn manifests(module: &str) -> String {
    let group = "infrastructure.cluster.x-k8s.io/v1beta1";
    let template = json!({
        "apiVersion": group, "kind": "WorkspaceTemplate", "metadata": { "name": "net", "namespace": "default" },
        "spec": { "template": { "spec": {
            "writeConnectionSecretToRef": { "name": "net-connection" },
            "forProvider": {
                "source": "Inline",
                "vars": [{ "key": "name", "value": "${name}" }],
                "module": module,
            },
        } } },
    });
    format!("{template}\n---\n{}", apply("demo"))
}

fn apply(value: &str) -> String {
    let apply = json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "WorkspaceTemplateApply",
        "metadata": { "name": "net", "namespace": "default" },
        "spec": { "templateRef": { "name": "net" }, "variables": { "name": value } },
    });
    format!("{apply}\n")
}

/// A sandbox with real terraform, and what kubectl says to it.
struct World {
    place: Place,
    sandbox: Running,
    kubeconfig: PathBuf,
}

impl World {
    fn start(module: &str) -> Self {
        let place = Place::new();
        let file = place.file("first.yaml", &manifests(module));
        let mut sandbox = Running::start(
            place
                .command("capt")
                .args(["sandbox", "--engine", "terraform", "-f"])
                .arg(file),
        );
        let kubeconfig = PathBuf::from(sandbox.line());
        Self {
            place,
            sandbox,
            kubeconfig,
        }
    }

    fn kubectl(&self, arguments: &[&str]) -> Ended {
        let ended = run(Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments));
        ended.check(ended.status.success(), &arguments.join(" "));
        ended
    }

    fn apply(&self, text: &str) {
        let file = self.place.file("next.yaml", text);
        let file = Path::new(&file).to_str().unwrap();
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file]);
    }

    fn wait(&self, state: &str) {
        let state = format!("--for=jsonpath={{.status.state}}={state}");
        self.kubectl(&["wait", &state, "--timeout=120s", APPLY]);
    }

    /// Waits until the output `name` is this, and applied.
    fn wait_for(&self, name: &str, wanted: &str) {
        let template = format!("go-template={{{{.data.{name} | base64decode}}}}");
        let mut had = String::new();
        // Each turn waits for the next change of the apply; a value takes a handful of them.
        for _ in 0..20 {
            self.kubectl(&["wait", "--for=condition=Ready", "--timeout=120s", APPLY]);
            let up_to_date = "--for=condition=UpToDate";
            self.kubectl(&["wait", up_to_date, "--timeout=120s", APPLY]);
            had = self
                .kubectl(&["get", "secret", "net-connection", "-o", &template])
                .stdout;
            if had == wanted {
                return;
            }
        }
        panic!("{} bytes arrived, and {} were sent", had.len(), wanted.len());
    }

    fn end(self) {
        self.sandbox.signal(Signal::INT);
        let _ = self.sandbox.end();
    }
}

const GOOD: &str = "variable \"name\" { type = string }\noutput \"name\" { value = var.name }\n";

/// The module fails with these words at this place, and is mended in its place.
fn fails_and_is_mended(broken: &str, state: &str, words: &[&str]) {
    if !has("kubectl") || !has("terraform") {
        return;
    }
    let world = World::start(broken);
    world.wait(state);
    let shown = world.kubectl(&["get", APPLY, "-o", "yaml"]);
    let events = world.kubectl(&["get", "events", "-o", "wide"]);
    let described = run(world.place.command("capt").args(["describe", "--help"]));
    described.check(described.status.success(), "there is no describe");
    for word in words {
        shown.check(shown.stdout.contains(word), word);
        events.check(events.stdout.contains(word), word);
    }
    shown.check(
        !shown.stdout.contains("main.tf"),
        "a file that nobody knows is named",
    );
    world.apply(&manifests(GOOD));
    world.wait_for("name", "demo");
    world.end();
}

#[test]
fn a_syntax_error_is_shown_where_it_is_and_mended_in_place() {
    fails_and_is_mended(
        "variable \"name\" { type = string }\noutput \"name\" {\n  value = var.name\n",
        "Failed",
        &[
            "Unclosed configuration block",
            "WorkspaceTemplate/net spec.template.spec.forProvider.module:2,",
        ],
    );
}

#[test]
fn a_failing_apply_is_shown_with_its_resource_and_mended_at_once() {
    fails_and_is_mended(
        "variable \"name\" { type = string }\nresource \"terraform_data\" \"net\" {\n  provisioner \"local-exec\" {\n    command = \"exit 1\"\n  }\n}\n",
        "Failed",
        &[
            "terraform_data.net",
            "exit status 1",
            "WorkspaceTemplate/net spec.template.spec.forProvider.module:3,",
        ],
    );
}

#[test]
fn hostile_values_arrive_byte_for_byte() {
    if !has("kubectl") || !has("terraform") {
        return;
    }
    let world = World::start(
        "variable \"name\" { type = string }\noutput \"name\" { value = var.name }\noutput \"quoted\" { value = \"${name}\" }\noutput \"heredoc\" {\n  value = <<-EOT\n    ${name}\n  EOT\n}\n",
    );
    let large = "0123456789 \"${x}\" %{ if y } 🦀\n".repeat(4_000);
    for value in [
        "\"quotes\" 'and' \\backslashes\\ ${var.name} $${x} %{ if true } %%{ $ % {}",
        "line\nline\r\n\ttab\nEOT\n  EOT\n\u{1}\u{7f} 🦀 漢字",
        &large,
    ] {
        world.apply(&apply(value));
        world.wait_for("name", value);
        world.wait_for("quoted", value);
        world.wait_for("heredoc", &format!("{value}\n"));
    }
    world.end();
}
