//! Where the records of the Amazon ECS API are kept.
//!
//! A [`Store`] shows its records at one moment ([`Snapshot`]), and takes a [`kecs_core::tx::Commit`] whole or not at
//! all, against what that commit expects. Commits are numbered by revisions and their events by sequence numbers,
//! both from one, without gap or repeat. What was acknowledged is durable, and every view that is opened afterwards
//! shows it.
//!
//! [`memory`] is for virtual time and for tests, [`sqlite`] for one server, `postgres` (a feature) for several, and
//! `duckdb` (a feature) for one whose records are to be analysed; [`cached`] goes in front of any.
//! [`check`](check::check), [`transfer`] and [`history`] work on any of them.

mod batch;
pub mod cached;
pub mod check;
mod codec;
mod data;
#[cfg(feature = "duckdb")]
pub mod duckdb;
mod error;
mod files;
mod group;
pub mod history;
mod lead;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
mod store;
pub mod transfer;

pub use error::{CommitError, StoreError};
pub use lead::Lead;
pub use store::{
    Committed, Fed, Feed, Floors, Head, KindCount, Logged, Pruned, Retention, Snapshot, Stats, Store, Stored,
    TermCount,
};
