//! What the fuzz targets hold the decision core against. The tests of `capt-core` replay their corpus.

pub mod decide;
pub mod graph;
pub mod recovery;
pub mod seen;
