//! TLS over real sockets and real files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authority;
mod bounds;
mod client;
mod line;
mod log;
mod peer;
mod relay;
mod reload;
mod server;
