//! The scheduler within small bounds, and the mistakes that are planted in it.

mod laws;
mod mistakes;
