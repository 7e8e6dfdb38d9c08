//! The whole controller against an API server in process, in virtual time.

mod harness;

mod inputs;
mod lifecycle;
mod removal;
mod restart;
mod state;
