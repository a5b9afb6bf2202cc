//! TLS on either side of a port: towards targets, and from callers.
//!
//! Both sides are made of files, and made anew when these change ([`Watcher`]).
//!
//! ```
//! use std::time::Duration;
//!
//! use l4_failover::socket::tls::{Identity, TlsClient, TlsOptions, TlsServer, TlsServerOptions};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
//! # let made = rcgen::generate_simple_self_signed(["refdata.dc1".to_owned()])?;
//! # std::fs::write(&cert, made.cert.pem())?;
//! # std::fs::write(&key, made.signing_key.serialize_pem())?;
//! // Both show the same certificate here, which is its own authority.
//! let identity = Identity { cert: cert.clone(), key };
//! let server = TlsServer::load(&TlsServerOptions {
//!     identity: identity.clone(),
//!     ca: cert.clone(),
//!     allow: vec!["refdata.dc1".parse()?],
//!     crl_file: None,
//! })?;
//! let client = TlsClient::load(&TlsOptions {
//!     server_name: "refdata.dc1".to_owned(),
//!     ca: Some(cert),
//!     identity: Some(identity),
//! })?;
//!
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let outgoing = TcpStream::connect(listener.local_addr()?).await?;
//! let (incoming, _) = listener.accept().await?;
//! let limit = Duration::from_secs(5);
//! let (to_server, to_client) =
//!     tokio::join!(client.connect(outgoing, limit), server.accept(incoming, limit));
//! let (mut to_server, (mut to_client, caller)) = (to_server?, to_client?);
//! assert_eq!(caller.to_string(), "refdata.dc1");
//!
//! to_server.write_all(b"question").await?;
//! to_server.shutdown().await?;
//! let mut asked = String::new();
//! to_client.read_to_string(&mut asked).await?;
//! assert_eq!(asked, "question");
//! # Ok(()) }
//! ```

mod alert;
mod client;
mod error;
mod expiry;
pub(crate) mod files;
mod gate;
mod handshake;
mod options;
mod reload;
mod san;
mod server;

pub use alert::Alert;
pub use client::TlsClient;
pub use error::{TlsError, TlsFile};
pub use handshake::{CertificateFault, HandshakeError};
pub use options::{Identity, TlsOptions, TlsServerOptions};
pub use reload::{Reload, WatchedFiles, Watcher};
pub use san::{Caller, San, SanError};
pub use server::{AcceptError, TlsServer};
