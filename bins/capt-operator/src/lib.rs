//! The operator as a program: arguments, connections and endpoints around the controllers.

mod args;
mod endpoints;
mod engine;
mod metrics;
mod process;
mod run;

pub use args::{Args, LogArgs};
pub use engine::{Chosen, EngineArgs, EngineName, Fallback, choose};
pub use process::{init_logs, install_tls, report, stop_signal};
pub use run::run;
