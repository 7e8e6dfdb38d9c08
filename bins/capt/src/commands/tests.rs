//! The commands against whole installations, in virtual time.

mod answers;
mod deletions;
mod graphs;
mod pages;
mod watching;
mod world;
