//! `capt graph`: what depends on what.

use std::process::ExitCode;

use anyhow::{Context, Result};
use capt_picture::{NodeKey, Picture, summary};

use crate::cli::{GraphArgs, GraphFormat};
use crate::connect::picture_of;
use crate::output;

/// Draws a cluster.
pub(crate) async fn run(args: &GraphArgs) -> Result<ExitCode> {
    let (picture, _) = picture_of(&args.cluster).await?;
    output::print(&render(&picture, args.output)?)?;
    Ok(ExitCode::SUCCESS)
}

fn render(picture: &Picture, format: GraphFormat) -> Result<String> {
    let graph = picture.graph().context("the objects wait for each other")?;
    let view = |key: &NodeKey| picture.view(key);
    Ok(match format {
        GraphFormat::Text => graph.render_tree(|key| {
            let status = picture.get(key).map(summary).unwrap_or_default();
            format!("{}  {status}", key.title())
        }),
        GraphFormat::Mermaid => graph.render_mermaid(view),
        GraphFormat::Dot => graph.render_dot(view),
        GraphFormat::Json => {
            let text = serde_json::to_string_pretty(&graph.view(view)).context("write the graph as JSON")?;
            format!("{text}\n")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::describe::fixture;

    #[test]
    fn a_cluster_is_drawn_in_four_forms() {
        let picture = fixture("provisioning.yaml");
        for (format, file) in [
            (GraphFormat::Text, "graph.txt"),
            (GraphFormat::Mermaid, "graph.mmd"),
            (GraphFormat::Dot, "graph.dot"),
            (GraphFormat::Json, "graph.json"),
        ] {
            output::golden(
                &format!("tests/golden/{file}"),
                &render(&picture, format).unwrap(),
            );
        }
    }
}
