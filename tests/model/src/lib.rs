//! The decisions of `capt-core` under a model checker.
//!
//! The world is a control plane, a cluster with its VPC, and their two workspaces ([`world`]). What can happen in it
//! is in [`action`]; every round of an object asks the production `assess` and `decide` and carries out what they say
//! (`round`). What must hold is in [`law`]: laws of a single round are held against each of them (`check`), and
//! from every world that is reached it is followed to where it comes to rest when it is left alone, when it is mended,
//! and when everything is deleted (`rest`).
//!
//! That the laws find something is shown with [`mistake`]s that are planted on purpose.

pub mod action;
mod check;
mod choice;
mod kept;
pub mod law;
pub mod manner;
pub mod memo;
pub mod mistake;
pub mod model;
mod observe;
mod rest;
mod round;
mod sound;
mod story;
mod walk;
pub mod world;

pub use model::{Begin, Bound, Decisions, Found, Search, explore, reached};
pub use sound::{remembers_another, tells_apart};
pub use story::story;
