//! What a person reads about a cluster: its objects as data, how they belong together, and the pages and lines
//! that are made from them.
//!
//! - [`Node`] is one object, as far as it is shown; [`Picture`] a set of them.
//! - [`tree`] puts a picture in order, [`status_text`] says on one line how an object stands.
//! - [`advise`] says what a person has to do next, or why nothing.
//! - [`Page`] is the whole page about a cluster, as data of a stable shape and as text.
//!
//! # Guarantees
//!
//! Pure, and a function of the objects and of the given time alone: the same objects give the same page, in
//! whatever order they came. No secret value is in it. What others have written (messages of Terraform, of
//! conditions, of Events) is brought into form before it is shown: it cannot break a line, a tree or a terminal.

pub mod advice;
mod impact;
mod key;
mod node;
pub mod page;
mod picture;
mod read;
mod text;
mod tree;
mod words;

pub use advice::{Advice, advise, missing, next_step};
pub use impact::Impact;
pub use key::{NodeKey, NodeKind};
pub use node::{Attempts, Failure, Node, Operation, Pause, Reference, Run, Said, Waiting};
pub use page::{Happening, Options, Page};
pub use picture::{Drawing, Picture};
pub use text::{status_text, summary};
pub use tree::{Branch, tree};

#[cfg(test)]
mod tests;
