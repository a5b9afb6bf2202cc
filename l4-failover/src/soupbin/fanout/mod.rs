//! One login for many: a port's own consumer takes the session in, and any number of others are served
//! from what is kept of it.
//!
//! The login is a [`Feed`](super::Feed)'s: a [bridge](super::bridge) to the lines, within the process, so
//! that failover, heartbeats, gaps and the end of the session are those of a consumer with lines of its
//! own. What it brings is copied once, into a ring of whole frames that is bounded by bytes and by
//! messages ([`HistoryLimits`]). Each consumer has a place in it, and pulls from there at the pace of its
//! own socket: nobody who is slow holds up the line, or anybody else. Whose next message is not kept any
//! more is cut, and may come back and ask for it.
//!
//! A number that is older than the ring is fetched by a line of the consumer's own, until it has come to
//! what is held: there the two are compared, byte for byte, and the line is left.
//!
//! What is held outlives the login, and ends with the session: the next login goes on with it, once what it
//! repeats was the same.
//!
//! - `history`, `login`, `settling`, `begin`, `nearer` are pure: what is kept, what a login is answered, since
//!   when what comes is new, where the next login of the port begins, and whether a consumer gets on;
//! - `tape` is a session that one writes and many read; `upstream` writes it, and `resume` compares before
//!   it goes on;
//! - `consumer` and `stage` are one consumer's connection, `catch_up` its own line.

mod asides;
mod begin;
mod catch_up;
mod consumer;
mod departure;
mod heard;
mod history;
mod login;
mod nearer;
mod options;
mod outgoing;
mod resume;
mod run;
mod settling;
mod shared;
mod stage;
mod tape;
#[cfg(test)]
mod tests;
mod upstream;
mod wakers;

pub use consumer::{Heard, Seen, Served, serve};
pub use departure::Departure;
pub use history::HistoryLimits;
pub use options::FanoutOptions;
pub use shared::{Fanout, FanoutStatus, Watch};
pub use tape::HistoryStatus;
