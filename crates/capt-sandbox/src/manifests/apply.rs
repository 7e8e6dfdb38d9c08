//! Manifests, checked and applied by the API server.

use capt_picture::{NodeKey, NodeKind};
use kube::api::{Patch, PatchParams};
use kube::core::{DynamicObject, Status};
use kube::discovery::{ApiCapabilities, ApiResource, Discovery, Scope, pinned_kind};
use kube::{Api, Client, ResourceExt};
use kube_sim::ApiServer;

use super::located::path;
use super::problem::{Label, Problem, Problems};
use super::{Manifest, sort};

/// Who applies.
const FIELD_MANAGER: &str = "capt-sandbox";

/// Says what a server would refuse of these manifests, in the order of their files. Nothing is written: it is tried on
/// a copy of the server's world. `before` was wrong already.
pub async fn check(
    server: &ApiServer,
    manifests: &[Manifest],
    default_namespace: &str,
    before: Vec<Problem>,
) -> Result<(), Problems> {
    let copy = ApiServer::from_world(server.world(), server.clock().clone());
    let client = copy.client(default_namespace);
    let mut sorted = manifests.to_vec();
    sort(&mut sorted);
    let mut problems = before;
    for manifest in &sorted {
        if let Err(problem) = apply_one(&client, manifest, default_namespace).await {
            problems.push(*problem);
        }
    }
    // What has no place comes first, then file by file.
    let files: Vec<&str> = manifests.iter().map(Manifest::file).collect();
    problems.sort_by_key(|problem| {
        let (file, start) = problem.position();
        let file = file.map(|file| files.iter().position(|it| *it == file).unwrap_or(files.len()));
        (file, start)
    });
    Problems::of(problems)
}

/// Applies all of them in an order that works, each in its namespace or in `default_namespace`; returns the objects
/// that can become ready.
pub async fn apply(
    client: &Client,
    mut manifests: Vec<Manifest>,
    default_namespace: &str,
) -> Result<Vec<NodeKey>, Problems> {
    sort(&mut manifests);
    let mut wanted = Vec::new();
    for manifest in &manifests {
        let applied = apply_one(client, manifest, default_namespace).await;
        let applied = applied.map_err(|problem| Problems::from(*problem))?;
        let kind = NodeKind::of(&manifest.gvk.kind);
        if let Some(kind) = kind.filter(|kind| kind.has_state()) {
            wanted.push(NodeKey::new(
                kind,
                applied.namespace().unwrap_or_default(),
                applied.name_any(),
            ));
        }
    }
    Ok(wanted)
}

async fn apply_one(
    client: &Client,
    manifest: &Manifest,
    default_namespace: &str,
) -> Result<DynamicObject, Box<Problem>> {
    let (resource, capabilities) = kind_of(client, manifest).await?;
    let namespace = manifest.namespace().unwrap_or(default_namespace);
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    };
    let params = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
    let patch = Patch::Apply(&manifest.object);
    match api.patch(manifest.name(), &params, &patch).await {
        Ok(applied) => Ok(applied),
        Err(kube::Error::Api(status)) => Err(Box::new(refused(manifest, namespace, &status))),
        Err(other) => {
            let message = format!("apply {} {}: {other}", manifest.gvk.kind, manifest.name());
            Err(Box::new(problem_at(manifest, message, &[("", "this object")])))
        }
    }
}

