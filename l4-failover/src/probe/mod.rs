//! Active checks.

mod options;

pub use options::{CheckOptions, HttpProbe, Probe};
