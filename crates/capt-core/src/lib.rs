#![doc = include_str!("../README.md")]
//!
//! ## How it is put together
//!
//! A round of a controller is `observe -> assess -> decide -> execute -> report`; this crate is the two
//! verbs in the middle. *Mechanisms* are generic and know no subject. [`lifecycle`] is the one table of states that
//! the *subjects* share; [`control_plane`], [`cluster`], [`template_apply`] and [`workspace`] say what a control
//! plane, a cluster, a template apply and a workspace are made of.

pub mod absence;
pub mod advance;
pub mod cluster;
pub mod condition;
pub mod control_plane;
pub mod decision;
pub mod estimate;
pub mod fault;
pub mod graph;
pub mod health;
pub mod lifecycle;
pub mod loss;
pub mod machine;
pub mod object;
pub mod plan;
pub mod progress;
pub mod record;
pub mod recovery;
pub mod retry;
pub mod revision;
pub mod template_apply;
pub mod trend;
pub mod wait;
pub mod workspace;