async fn kind_of(
    client: &Client,
    manifest: &Manifest,
) -> Result<(ApiResource, ApiCapabilities), Box<Problem>> {
    let gvk = &manifest.gvk;
    let error = match pinned_kind(client, gvk).await {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let is_unknown = match &error {
        kube::Error::Api(status) => status.code == 404,
        other => matches!(other, kube::Error::Discovery(_)),
    };
    if !is_unknown {
        let message = format!("ask the API server about {}: {error}", gvk.kind);
        return Err(Box::new(Problem::new(message)));
    }
    let version = gvk.api_version();
    let message = format!("the API server knows no {} of {version}", gvk.kind);
    let (label, help) = match Discovery::new(client.clone()).run().await {
        Ok(discovery) => suggestion(&discovery, manifest),
        Err(_) => ("kind", String::new()),
    };
    let problem = problem_at(manifest, message, &[(label, "not known")]);
    Err(Box::new(if help.is_empty() {
        problem
    } else {
        problem.help(help)
    }))
}

/// Which field is probably wrong, and what could stand there.
fn suggestion(discovery: &Discovery, manifest: &Manifest) -> (&'static str, String) {
    let gvk = &manifest.gvk;
    let known: Vec<ApiResource> = discovery
        .groups()
        .flat_map(kube::discovery::ApiGroup::recommended_resources)
        .map(|(resource, _)| resource)
        .collect();
    if let Some(same) = known.iter().find(|it| it.kind == gvk.kind) {
        return (
            "apiVersion",
            format!("{} is served as apiVersion: {}", same.kind, same.api_version),
        );
    }
    if let Some(same) = known.iter().find(|it| it.kind.eq_ignore_ascii_case(&gvk.kind)) {
        return ("kind", format!("it is written {}", same.kind));
    }
    let mut siblings: Vec<&str> = known
        .iter()
        .filter(|it| it.group == gvk.group && !gvk.group.is_empty())
        .map(|it| it.kind.as_str())
        .collect();
    siblings.sort_unstable();
    if siblings.is_empty() {
        let help = "apply the CustomResourceDefinition of this kind with it";
        return ("apiVersion", help.to_owned());
    }
    ("kind", format!("{} has {}", gvk.group, siblings.join(", ")))
}

/// What the API server has against an object.
fn refused(manifest: &Manifest, namespace: &str, status: &Status) -> Problem {
    let what = format!("{} {}", manifest.gvk.kind, manifest.name());
    let causes = status
        .details
        .as_ref()
        .map(|it| it.causes.as_slice())
        .unwrap_or_default();
    let mut fields: Vec<(String, String)> = causes
        .iter()
        .filter(|cause| !cause.field.is_empty() && cause.field != "<nil>")
        .map(|cause| (cause.field.clone(), cause.message.clone()))
        .collect();
    if fields.is_empty() {
        fields = unknown_fields(&status.message);
    }
    if status.code == 404 && status.message.contains("namespaces") {
        let message = format!("{what}: there is no namespace {namespace}");
        return problem_at(manifest, message, &[("metadata.namespace", "not there")]).help(format!(
            "put a manifest of it beside this one: {{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}"
        ));
    }
    if fields.is_empty() {
        let message = format!("{what} is refused: {}", status.message);
        return problem_at(manifest, message, &[("", "this object")]);
    }
    let said: Vec<String> = fields
        .iter()
        .map(|(field, message)| format!("{field}: {message}"))
        .collect();
    let labels: Vec<(&str, &str)> = fields
        .iter()
        .map(|(field, message)| (field.as_str(), message.as_str()))
        .collect();
    problem_at(
        manifest,
        format!("{what} is refused: {}", said.join("; ")),
        &labels,
    )
}

/// The fields that a message of strict validation names, each with what is wrong with it.
fn unknown_fields(message: &str) -> Vec<(String, String)> {
    let quoted = |word: &'static str| {
        let parts = message.split(&format!("{word} \"")).skip(1).collect::<Vec<_>>();
        parts
            .into_iter()
            .filter_map(move |part| Some((part.split_once('"')?.0.to_owned(), word.to_owned())))
            .collect::<Vec<_>>()
    };
    let mut found = quoted("unknown field");
    found.extend(quoted("duplicate field"));
    // Apply compares with the schema before anything else, and says it in its own words.
    for part in message.split(": field not declared in schema") {
        let field = part.rsplit([' ', ',', '\n', '[']).next().unwrap_or_default();
        if field.starts_with('.') && message.contains("field not declared in schema") {
            found.push((
                field.trim_start_matches('.').to_owned(),
                "unknown field".to_owned(),
            ));
        }
    }
    found.dedup();
    found
}

/// A problem with these fields of a manifest.
fn problem_at(manifest: &Manifest, message: String, fields: &[(&str, &str)]) -> Problem {
    let labels = fields.iter().filter_map(|(field, text)| {
        let path = path(field);
        let is_unknown = *text == "unknown field";
        let at = manifest
            .spans
            .find_key(&path)
            .filter(|_| is_unknown)
            .or_else(|| manifest.spans.find(&path))?;
        Some(Label {
            at,
            text: (*text).to_owned(),
        })
    });
    Problem::new(message).at(&manifest.source, labels)
}
