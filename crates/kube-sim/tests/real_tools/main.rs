//! The server over HTTPS, asked by the real kubectl and the real terraform.

mod support;

mod kubectl;
mod terraform;
