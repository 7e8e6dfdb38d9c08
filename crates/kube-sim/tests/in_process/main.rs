//! The server through a real `kube::Client` and `kube::runtime::watcher`, in virtual time.

mod support;

mod apply;
mod builtin;
mod collection;
mod faults;
mod forms;
mod lifecycle;
mod versions;
mod watching;
