//! `capt graph`: what depends on what, and what a change would touch.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use capt_picture::{Impact, NodeKey, NodeKind, Picture, summary};

use crate::cli::{ConnectionArgs, GraphArgs, GraphFormat};
use crate::connect::Session;
use crate::failure::Failure;
use crate::gather::{self, Events};
use crate::output;
use crate::svg;

/// Draws a cluster.
pub(crate) async fn run(connection: &ConnectionArgs, args: &GraphArgs) -> Result<ExitCode> {
    let session = Session::new(connection).await?;
    let gathered = gather::cluster(&session, &args.name, Events::Unwanted).await?;
    for gap in &gathered.gaps {
        output::note(&format!("not drawn: {gap}\n"))?;
    }
    for cycle in &gathered.picture.draw().cycles {
        output::note(&format!(
            "these wait for each other, so none of them can go on: {cycle}\n"
        ))?;
    }
    let text = match &args.impact {
        None => draw(&gathered.picture, args.output)?,
        Some(wanted) => impact(&gathered.picture, &gathered.cluster, wanted, args.output)?,
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A picture in one of the forms of a graph.
pub(super) fn draw(picture: &Picture, format: GraphFormat) -> Result<String> {
    let graph = picture.draw().graph;
    let view = |key: &NodeKey| picture.view(key);
    Ok(match format {
        GraphFormat::Text => graph.render_tree(|key| label(picture, key)),
        GraphFormat::Mermaid => graph.render_mermaid(view),
        GraphFormat::Dot => graph.render_dot(view),
        GraphFormat::Json => {
            let text = serde_json::to_string_pretty(&graph.view(view)).context("write the graph as JSON")?;
            format!("{text}\n")
        }
        GraphFormat::Svg => svg::render(&graph, view),
    })
}

fn label(picture: &Picture, key: &NodeKey) -> String {
    let status = picture.get(key).map(summary).unwrap_or_default();
    format!("{}  {status}", key.title()).trim_end().to_owned()
}

/// What a change of one object would touch.
pub(super) fn impact(
    picture: &Picture,
    cluster: &NodeKey,
    wanted: &str,
    format: GraphFormat,
) -> Result<String> {
    let drawing = picture.draw();
    let nodes: Vec<NodeKey> = drawing.graph.nodes().cloned().collect();
    let key = find(&nodes, cluster, wanted)?;
    let impact = Impact::of(picture, &drawing, &key);
    if format == GraphFormat::Text {
        return Ok(impact_text(picture, &key, &impact));
    }
    // What they need besides is not touched.
    let touched = picture.only(
        std::iter::once(&key)
            .chain(&impact.follows)
            .chain(&impact.depends),
    );
    draw(&touched, format)
}

/// The node that a person means.
fn find(nodes: &[NodeKey], cluster: &NodeKey, wanted: &str) -> Result<NodeKey, Failure> {
    let parts: Vec<&str> = wanted.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, None, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => ("", None, ""),
    };
    let is_meant = |key: &&NodeKey| {
        NodeKind::meant_by(kind) == Some(key.kind)
            && key.name == name
            && namespace.is_none_or(|namespace| key.namespace == namespace)
    };
    let found: Vec<&NodeKey> = nodes.iter().filter(is_meant).collect();
    // Of several with the same name, that of the Cluster's own namespace.
    let own = found.iter().find(|key| key.namespace == cluster.namespace);
    if let Some(key) = own.or(found.first()) {
        return Ok((*key).clone());
    }
    let known: Vec<String> = nodes
        .iter()
        .map(|key| format!("\n    {}", key.title_in(&cluster.namespace)))
        .collect();
    Err(Failure::NoSuchNode {
        wanted: wanted.to_owned(),
        help: format!("name one of these as KIND/NAME:{}", known.concat()),
    })
}

fn impact_text(picture: &Picture, key: &NodeKey, impact: &Impact) -> String {
    let lines = |keys: &[NodeKey]| {
        if keys.is_empty() {
            return "  nothing\n".to_owned();
        }
        let lines: Vec<String> = keys
            .iter()
            .map(|key| format!("  {}\n", label(picture, key)))
            .collect();
        lines.concat()
    };
    let planned = impact.follows.iter().any(|key| key.kind == NodeKind::Workspace);
    let plan = if planned {
        " (Terraform plans each TerraformWorkspace again)"
    } else {
        ""
    };
    format!(
        "{}\n\nis written from it, and changes with it{plan}:\n{}\ndepends on it, and waits or suffers with it:\n{}",
        label(picture, key),
        lines(&impact.follows),
        lines(&impact.depends),
    )
}
