//! Logs, metrics and the endpoints that a cluster asks: set up in one place.
//!
//! Nothing here knows a subject: whoever measures says its names. Durations and times come in as values,
//! no clock is read.

pub mod endpoints;
pub mod logs;
pub mod metrics;

pub use endpoints::router;
pub use logs::{LogFormat, init};
pub use metrics::{Metrics, ObjectLabels};
