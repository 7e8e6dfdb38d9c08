//! The operations, from JSON to JSON, over records in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test ends where something is not as it says, and hands its JSON over"
)]

mod fixture;
mod world;

mod account_setting;
mod agent;
mod attribute;
mod capacity_provider;
mod cluster;
mod container_instance;
mod deployment;
mod examples;
mod execute;
mod list_tasks;
mod paging;
mod protection;
mod room;
mod run_task;
mod scheduled;
mod service_create;
mod service_read;
mod service_update;
mod start_task;
mod strategy;
mod table;
mod tag;
mod task;
mod task_definition;
mod task_set;
mod terms;
mod token;
mod told;
mod workload_examples;
