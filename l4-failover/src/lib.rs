//! Keeps a primary and backups for plain TCP: sockets, relaying and the choice of an endpoint.
//!
//! The gateway and the local port stand on this library. It owns the sockets: [`socket`] listens,
//! connects and relays; [`Pool`] dials the endpoints of one destination in their order. [`config`]
//! reads files and says every mistake at once; [`life`] is how a process starts, reloads and ends;
//! [`admin`] serves operators, and nobody else;
//! [`client`] is how they speak to a running process; [`process`] keeps the log and answers
//! signals; [`metrics`] and [`outcome`] count what happens.
//!
//! The rest is the program `l4-failover`: [`settings`] is its file, [`port`] what it does with a
//! connection, [`app`] puts all together.

pub mod admin;
pub mod app;
pub mod choice;
pub mod cli;
pub mod client;
pub mod config;
mod error;
pub mod life;
pub mod metrics;
pub mod outcome;
mod pool;
pub mod port;
pub mod probe;
pub mod process;
pub mod settings;
pub mod socket;
pub mod soupbin;
mod target;

// The public interface is, besides the modules:
pub use pool::{
    Addresses, Attempt, AttemptError, BuildError, CommandError, Connected, Cut, DialError,
    DialLimits, Dialling, Endpoint, EndpointOptions, EndpointStatus, Events, Happened, LastCheck,
    Lease, Leased, LedNowhere, LineNews, LineTimes, Past, Pool, PoolBuilder, PoolEvent,
    PoolOptions, PoolStatus, Prepared, Reach, Recall, Recalls, Retired, StateFileError, TierName,
    TierStatus, Upkeep,
};
pub use target::{Host, Target, TargetError};
