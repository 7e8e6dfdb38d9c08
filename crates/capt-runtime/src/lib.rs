//! How a controller runs: one driver for every controller, and nothing of what any of them is about.
//!
//! A controller is a [`Subject`]: five verbs over one kind of object. The runtime owns the loop around them:
//!
//! ```text
//! watch event -> key -> observe (Subject, through a View) -> decide (Subject, pure)
//!             -> execute the plan (interpreter, through a Writer) -> one status patch -> events -> requeue
//! ```
//!
//! # Guarantees
//!
//! - The same key is never worked on twice at once; at most `workers` rounds run together.
//! - What a round reads wakes it: every read through a [`View`], also of an object that does not exist,
//!   makes later changes of it start a new round.
//! - A round never decides on a state older than the writes this process made itself: it is parked until
//!   the watch has caught up, and after a bounded time asks the API server.
//! - A converged object is silent: no write, and no read that the caches do not answer.
//! - Under tokio's paused time, with a [`Clock`] derived from it, the sequence of requests is a function of
//!   the inputs. Nothing here reads the wall clock (but [`Clock::system`]), a random source or the environment.
//!
//! # Assumptions
//!
//! The clients of one process share one [`Driver`]: reads that must not be older than own writes are known
//! only for writes made through its [`Writer`]s.

mod cache;
mod driver;
mod events;
mod fault;
mod health;
mod interest;
mod interpreter;
mod key;
mod metrics;
mod own_writes;
mod queue;
mod round;
mod status;
mod store;
mod subject;
mod unreadable;
mod view;
mod watch;
mod writer;

pub use clock::Clock;
pub use driver::{Driver, DriverBuilder};
pub use fault::kube_fault;
pub use health::{Health, KindHealth, Standing};
pub use interpreter::{Actuator, execute};
pub use key::ObjectKey;
pub use metrics::{Metrics, NoMetrics, RoundOutcome};
pub use subject::{Kind, Subject};
pub use view::View;
pub use writer::Writer;
