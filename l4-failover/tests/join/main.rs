//! Consumers that are carried from line to line, against simulated servers: whatever those do, the
//! consumer's stream is exactly the feed, or it is cut with the reason; and it is not cut where a
//! line could have carried on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chaos;
mod consumer;
mod faults;
mod feed;
mod happenings;
mod hot;
mod server;
mod watch;
mod world;
