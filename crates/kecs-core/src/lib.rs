//! The Amazon ECS API as pure decisions.
//!
//! An operation reads through a [`view::View`] and writes into a [`tx::Tx`], which ends in a [`tx::Commit`]: what is to
//! change, what it rests upon, and the events that come of it. Nothing here has a clock, randomness or I/O; time and
//! ids come with the [`call::Call`].

pub mod api;
pub mod arn;
pub mod call;
pub mod deployment;
pub mod event;
pub mod key;
pub mod lifecycle;
pub mod placement;
pub mod plane;
pub mod record;
pub mod scheduler;
pub mod task;
pub mod task_definition;
pub mod tx;
pub mod view;
