//! The programs as people run them, with real terraform and kubectl where they are needed.
//!
//! Nothing here waits for a fixed time: a test reads what the programs say until they say what it waits for.

mod adoption;
mod harness;
mod kubectl;
mod sandbox;
