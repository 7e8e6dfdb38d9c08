//! The cases, grouped by what they are about.

mod commits;
mod events;
mod lists;
mod whole;

pub(crate) use commits::*;
pub(crate) use events::*;
pub(crate) use lists::*;
pub(crate) use whole::*;
