//! A mesh gateway: passes TLS connections on by server name, without terminating TLS.
//!
//! [`hello`] reads the name, [`route`] chooses the destination, [`connection`] is the straight
//! line of a connection's life; `l4-failover` dials and relays. [`app`] puts all together.

pub mod access;
pub mod admin;
pub mod answer;
pub mod app;
pub mod check;
pub mod circle;
pub mod cli;
pub mod config;
pub mod connection;
pub mod context;
pub mod destination;
pub mod error;
pub mod explain;
pub mod front;
pub mod hello;
mod in_order;
pub mod inspect;
pub mod live;
pub mod log;
pub mod metrics;
pub mod name;
pub mod networks;
pub mod outcome;
pub mod record;
pub mod refuse;
pub mod route;
pub mod tables;
pub mod tap;
pub mod worker;
