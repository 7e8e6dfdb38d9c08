//! Whole lives of subjects, driven through `assess` and `decide` alone: snapshots in, transcript out.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]
#![allow(
    clippy::unnecessary_wraps,
    reason = "fixtures have the type of the field that they fill"
)]

mod applies;
mod clusters;
mod control_planes;
mod life;
mod workspaces;
