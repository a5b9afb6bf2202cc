//! TCP sockets: listening, connecting, relaying.

pub mod connect;
pub mod crowd;
pub mod cut;
mod eager;
pub mod listen;
pub mod live;
mod options;
pub mod proxy;
mod queue;
pub mod relay;
pub mod scratch;
mod stream;
pub mod tls;
pub mod workers;

pub use eager::send_pieces;
pub use options::TcpOptions;
pub use queue::is_delivered;
pub use stream::{Connection, Stream};
