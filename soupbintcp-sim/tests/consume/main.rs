//! `consume` against servers that do what a test tells them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command;
mod library;
mod served;
mod server;
mod speed;
