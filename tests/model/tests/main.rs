//! The decisions within a small bound, and the mistakes that are planted in them.

mod laws;
mod mistakes;
mod sound;
