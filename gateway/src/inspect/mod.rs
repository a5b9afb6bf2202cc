//! Sees names on the wire: what `mesh-gateway sni` does.
//!
//! Frames come from a file or an interface, [`packet`] finds the addresses and the payload in them,
//! [`flow`] puts hellos together, and [`mod@print`] says what was seen. What is between is pure: no
//! socket, no clock; the time of a frame comes with it.

pub mod args;
pub mod capture;
pub mod dtls;
pub mod file;
pub mod filter;
pub mod flow;
pub mod frame;
mod heard;
pub mod inspector;
pub mod keep;
mod out;
mod outline;
pub mod packet;
mod pieces;
pub mod preamble;
pub mod print;
pub mod quic;
pub mod run;
mod say;
pub mod server_hello;
mod signals;
mod source;
