//! The scheduler in a world whose tasks do as they are told.

mod laws;
mod rolling;
mod world;
