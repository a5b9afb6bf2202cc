//! What `mesh-gateway sni` sees, beside what tshark sees: hellos of clients that nobody here wrote, over
//! cables of the test's own.
//!
//! Both are asked for the hellos of one capture, which must be the same ones: when they were complete,
//! addresses, name, version, protocols, and JA3 with its text, which is the cipher suites, extensions
//! and groups. Where the two differ by design, a comment says why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod carriers;
mod clients;
mod datagrams;
mod disorder;
mod feed;
mod forms;
mod hellos;
mod names;
mod quic;
mod rewrite;
mod world;
