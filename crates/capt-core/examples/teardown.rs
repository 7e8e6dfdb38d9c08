//! In which order to take down what is described in a JSON file: `{"nodes": {...}, "edges": {...}}` as
//! `capt graph -o json` prints it.
//!
//! `cargo run -p capt-core --example teardown -- graph.json`, or without a file for a graph of its own.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example reads its file and shows what it does"
)]

use std::error::Error;

use capt_core::graph::GraphView;

const DEMO: &str = r#"{
    "nodes": {
        "Cluster/demo": {"type": "Cluster", "name": "demo", "status": "Provisioned"},
        "ControlPlane/demo": {"type": "ControlPlane", "name": "demo", "status": "Ready"},
        "Workspace/eks": {"type": "Workspace", "name": "eks", "status": "Ready"},
        "Workspace/vpc": {"type": "Workspace", "name": "vpc", "status": "Ready"}
    },
    "edges": {
        "Cluster/demo": ["ControlPlane/demo", "Workspace/vpc"],
        "ControlPlane/demo": ["Workspace/eks"],
        "Workspace/eks": ["Workspace/vpc"],
        "Workspace/vpc": []
    }
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file)?,
        None => DEMO.to_owned(),
    };
    let view: GraphView = serde_json::from_str(&text)?;
    let loaded = view.load();
    for cycle in &loaded.refused {
        println!("left out, because it closes a cycle: {cycle}");
    }
    for (number, wave) in (1..).zip(loaded.graph.teardown_order()) {
        println!("{number}. {}", wave.join(", "));
    }
    Ok(())
}
