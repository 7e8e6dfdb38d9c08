//! The operations, from JSON to JSON, over records in memory.

mod fixture;
mod world;

mod account_setting;
mod agent;
mod attribute;
mod capacity_provider;
mod cluster;
mod container_instance;
mod deployment;
mod execute;
mod list_tasks;
mod paging;
mod protection;
mod run_task;
mod service_create;
mod service_read;
mod service_update;
mod start_task;
mod tag;
mod task;
mod task_definition;
mod task_set;
