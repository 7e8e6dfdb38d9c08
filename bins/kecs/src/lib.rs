//! The KECS server as a program: settings, the server and the commands around it.

mod cli;
pub mod config;
mod events;
mod logs;
pub mod process;
mod serve;
pub mod settings;
mod store;

pub use cli::command;
