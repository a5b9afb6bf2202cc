//! Keeps a primary and backups for plain TCP: sockets, relaying and the choice of an endpoint.
//!
//! The gateway and the local port stand on this library. It owns the sockets: [`socket`] listens,
//! connects and relays; [`Pool`] dials the endpoints of one destination in their order. [`config`]
//! reads files and says every mistake at once; [`admin`] serves operators, and nobody else;
//! [`client`] is how they speak to a running process; [`process`] keeps the log and answers
//! signals.

pub mod admin;
pub mod choice;
pub mod client;
pub mod config;
mod pool;
pub mod probe;
pub mod process;
pub mod socket;
mod target;

// The public interface is, besides the modules:
pub use pool::{
    Addresses, Attempt, AttemptError, BuildError, CommandError, Connected, Cut, DialError,
    DialLimits, Endpoint, EndpointOptions, EndpointStatus, Events, Happened, LastCheck, Lease,
    Pool, PoolBuilder, PoolEvent, PoolOptions, PoolStatus, StateFileError, TierName, TierStatus,
    Upkeep,
};
pub use target::{Host, Target, TargetError};
