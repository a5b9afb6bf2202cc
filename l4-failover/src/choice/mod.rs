//! Who is active, and which endpoint a session goes to: pure, without socket or clock.

mod backoff;
mod balance;
mod carry;
mod endpoint;
mod event;
mod failover;
mod health;
mod hold_down;
mod pick;
mod policy;

// The public interface is:
pub use backoff::{Backoff, Jitter};
pub use balance::Request;
pub use carry::{AWAY_MAX, Memory, Out};
pub use endpoint::{Endpoint, Member, State};
pub use event::{
    Cause, Changes, Command, EndpointChange, Event, Move, MoveKind, OutChange, Refusal,
};
pub use failover::Choice;
pub use health::Health;
pub use pick::Pick;
pub use policy::{Balance, Dial, Failback, HealthPolicy, NoneHealthy, Policy, Sessions};
