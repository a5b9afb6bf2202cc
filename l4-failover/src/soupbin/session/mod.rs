//! One end of a SoupBinTCP connection: what may come when, heartbeats, silence.
//!
//! Both ends are pure. Whoever owns the socket tells what came ([`ClientSession::received`]) and that
//! something was sent, waits until [`due`](ClientSession::due), and does what
//! [`tick`](ClientSession::tick) says.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use l4_failover::soupbin::packet::{Credentials, LoginAccepted, LoginRequest, Packet, SessionId, split};
//! use l4_failover::soupbin::session::{ClientLimits, ClientSession, FromServer, Tick};
//!
//! let start = Instant::now();
//! let login = LoginRequest {
//!     credentials: Credentials::new("trader", "secret")?,
//!     session: SessionId::BLANK,
//!     sequence: 1,
//!     heartbeat_timeout: None,
//! };
//! let mut line = ClientSession::new(login, ClientLimits::default(), start);
//!
//! let mut answer = Vec::new();
//! let session = "FEED000001".parse()?;
//! Packet::LoginAccepted(LoginAccepted { session, sequence: 1 }).encode(&mut answer)?;
//! Packet::Sequenced(b"first").encode(&mut answer)?;
//!
//! let frame = split(&answer)?.expect("whole");
//! line.heard(start);
//! assert!(matches!(line.received(frame)?, FromServer::Accepted(_)));
//! let frame = split(&answer[frame.len()..])?.expect("whole");
//! assert_eq!(line.received(frame)?, FromServer::Sequenced { number: 1, message: b"first" });
//!
//! // Nothing was sent for a second.
//! assert_eq!(line.tick(start + Duration::from_secs(1)), Tick::Heartbeat);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod clock;
mod error;
mod server;
#[cfg(test)]
mod tests;

pub use client::{ClientLimits, ClientSession, FromServer};
pub use clock::{HEARTBEAT, Tick};
pub use error::SessionError;
pub use server::{FromClient, ServerLimits, ServerSession};
