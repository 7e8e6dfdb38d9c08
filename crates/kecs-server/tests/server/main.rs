//! A server over real sockets.

mod auth;
mod events;
mod operate;
mod support;
mod wire;
