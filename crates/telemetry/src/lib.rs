//! Logs and metrics, set up in one place.
