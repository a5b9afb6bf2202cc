//! Ports whose bytes are a SoupBinTCP feed: what becomes of each consumer, and what is said of it.

mod carry;
mod fanout;
mod metrics;
mod news;
mod outcome;

pub(super) use carry::carry;
pub(crate) use fanout::fanout;
pub(super) use fanout::serve;
pub use metrics::FeedSeries;
pub(super) use metrics::FeedVectors;
