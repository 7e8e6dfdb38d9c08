//! Manifests: read, checked as a whole, put in an order that works, applied.
//!
//! # Guarantees
//!
//! Everything is read and checked before anything is applied, by the API server's own rules, on a copy of its world;
//! one mistake does not hide the others, and each is told with its place in its file.

mod apply;
mod excerpt;
mod files;
mod located;
mod problem;

use std::ops::Range;
use std::sync::Arc;

use kube::core::GroupVersionKind;
use serde_json::{Map, Value};

pub use self::apply::{apply, check};
pub use self::excerpt::Excerpt;
pub use self::files::Inputs;
pub use self::problem::{Problem, Problems, Source};

use self::located::{Segment, Spans};
use self::problem::Label;

/// One object of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its group, version and kind.
    pub gvk: GroupVersionKind,
    /// The object.
    pub object: Map<String, Value>,
    source: Arc<Source>,
    spans: Spans,
}

impl Manifest {
    /// Its name.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// The namespace that it names.
    pub fn namespace(&self) -> Option<&str> {
        self.text("namespace")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.object.get("metadata")?.get(key)?.as_str()
    }

    /// The file that it stands in.
    fn file(&self) -> &str {
        &self.source.name
    }
}

/// Reads everything that is named; with what is wrong with it, if anything is.
pub fn read(inputs: &Inputs) -> (Vec<Manifest>, Vec<Problem>) {
    let (sources, mut problems) = inputs.read();
    let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
    let mut manifests = Vec::new();
    for source in sources {
        parse(source, &mut manifests, &mut problems);
    }
    if manifests.is_empty() && problems.is_empty() {
        let problem = Problem::new(format!(
            "there is nothing to apply: no object in {}",
            names.join(", ")
        ));
        problems.push(problem.help("capt sandbox --template prints manifests to start from"));
    }
    (manifests, problems)
}

/// The objects of a text with one or more YAML documents. Empty documents are left out, lists are taken apart.
pub fn parse(source: Source, manifests: &mut Vec<Manifest>, problems: &mut Vec<Problem>) {
    let source = Arc::new(source);
    for range in documents(&source.text) {
        match located::read(&source.text, range.clone()) {
            Ok((value, spans)) => collect(value, spans, &source, manifests, problems),
            Err(mistake) => {
                let label = mistake.at.map(|at| Label {
                    at,
                    text: "here".to_owned(),
                });
                let label = label.unwrap_or_else(|| Label {
                    at: range.start..range.start,
                    text: "in this document".to_owned(),
                });
                problems.push(Problem::new(format!("not YAML: {}", mistake.message)).at(&source, [label]));
            }
        }
    }
}

/// The documents of a text that hold anything. A line that starts with `---` is a marker wherever it stands: YAML
/// allows it nowhere else, not even in a block of text.
fn documents(text: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([' ', '\t'])) {
            all.push(start..at);
            start = at + 3;
        }
        at += line.len();
    }
    all.push(start..at);
    let has_content = |range: &Range<usize>| {
        let mut lines = text[range.clone()].lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#') && line != "...")
    };
    all.into_iter().filter(has_content).collect()
}

fn collect(
    value: Value,
    spans: Spans,
    source: &Arc<Source>,
    manifests: &mut Vec<Manifest>,
    problems: &mut Vec<Problem>,
) {
    let mut wrong = |message: &str, path: &str, help: Option<&str>| {
        let label = spans.find(&located::path(path)).map(|at| Label {
            at,
            text: "this object".to_owned(),
        });
        let problem = Problem::new(message).at(source, label);
        problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    };
    let Value::Object(mut object) = value else {
        return wrong("this is not an object of Kubernetes", "", None);
    };
    let text = |object: &Map<String, Value>, key: &str| {
        let text = object.get(key).and_then(Value::as_str);
        text.filter(|it| !it.is_empty()).map(str::to_owned)
    };
    let (kind, version) = (text(&object, "kind"), text(&object, "apiVersion"));
    let (Some(kind), Some(version)) = (kind.clone(), version) else {
        let missing = if kind.is_none() { "kind" } else { "apiVersion" };
        let help = "every manifest begins with apiVersion, kind and metadata";
        return wrong(&format!("this object has no {missing}"), missing, Some(help));
    };
    if kind == "List" && version == "v1" {
        let Some(Value::Array(items)) = object.remove("items") else {
            return wrong("this list has no items", "items", None);
        };
        for (index, item) in items.into_iter().enumerate() {
            let path = [Segment::Key("items".to_owned()), Segment::Index(index)];
            collect(item, spans.below(&path), source, manifests, problems);
        }
        return;
    }
    let name = object.get("metadata").and_then(|it| it.get("name"));
    if name.and_then(Value::as_str).is_none_or(str::is_empty) {
        let message = match name {
            Some(Value::Number(_) | Value::Bool(_)) => format!("metadata.name of this {kind} is not a text"),
            Some(_) | None => format!("this {kind} has no metadata.name"),
        };
        let help = matches!(name, Some(Value::Number(_) | Value::Bool(_))).then_some("put it in quotes");
        return wrong(&message, "metadata.name", help);
    }
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    manifests.push(Manifest {
        gvk: GroupVersionKind::gvk(group, version, &kind),
        object,
        source: Arc::clone(source),
        spans,
    });
}

/// Puts what others need first; objects of one rank stay in the order in which they were written.
fn sort(manifests: &mut [Manifest]) {
    manifests.sort_by_key(|manifest| match manifest.gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => 0,
        "ServiceAccount" | "Secret" | "ConfigMap" => 1,
        "WorkspaceTemplate" | "CAPTClusterTemplate" | "CAPTControlPlaneTemplate" | "ClusterClass" => 2,
        _ => 3,
    });
}

#[cfg(test)]
mod tests;
