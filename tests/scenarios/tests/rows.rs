//! The rows of the table of situations: where they are kept, and that they can fail.

use std::path::PathBuf;

use capt_testing::{Part, Row, ends_as_fresh, fixture, simulate};

use crate::ready;

/// A row of the table: `id` names its file, `situation` and `does` are what people read.
pub(crate) fn row(part: Part, id: &'static str, situation: &'static str, does: &'static str) -> Row {
    Row {
        folder: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/rows")),
        part,
        id,
        situation,
        does,
    }
}

/// Whether a ready cluster is what these manifests would have become.
fn is_like(cluster: &str) {
    simulate(async {
        let world = ready().await;
        ends_as_fresh(&world, &[&fixture::templates(), cluster]).await;
    });
}

#[test]
fn a_fresh_start_with_the_same_manifests_is_the_same() {
    is_like(fixture::CLUSTER);
}

#[test]
#[should_panic(expected = "outputs/cluster_version: \"1.31\" here, \"1.32\" there")]
fn another_version_is_told_from_it() {
    is_like(&fixture::CLUSTER.replace("\"1.31\"", "\"1.32\""));
}

#[test]
#[should_panic(expected = "/retainVpcOnDelete: false here, true there")]
fn another_spec_is_told_from_it() {
    is_like(&fixture::CLUSTER.replace("retainVpcOnDelete: false", "retainVpcOnDelete: true"));
}
