//! Sees names on the wire: what `mesh-gateway sni` does.
//!
//! Frames come from a file or an interface, [`packet`] finds the addresses and the payload in them.
//! What is between is pure: no socket, no clock; the time of a frame comes with it.

pub mod dtls;
pub mod flow;
pub mod frame;
pub mod packet;
mod pieces;
pub mod preamble;
pub mod quic;
pub mod server_hello;
