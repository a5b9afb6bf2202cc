//! A mesh gateway: passes TLS connections on by server name, without terminating TLS.
pub mod config;
