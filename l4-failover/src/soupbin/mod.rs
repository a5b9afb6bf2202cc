//! SoupBinTCP: sessions of numbered messages over TCP, and lines that carry the same one.
//!
//! The protocol numbers what it delivers, so that a consumer can be carried from a line that died to
//! another at exactly the next message: what plain TCP cannot promise.
//!
//! - [`packet`] reads and writes the frames of versions 3.00, 4.00 and 4.10;
//! - [`session`] is one end of a connection: what may come when, heartbeats, silence;
//! - [`join`] decides which line a consumer gets its messages from, and from where on;
//! - [`bridge`] carries consumers that connect to a local port;
//! - [`fanout`] serves many consumers of a local port from one login;
//! - [`feed`] is a consumer within a program.
//!
//! The first three are pure: bytes and moments come in as arguments.

pub mod bridge;
pub mod fanout;
pub mod feed;
pub mod join;
pub mod packet;
pub mod session;

pub use feed::Feed;
