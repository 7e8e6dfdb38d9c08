//! How a controller runs: driver, queue, caches, plan interpreter, status reporter, events, clock.
