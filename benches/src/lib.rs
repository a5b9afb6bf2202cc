//! Benchmarks that anyone can run.
//!
//! `cargo run --release -p benches -- gateway` runs the gateway, as a process of its own, between
//! clients and backends in this process, and says what a connection, a byte and an answer cost.
//! [`work`] is written against a [`proxy::Target`], an address and a process, so that every proxy
//! can be given the same work.
//!
//! `cargo run --release -p benches -- compare` gives the same work to HAProxy, nginx, Envoy, sniproxy
//! and the gateway, in turn, and says who does it for how much: [`compare`].
//!
//! `cargo run --release -p benches -- feed` kills and stops the primary of a feed, again and again,
//! behind a local port that carries its consumers on, and says how long they waited, what that cost,
//! and that nothing was lost: [`feed`].
//!
//! `cargo run --release -p benches -- sni` makes a capture of mixed traffic, and says how fast
//! `mesh-gateway sni -r` finds the names in it, beside tcpdump and tshark: [`sni`].
//!
//! `cargo bench -p benches` times single steps, [`micro`], and `cargo run --release -p benches -- gate`
//! counts their instructions beside those of an earlier commit: [`gate`].

pub mod backend;
pub mod bench;
pub mod child;
pub mod cli;
pub mod compare;
pub mod feed;
pub mod gate;
pub mod greeting;
pub mod interrupt;
pub mod loopback;
pub mod machine;
pub mod micro;
pub mod plan;
pub mod plot;
pub mod process;
pub mod progress;
pub mod proxy;
pub mod quantiles;
pub mod report;
pub mod sni;
pub mod syscalls;
pub mod wire;
pub mod work;
