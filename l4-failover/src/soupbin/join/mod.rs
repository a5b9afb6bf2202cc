//! Joining lines: how a consumer is carried from one line to the next at exactly the message that
//! it waits for.

mod options;

pub use options::{COMPARED, JoinOptions, LineOptions, OnGap, OnUnverified, Unsequenced};
