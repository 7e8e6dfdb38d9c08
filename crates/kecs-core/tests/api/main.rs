//! The operations, from JSON to JSON, over records in memory.

mod world;

mod account_setting;
mod agent;
mod attribute;
mod capacity_provider;
mod cluster;
mod container_instance;
mod paging;
mod tag;
mod task_definition;
