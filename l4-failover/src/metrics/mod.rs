//! Metrics for Prometheus: what every program counts that passes connections on. Each program has
//! its own prefix.
//!
//! Every label is a configured name or one of a fixed set of words.

mod by_name;
mod computed;
mod pools;
mod process;
mod register;

pub use by_name::ByName;
pub use computed::Computed;
pub use pools::{Labelled, PoolMetrics};
pub use process::{ProcessMetrics, Snapshot};
pub use register::Register;

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Encoder, Registry, TextEncoder};

/// Upper bounds of the time that a dial takes, in seconds: loopback to the default total bound.
pub const DIAL_SECONDS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
];

/// A time of day as metrics have it: in seconds since 1970, and 0 if it was before.
#[must_use]
pub fn unix_seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0.0, |it| it.as_secs_f64())
}

/// Everything that is registered, in the text format of Prometheus.
#[must_use]
pub fn render(registry: &Registry) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing to memory does not fail, and the registry holds no invalid family.
    let _ = TextEncoder::new().encode(&registry.gather(), &mut text);
    text
}
