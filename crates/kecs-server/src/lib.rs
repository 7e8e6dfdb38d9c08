//! The Amazon ECS API on the wire.
//!
//! A request comes in over a connection ([`listen`]), is told apart from those for other services ([`wire`],
//! [`fallback`]), its signature is verified ([`sigv4`]) and its caller known and allowed ([`access`]); its operation is
//! decided and committed ([`api`]), and what came of it is written down ([`audit`]) and measured ([`metrics`]).

pub mod access;
pub mod admin;
pub mod api;
pub mod audit;
mod contention;
pub mod endpoint;
pub mod events;
pub mod fallback;
pub mod listen;
pub mod measured;
pub mod meter;
pub mod metrics;
pub mod profile;
pub mod request_id;
pub mod server;
pub mod sigv4;
pub mod traced;
pub mod upkeep;
pub mod wire;
