//! The laws of the choice, over random histories.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod flapping;
mod history;
mod laws;
mod operator;
mod picks;
