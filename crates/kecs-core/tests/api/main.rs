//! The operations, from JSON to JSON, over records in memory.

mod world;

mod account_setting;
mod capacity_provider;
mod cluster;
mod paging;
mod tag;
