//! TLS over real sockets and real files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authority;
mod client;
mod peer;
