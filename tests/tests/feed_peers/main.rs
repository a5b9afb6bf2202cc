//! Feeds with peers that nobody here wrote: consumers, servers, and judges of frames and messages.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consumers;
mod frames;
mod lines;
mod messages;
mod world;
