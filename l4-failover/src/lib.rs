//! Keeps a primary and backups for plain TCP: sockets, relaying and the choice of an endpoint.

pub mod admin;
pub mod config;
