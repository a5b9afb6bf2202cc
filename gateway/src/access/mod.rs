//! Who may: how much of the gateway one source of connections may take, and what it may reach.
//!
//! [`Sources`] is shared by the workers; what it does under its locks is pure, time is passed in.

mod doors;
mod ledger;
mod limits;
mod resting;
mod source;
mod sources;

#[cfg(test)]
mod tests;

// The public interface is:
pub use doors::{Denied, Doors};
pub use limits::{Rate, SourceLimits};
pub use source::Source;
pub use sources::{Excess, SOURCES_RESTING_MAX, Sources, Stay};
