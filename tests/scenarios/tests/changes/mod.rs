//! Changes in flight: whatever is changed while something goes on, it ends as a fresh start with the final manifests
//! would, with as few runs of Terraform as can be.

use capt_testing::{Part, Row};

mod upgrade;

fn row(id: &'static str, situation: &'static str, does: &'static str) -> Row {
    crate::rows::row(Part::Changes, id, situation, does)
}
