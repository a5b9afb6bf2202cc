//! Ports whose bytes are a SoupBinTCP feed: what becomes of each consumer, and what is said of it.

mod carry;
mod metrics;
mod news;
mod outcome;

pub(super) use carry::carry;
pub use metrics::FeedSeries;
pub(super) use metrics::FeedVectors;
