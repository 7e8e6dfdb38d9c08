//! The service scheduler of `kecs-core` under a model checker.
//!
//! The world is a service in the middle of its deployments, with tasks that come, run, fail, sicken and leave
//! ([`world`]). What can happen in it is in [`action`]; every round shows the world to the production `decide`
//! (`view`) and keeps what it says (`round`). What must hold is in [`law`]: laws of a round are held against each of
//! them, and from every world that is reached it is followed to where it comes to rest when nothing fails any more.
//!
//! That the laws find something is shown with [`mistake`]s that are planted on purpose.

pub mod action;
pub mod law;
pub mod mistake;
pub mod model;
mod rest;
mod round;
mod view;
pub mod world;

pub use model::{Found, explore};
