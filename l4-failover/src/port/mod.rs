//! What `l4-failover` does with a connection: from a local port to whoever is active, or, the other
//! half, from a caller that shows a certificate to a local application.

mod connection;
mod context;
mod error;
mod feed;
mod front;
mod log;
mod metrics;
mod outcome;
mod record;

// The public interface is:
pub use context::{Context, ContextOptions};
pub use error::Error;
pub use feed::FeedSeries;
pub(crate) use feed::fanout;
pub use front::{Door, Front, Gate};
pub use metrics::{Metrics, Series};
pub use outcome::{Outcome, Phase};
pub use record::Record;
