//! A feed's consumers on a local port, carried from line to line: over real processes and sockets,
//! whatever goes wrong with the feeds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chaos;
mod checks;
mod consumers;
mod endings;
mod fan;
mod fan_faults;
mod fan_logins;
mod fan_reloads;
mod faults;
mod hot;
mod hot_differs;
mod hot_kills;
mod kills;
mod lines;
mod load;
mod logins;
mod operators;
mod tls;
mod unnumbered;
mod world;
