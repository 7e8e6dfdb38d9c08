//! The scheduler in a world whose tasks do as they are told.

mod back;
mod counts;
mod crowds;
mod endings;
mod laws;
mod rolling;
mod sets;
mod world;
