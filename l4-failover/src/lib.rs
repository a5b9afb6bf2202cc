//! Keeps a primary and backups for plain TCP: sockets, relaying and the choice of an endpoint.
//!
//! The gateway and the local port stand on this library. It owns the sockets: [`socket`] listens,
//! connects and relays; [`Pool`] dials the endpoints of one destination in their order.

mod pool;
pub mod socket;

pub use pool::{
    Attempt, AttemptError, Connected, DialLimits, Endpoint, EndpointError, Exhausted, Lease, Pool,
};
