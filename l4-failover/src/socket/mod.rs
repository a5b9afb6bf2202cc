//! TCP sockets: listening, connecting, relaying.

pub mod connect;
pub mod cut;
pub mod listen;
mod options;
mod queue;
pub mod relay;
pub mod scratch;
pub mod tls;

pub use options::TcpOptions;
