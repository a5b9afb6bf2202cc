//! The pool over real sockets: dials, checks, moves, and what becomes of sessions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dial;
mod lines;
mod moves;
mod operator;
mod server;
mod sessions;
