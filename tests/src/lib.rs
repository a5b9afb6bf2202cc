//! What the whole-system tests share.

// Whatever is wrong here fails the test that asked for it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod browser;
pub mod client;
pub mod config;
pub mod consumer;
pub mod counted;
pub mod endpoint;
pub mod events;
pub mod feed;
pub mod fifo;
pub mod figures;
pub mod hello;
pub mod http;
pub mod load;
pub mod namespace;
pub mod oracle;
pub mod page;
pub mod payload;
pub mod peers;
pub mod pki;
pub mod ports;
pub mod process;
pub mod service;
pub mod terminator;
pub mod wire;
