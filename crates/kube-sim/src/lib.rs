//! An in-memory Kubernetes API server for tests and sandboxes.

mod fields;
mod openapi;
mod patch;
mod schema;
mod server;
mod table;
mod world;

pub use server::{
    After, ApiServer, Before, Call, Clock, Counters, Entry, Hooks, ResponseBody, Running, ServeError,
    serve_https, write_kubeconfig,
};
pub use world::{Conversion, FieldError, GroupResource, StatusError, World};
