//! The seeded day: random access, and what a consumer may rely on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod book;
mod life;
mod speed;
mod variety;
