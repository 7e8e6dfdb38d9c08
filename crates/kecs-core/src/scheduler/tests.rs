//! The scheduler in a world whose tasks do as they are told.

mod back;
mod counts;
mod crowds;
mod daemon;
mod drains;
mod endings;
mod fleet;
mod laws;
mod made;
mod records;
mod rolling;
mod sets;
mod world;
