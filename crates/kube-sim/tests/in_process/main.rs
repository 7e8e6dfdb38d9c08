//! The server through a real `kube::Client` and `kube::runtime::watcher`, in virtual time.

mod support;

mod apply;
mod collection;
mod lifecycle;
mod watching;
