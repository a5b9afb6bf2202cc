//! Benchmarks of the gateway that anyone can run.
//!
//! `cargo run --release -p benches -- gateway` runs the gateway, as a process of its own, between
//! clients and backends in this process, and says what a connection, a byte and an answer cost.
//! [`work`] is written against a [`proxy::Target`], an address and a process, so that every proxy
//! can be given the same work.

pub mod backend;
pub mod bench;
pub mod cli;
pub mod machine;
pub mod plan;
pub mod process;
pub mod proxy;
pub mod report;
pub mod syscalls;
pub mod wire;
pub mod work;
