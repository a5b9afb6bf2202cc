//! TCP sockets: listening, connecting, relaying.

pub mod connect;
pub mod listen;
mod options;
mod queue;
pub mod relay;
pub mod scratch;
mod stream;
pub mod tls;

pub use options::TcpOptions;
pub use stream::{Connection, Stream};
