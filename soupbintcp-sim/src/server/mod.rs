//! A feed server as exchanges have them: SoupBinTCP, sequenced messages at a scheduled rate, from
//! any number on, for many clients; and faults, when they are ordered.
//!
//! Message n is due at start + n / rate, whatever happens to the server: two of one seed, start and
//! rate, or one that was restarted, stand at the same place. Nothing of the past is held: each
//! client has a place of its own, from which messages are made again.
//!
//! ```
//! use l4_failover::soupbin::packet::{Credentials, LoginRequest, Packet, SessionId};
//! use soupbintcp_sim::server::{Fault, Options, Order, Server};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//! use tokio::sync::oneshot;
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! let listen = vec!["127.0.0.1:0".parse()?];
//! let server = Server::bind(Options { listen, ..Options::default() })?;
//! let (address, handle) = (server.addresses()[0], server.handle());
//! let (stop, stopped) = oneshot::channel::<()>();
//! let serving = tokio::spawn(server.serve(async { stopped.await.unwrap_or(()) }));
//!
//! let mut client = TcpStream::connect(address).await?;
//! let mut login = Vec::new();
//! Packet::LoginRequest(LoginRequest {
//!     credentials: Credentials::new("user", "secret")?,
//!     session: SessionId::BLANK,
//!     sequence: 1,
//!     heartbeat_timeout: None,
//! }).encode(&mut login)?;
//! client.write_all(&login).await?;
//! let mut accepted = [0; 33];
//! client.read_exact(&mut accepted).await?;
//! assert_eq!(&accepted[..13], b"\0\x1fAFEED000001");
//!
//! handle.order(&Order::all(Fault::Pause))?;
//! assert_eq!(handle.status().clients.len(), 1);
//! drop(stop);
//! serving.await??;
//! # Ok(())
//! # })
//! # .map_err(|error: Box<dyn std::error::Error>| error)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admin;
mod alarm;
mod burst;
mod chunk;
mod client;
mod conduct;
mod conversation;
mod counts;
mod end;
mod fault;
mod goodbye;
mod incoming;
mod login;
mod options;
mod outgoing;
mod schedule;
mod serve;
mod source;
mod stage;
mod status;
mod tape;
mod timeline;

// The public interface is:
pub use burst::{Burst, BurstError};
pub use chunk::Blemish;
pub use fault::{Ending, Fault, Lag, Order, OrderError, Whom};
pub use login::{BeyondEnd, LoginRules, Zero};
pub use options::{Limits, Options};
pub use schedule::{Rate, RateError, Schedule};
pub use serve::{Handle, Server, StartError};
pub use source::{Content, ReplayError};
pub use stage::NoClient;
pub use status::{ClientStatus, GoneStatus, LatenessStatus, Status};
