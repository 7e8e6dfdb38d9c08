//! Where writes are kept.

use std::io;

use crate::world::World;

/// Keeps what is written to a world, such as [`WorldFile`](crate::WorldFile).
pub trait Journal: Send {
    /// Keeps what was written to `world` since its revision was `before`: one request and all that followed from it.
    /// Nobody sees the writes until this has returned; if it fails, they have not happened.
    fn commit(&mut self, before: u64, world: &World) -> io::Result<()>;
}
