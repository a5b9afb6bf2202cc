//! Keeps a primary and backups for plain TCP: sockets, relaying and the choice of an endpoint.
//!
//! The gateway and the local port stand on this library. It owns the sockets: [`socket`] listens,
//! connects and relays; [`Pool`] dials the endpoints of one destination in their order. [`config`]
//! reads files and says every mistake at once; [`admin`] serves operators, and nobody else.

pub mod admin;
pub mod config;
mod pool;
pub mod socket;
mod target;

// The public interface is, besides the modules:
pub use pool::{Attempt, AttemptError, Connected, DialLimits, Endpoint, Exhausted, Lease, Pool};
pub use target::{Host, Target, TargetError};
