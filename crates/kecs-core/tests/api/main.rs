//! The operations, from JSON to JSON, over records in memory.

mod fixture;
mod world;

mod account_setting;
mod capacity_provider;
mod cluster;
mod execute;
mod list_tasks;
mod paging;
mod protection;
mod run_task;
mod start_task;
mod tag;
mod task;
mod task_definition;
