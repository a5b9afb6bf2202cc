//! TCP sockets: listening, connecting, relaying.

pub mod connect;
pub mod listen;
mod options;
mod queue;
pub mod relay;
pub mod scratch;

pub use options::TcpOptions;
