//! Serves operators over HTTP, and nobody else.
//!
//! By default only this machine reaches the address. That is not enough: any web page that an
//! operator visits can make the browser send requests here. So a request whose `Host` is not one of
//! the server's own (DNS rebinding), or whose `Origin` is another site, is refused before it reaches
//! a handler. An address that other machines reach takes TLS and a bearer token on top.
//!
//! ```
//! use axum::{Router, routing::get};
//! use l4_failover::admin::{AdminOptions, Bound, Site};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let bound = Bound::bind(&AdminOptions::at("127.0.0.1:0".parse()?))?;
//! eprintln!("ready admin={}", bound.address());
//! let site = Site {
//!     operators: Router::new().route("/status", get(async || "fine")),
//!     ..Site::default()
//! };
//! bound.serve(site, async { /* until told to stop */ }).await?;
//! # Ok(())
//! # })
//! # .map_err(|error: Box<dyn std::error::Error>| error)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bound;
pub mod connections;
pub mod dump;
mod error;
mod guard;
pub mod life;
mod listener;
mod options;
pub mod page;
mod places;
pub mod pools;
mod query;
mod serve;
mod stopping;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod unix;

pub(crate) use guard::host_of;

// The public interface is:
pub use bound::{Bound, Site};
pub use error::AdminError;
pub use options::{Address, AdminOptions};
pub use query::mistake;
pub use stopping::Stopping;
pub use token::{Token, TokenError};
